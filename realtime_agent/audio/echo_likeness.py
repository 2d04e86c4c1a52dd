"""How much a sound is like what was just played: the last check before something is taken for a person.

A buffer that ran dry, or a device that skipped, moves the echo by some milliseconds and tells nobody. All that the
filter had learnt is then wrong, and the echo is as loud as a person. But it is still the agent's voice: somewhere in
the last half second of what was played there is a stretch like it. The likeness is the greatest share of the sound's
energy that one such stretch explains, of both their differences (which whitens speech).

Measured over the loud parts of 200 ms, 50 ms after something began: of an echo that has just moved it is 0.28 and more
in nine cases of ten (median 0.57); of another voice 0.15 and less in nine of ten (median 0.04).
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
        loud = self._loud(sound)
        sound = sound * loud
        size = 1 << (len(sound) + len(played)).bit_length()
        pairs = np.stack((sound, loud)), np.stack((played, played * played))
        spectra = [np.fft.rfft(pair, size, axis=1) for pair in pairs]
        product, stretch = np.fft.irfft(np.conj(spectra[0]) * spectra[1], size, axis=1)[:, : self._lags + 1]
        stretch = np.maximum(
            stretch, 0.02 * stretch.max()
        )  # nearly silent ones are rounding errors, and no echo's source
        whole = float(sound.dot(sound)) * stretch
        return float((product**2 / np.maximum(whole, 1e3 * len(sound))).max())

    def _loud(self, sound: Floats) -> Floats:
        """(n,) float32: 1 in stretches of 10 ms that are loud, else 0. What was soft before says nothing."""
        step = self._window // 20
        energy = np.add.reduceat(sound * sound, np.arange(0, len(sound), step))
        loud = (energy > 0.05 * energy.max()).astype(np.float32)
        return np.repeat(loud, step)[: len(sound)]
