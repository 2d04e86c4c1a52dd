"""What the loudspeaker does to the microphone, learnt while it happens: a frequency-domain Kalman filter.

Theory. The echo is the played signal through the room, a filter of some hundred milliseconds. It is kept in partitions
of 10 ms, each as a spectrum H (overlap-save), next to the variance P of its error. For every block

    e  = d - y        microphone less the echo that the filter predicts: y = Σ H X
    K  = P X* / (Σ P |X|² + Ψ)        with Ψ the power of e, which near-end speech makes large
    H += K e,   P = A² (1 - K X) P + (1 - A²) |H|²

Near-end speech so slows the learning by itself, each frequency for its own: no double-talk detector is needed, which
is what makes others stop listening while both speak. A < 1 says that rooms change, and keeps the filter awake.

Source: Kuech, Mabande, Enzner, "State-space architecture of the partitioned-block-based acoustic echo controller"
(ICASSP 2014). Ours differs in that the gradient constraint is applied to a quarter of the partitions a block, in turn,
as in Speex: it is half of the work.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime_agent.audio.pcm import Floats

Spectra = NDArray[np.complex64]

_PERSISTENCE = 0.998  # A²: 0.999 and more cancel less, also where both devices keep the same time
_SMOOTHING = 0.8
_LEVEL_SMOOTHING = 0.95  # 200 ms
_USUAL_SMOOTHING = 0.998  # 5 s
_CONSTRAIN_EVERY = 4
_PRIOR_FALL_BLOCKS = 12.0  # late echo is expected to be weak: the prior falls to 1/e in so many partitions
_PRIOR = 0.05  # about 0 dB of echo in all; ten times as much makes the first second diverge
_WAKEFUL = 1e-8
_SILENT = 1e3  # mean of |X|² of a played signal of 1.5 steps of int16: nothing to learn from
_LOUDER = 4.0  # the margin of the usual levels
_SOFT = 0.25  # of the usual level: before the first echo of a sentence there is nothing to judge by
_YOUNG_BLOCKS = 50  # levels mean nothing earlier
_DIVERGED = 1.2  # of the microphone's power, over 200 ms; what a person says is in both powers


class EchoFilter:
    """Predicts the echo in each block of the microphone.

    Args:
        block_samples: length of a block.
        length_ms: the longest echo that is modelled, in blocks of 10 ms.
    """

    def __init__(self, block_samples: int, length_ms: int = 320) -> None:
        self.block_samples = block_samples
        self._parts = max(1, length_ms // 10)
        self._bins = block_samples + 1
        self._far: Spectra
        self._far_power: Floats
        self._room: Spectra
        self._variance: Floats
        self._error_power: Floats  # Ψ; smoothed
        self.beginnings = 0
        """How often it has begun to learn from nothing."""
        self._age = 0
        self._near_level = self._left_level = 0.0
        self._usual_near = self._usual_far = 0.0
        self._reach = _PRIOR * np.exp(-np.arange(self._parts) / _PRIOR_FALL_BLOCKS)
        self.reset()

    def reset(self) -> None:
        """Forget the room and the audio."""
        shape = (self._parts, self._bins)
        self._heard = np.zeros(2 * self.block_samples, np.float32)
        self._far = np.zeros(shape, np.complex64)
        self._far_power = np.zeros(shape, np.float32)
        self._step = 0
        self._usual_near = self._usual_far = 0.0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget the room."""
        self.beginnings += 1
        self._age = 0
        self._room = np.zeros((self._parts, self._bins), np.complex64)
        # The echo cannot be louder than all that is heard. Where nothing is, as with headphones, a filter that expects
        # it would fit the noise, and add it.
        most = min(1.0, _LOUDER * self._usual_near / self._usual_far) if self._usual_far else 1.0
        self._variance = np.repeat(most * self._reach[:, None], self._bins, axis=1).astype(np.float32)
        self._error_power = np.zeros(self._bins, np.float32)
        self._near_level = self._left_level = 0.0

    def process(self, near: Floats, far: Floats) -> tuple[Floats, Floats] | None:
        """One block: what is left of the microphone, and the echo's expected power a bin (of a frame of two blocks).

        None where nothing was played for as long as the filter reaches: there is no echo, and no work.
        """
        self._shift(far)
        if float(self._far_power.sum()) < _SILENT * self._bins:
            return None
        far_spectra, power = self._far, self._far_power
        half = self.block_samples
        echo = np.fft.irfft((self._room * far_spectra).sum(axis=0))[half:].astype(np.float32)
        left: Floats = near - echo
        if self._diverges(near, left, far):
            self.begin_anew()
            left = near
        padded = np.zeros(2 * half, np.float32)
        padded[half:] = left
        error = np.fft.rfft(padded).astype(np.complex64)
        error_power = _power(error)
        if self._age:
            error_power = np.float32(_SMOOTHING) * self._error_power + np.float32(1 - _SMOOTHING) * error_power
        self._error_power = error_power
        self._age += 1
        room_power = _power(self._room)
        expected: Floats = ((room_power + self._variance) * power).sum(axis=0)
        gain = self._variance / ((power * self._variance).sum(axis=0) + self._error_power + np.float32(1e-3 * half))
        self._room += gain * np.conj(far_spectra) * error
        self._constrain()
        self._variance *= np.float32(_PERSISTENCE) * (1 - gain * power)
        self._variance += np.float32(1 - _PERSISTENCE) * room_power + np.float32(_WAKEFUL)
        return left, expected

    def _shift(self, far: Floats) -> None:
        half = self.block_samples
        self._heard[:half] = self._heard[half:]
        self._heard[half:] = far
        self._far[1:] = self._far[:-1]
        self._far_power[1:] = self._far_power[:-1]
        self._far[0] = np.fft.rfft(self._heard)
        self._far_power[0] = _power(self._far[0])

    def _constrain(self) -> None:
        """A partition's impulse response is one block long; the other half of its frame is wrap-around."""
        turn = slice(self._step % _CONSTRAIN_EVERY, None, _CONSTRAIN_EVERY)
        self._step += 1
        impulse = np.fft.irfft(self._room[turn], axis=1)
        impulse[:, self.block_samples :] = 0
        self._room[turn] = np.fft.rfft(impulse, axis=1)

    def _diverges(self, near: Floats, left: Floats, far: Floats) -> bool:
        """Whether it adds echo, as after a leap of the devices: then it is worse than none."""
        near_energy = float(near.dot(near))
        self._usual_far += (1 - _USUAL_SMOOTHING) * (float(far.dot(far)) - self._usual_far)
        self._usual_near += (1 - _USUAL_SMOOTHING) * (near_energy - self._usual_near)
        self._near_level += (1 - _LEVEL_SMOOTHING) * (near_energy - self._near_level)
        self._left_level += (1 - _LEVEL_SMOOTHING) * (float(left.dot(left)) - self._left_level)
        if self._age < _YOUNG_BLOCKS or self._near_level < _SOFT * self._usual_near:
            return False
        return self._left_level > _DIVERGED * self._near_level + 5 * self.block_samples


def _power(spectra: Spectra) -> Floats:
    power: Floats = spectra.real**2 + spectra.imag**2
    return power
