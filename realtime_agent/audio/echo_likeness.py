"""How much a sound is like what was just played: the last check before something is taken for a person.

A buffer that ran dry, or a device that skipped, moves the echo by some milliseconds and tells nobody. All that the
filter had learnt is then wrong, and the echo is as loud as a person. But it is still the agent's voice: somewhere in
the last half second of what was played there is a stretch like it. The likeness is the greatest share of the sound's
energy that one such stretch explains, of both their differences (which whitens speech).

Measured over 200 ms: of echo in rooms of 0.4 and 0.7 s it is 0.26 and more in nine cases of ten (median 0.46); of
another voice 0.04 and less in nine of ten, 0.07 in 98 of a hundred.
"""

from __future__ import annotations

import numpy as np

from realtime_agent.audio.pcm import Floats

_WINDOW_MS = 200


class LikenessMeter:
    """Remembers just enough of what was played and of what was left of the microphone."""

    def __init__(self, rate_hz: int, reach_ms: int) -> None:
        self._window = rate_hz * _WINDOW_MS // 1000
        self._lags = rate_hz * reach_ms // 1000
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._left = np.zeros(self._window, np.float32)
        self._far = np.zeros(self._window + self._lags, np.float32)

    def hear(self, left: Floats, far: Floats) -> None:
        """One block of each."""
        for memory, block in ((self._left, left), (self._far, far)):
            memory[: -len(block)] = memory[len(block) :]
            memory[-len(block) :] = block

    def measure(self) -> float:
        """The likeness, from 0 to 1. Costs half a millisecond."""
        sound, played = np.diff(self._left), np.diff(self._far)
        size = 1 << (len(sound) + len(played)).bit_length()
        product = np.fft.irfft(np.conj(np.fft.rfft(sound, size)) * np.fft.rfft(played, size), size)
        product = product[: self._lags + 1]
        energy = np.concatenate(([0.0], np.cumsum(played.astype(np.float64) ** 2)))
        stretch = energy[len(sound) :] - energy[: -len(sound)]
        whole = float(sound.dot(sound)) * stretch
        return float((product**2 / np.maximum(whole, 1e3 * len(sound))).max())
