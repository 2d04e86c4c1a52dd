"""Simulated rooms: what a microphone hears of a loudspeaker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

RATE_HZ = 24_000


def impulse_response(delay_ms: float, *, t60_s: float = 0.4, seed: int = 0) -> Signal:
    """Direct sound and as much reverberation again, through a small loudspeaker (180 Hz to 7 kHz)."""
    rng = np.random.default_rng(seed)
    reverb = rng.standard_normal(round(t60_s * RATE_HZ)) * 10 ** (
        -3 * np.arange(round(t60_s * RATE_HZ)) / t60_s / RATE_HZ
    )
    reverb[: RATE_HZ // 500] = 0
    reverb /= np.sqrt((reverb**2).sum())
    reverb[0] = 1.0
    response = np.concatenate((np.zeros(round(delay_ms * RATE_HZ / 1000)), reverb))
    hz = np.fft.rfftfreq(2 * len(response), 1 / RATE_HZ)
    spectrum = (
        np.fft.rfft(response, 2 * len(response)) * (hz / 180) ** 2 / (1 + (hz / 180) ** 2) / (1 + (hz / 7000) ** 4)
    )
    return np.asarray(np.fft.irfft(spectrum)[: len(response)])


def echo(
    far: bytes, delay_ms: float, gain_db: float = -10, *, distortion: float = 0, t60_s: float = 0.4, seed: int = 0
) -> Signal:
    """What comes back of the played PCM, so much softer than it.

    distortion: how far a bad loudspeaker is driven into its limits: 0 not at all, 1 audibly.
    """
    played = np.frombuffer(far, "<i2").astype(np.float64)
    sound = np.tanh(played / 32768 * distortion) / distortion * 32768 if distortion else played
    response = impulse_response(delay_ms, t60_s=t60_s, seed=seed)
    size = 1 << (len(sound) + len(response)).bit_length()
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[: len(sound)]
    return np.asarray(heard * (level(played) * 10 ** (gain_db / 20) / level(heard)))


def level(signal: Signal) -> float:
    """Root mean square while something is to be heard."""
    power = (signal[: len(signal) // 480 * 480].reshape(-1, 480) ** 2).mean(axis=1)
    return float(np.sqrt(power[power > power.max() * 1e-3].mean()))


def microphone(*sounds: Signal, noise_dbfs: float = -66) -> bytes:
    """All of them and a little noise, as PCM; as long as the first."""
    total = np.random.default_rng(5).standard_normal(len(sounds[0])) * 32768 * 10 ** (noise_dbfs / 20)
    for sound in sounds:
        total[: len(sound)] += sound[: len(total)]
    return np.clip(np.rint(total), -32768, 32767).astype("<i2").tobytes()
