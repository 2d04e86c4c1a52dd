"""Noise suppression for one stream of speech, sample by sample as it comes.

The short-time spectrum is attenuated where it holds more noise than speech, and put together again (overlap-add of
32 ms frames, half overlapping, square-root Hann windows on both sides). Two estimates decide, both without a speech
detector, both recursive, so that nothing is looked ahead:

- *The noise* in each band, by the probability that there is speech in it: Gerkmann and Hendriks, "Unbiased MMSE-based
  noise power estimation with low complexity and low tracking delay", IEEE TASLP 20(4), 2012, eq. 18, 22 and 23. With
  speech present at ξ₁ = 15 dB and equal priors, P = 1 / (1 + (1 + ξ₁) exp(-|Y|²/σ² · ξ₁/(1 + ξ₁))), and the noise is
  smoothed over P σ² + (1 - P) |Y|².
- *The signal-to-noise ratio* ξ before this frame, "decision-directed": Ephraim and Malah, IEEE TASSP 32(6), 1984,
  eq. 51: ξ = α G'² γ' + (1 - α) max(γ - 1, 0) with α = 0.98, primes for the frame before. It is what keeps the rest of
  the noise from tinkling ("musical noise").

The gain is Wiener's, ξ / (1 + ξ), and never below a floor: some noise is left on purpose, which hides what the gain
does to the rest. A person near the microphone gets a floor of -10 dB, one far away, whose room is louder beside them,
-15 dB. It is made for detectors and for people: a speech model that was trained in noise hears better without it
(`server/core/input_buffer.py` has the figures).

What comes out is as long as what went in, 32 ms later: silence first.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from realtime_agent.audio.pcm import FULL_SCALE, Floats, samples_of

Field = Literal["near_field", "far_field"]
FRAME_MS = 32
FLOOR_DB: dict[Field, float] = {"near_field": -10.0, "far_field": -15.0}

_SNR_SMOOTHING = 0.98
_LEAST_SNR = 10 ** (-25 / 10)
_SPEECH_SNR = 10 ** (15 / 10)
_NOISE_SMOOTHING = 0.8
_STUCK_ABOVE = 0.99  # a band that was all speech for so long (smoothed P) is noise that became louder
_LEAST_NOISE = 1e-3  # of a band, in units of int16 squared: digital silence divides nothing by zero
_FIRST_FRAMES = 6  # the noise of the first 0.1 s is the first estimate

_Doubles = NDArray[np.float64]


class NoiseSuppressor:
    """Suppresses the noise of one mono stream.

    Args:
        rate_hz: of the stream: 8000 and above.
        field: how far the person is from the microphone.
        strength: 1 is the field's own floor; 0 changes nothing, 2 doubles the decibels.
    """

    def __init__(self, rate_hz: int, field: Field = "near_field", *, strength: float = 1.0) -> None:
        self._hop = rate_hz * FRAME_MS // 2000
        frame = 2 * self._hop
        self._window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(np.float32)
        self._floor = 10 ** (FLOOR_DB[field] * strength / 20)
        self._scale = float(np.sum(self._window**2))
        self._frame = np.zeros(frame, dtype=np.float32)  # the newest samples, the last hop of them still coming
        self._tail = np.zeros(self._hop, dtype=np.float32)  # what the frame before adds to the next hop
        self._pending = np.zeros(0, dtype=np.float32)
        self._ready = np.zeros(self._hop, dtype=np.float32)  # the other half of the delay is in the first frame
        self._noise: _Doubles | None = None
        self._seen = 0
        self._speech = np.full(self._hop + 1, 0.5)  # smoothed probability of speech
        self._clean = np.zeros(self._hop + 1)  # |S|² of the frame before

    @property
    def delay_samples(self) -> int:
        """How much later everything comes out."""
        return 2 * self._hop

    def process(self, pcm: bytes) -> bytes:
        """As many samples as came in. pcm: int16, mono, rate_hz."""
        samples = samples_of(pcm)
        if not len(samples):
            return b""
        pending = np.concatenate((self._pending, samples.astype(np.float32)))
        hops = len(pending) // self._hop
        new = pending[: hops * self._hop].reshape(hops, self._hop)
        self._pending = pending[hops * self._hop :]
        ready = np.concatenate([self._ready, *map(self._advance, new)])
        self._ready = ready[len(samples) :]
        out = np.clip(np.rint(ready[: len(samples)]), -FULL_SCALE, FULL_SCALE - 1)
        return bytes(out.astype("<i2").data)

    def _advance(self, hop: Floats) -> Floats:
        """The next hop of output, finished."""
        self._frame = np.concatenate((self._frame[self._hop :], hop))
        spectrum = np.fft.rfft(self._frame * self._window)
        power = (spectrum.real**2 + spectrum.imag**2) / self._scale
        spectrum *= self._gain(power)
        clean = np.fft.irfft(spectrum).astype(np.float32) * self._window
        out: Floats = self._tail + clean[: self._hop]
        self._tail = clean[self._hop :]
        return out

    def _gain(self, power: _Doubles) -> _Doubles:
        noise = self._track_noise(power)
        posterior = power / noise
        prior = _SNR_SMOOTHING * self._clean / noise + (1 - _SNR_SMOOTHING) * np.maximum(posterior - 1, 0)
        prior = np.maximum(prior, _LEAST_SNR)
        gain: _Doubles = prior / (1 + prior)
        self._clean = gain**2 * power
        return np.maximum(gain, self._floor)

    def _track_noise(self, power: _Doubles) -> _Doubles:
        if self._noise is None or self._seen < _FIRST_FRAMES:
            before = power if self._noise is None else self._noise
            self._noise = np.maximum((before * self._seen + power) / (self._seen + 1), _LEAST_NOISE)
            self._seen += 1
            return self._noise
        posterior = np.minimum(power / self._noise, 700.0)
        speech = 1 / (1 + (1 + _SPEECH_SNR) * np.exp(-posterior * _SPEECH_SNR / (1 + _SPEECH_SNR)))
        self._speech = 0.9 * self._speech + 0.1 * speech
        speech = np.where(self._speech > _STUCK_ABOVE, np.minimum(speech, _STUCK_ABOVE), speech)
        now = speech * self._noise + (1 - speech) * power
        self._noise = np.maximum(_NOISE_SMOOTHING * self._noise + (1 - _NOISE_SMOOTHING) * now, _LEAST_NOISE)
        return self._noise
