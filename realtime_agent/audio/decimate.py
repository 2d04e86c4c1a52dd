"""Cheap, low-delay rate reduction for detectors, which need no hi-fi: one numpy product a frame."""

from __future__ import annotations

import math

import numpy as np

from realtime_agent.audio.pcm import Floats
from realtime_agent.errors import ConfigError

_LOBES = 3  # zero crossings of the windowed sinc either side, at the lower rate


class Decimator:
    """A polyphase windowed-sinc filter from one rate to a lower one; half a millisecond of delay.

    Takes frames of a whole number of `block_samples`, and remembers the end of the last one.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if not 0 < to_hz <= from_hz:
            raise ConfigError(f"Cannot reduce {from_hz} Hz to {to_hz} Hz.")
        common = math.gcd(from_hz, to_hz)
        self.block_samples, outputs = from_hz // common, to_hz // common
        self._weights = _polyphase_weights(self.block_samples, outputs)
        self._taps = len(self._weights)
        self._history = np.zeros(self._taps - self.block_samples, dtype=np.float32)

    def process(self, samples: Floats) -> Floats:
        """samples: (n,) float32 with n a multiple of `block_samples`; returns (n * to_hz / from_hz,) float32."""
        joined = np.concatenate((self._history, samples))
        self._history = joined[len(samples) :]
        blocks = len(samples) // self.block_samples
        # Overlapping windows without a copy, like `as_strided`, which costs more than all the rest.
        windows: Floats = np.ndarray((blocks, self._taps), np.float32, joined.data, 0, (4 * self.block_samples, 4))
        narrow: Floats = np.dot(windows, self._weights).ravel()
        return narrow


def _polyphase_weights(inputs: int, outputs: int) -> Floats:
    """(taps, outputs) float32: what each sample of a block takes of the `taps` inputs before the block's end."""
    ratio = inputs / outputs
    half = math.ceil(_LOBES * ratio)
    taps = 2 * half + inputs
    offset = np.arange(taps)[:, None] - half - np.arange(outputs)[None, :] * ratio
    cutoff = 0.9 / ratio
    window = np.where(np.abs(offset) <= half, 0.5 + 0.5 * np.cos(np.pi * offset / (half + 1)), 0)
    weights = np.sinc(offset * cutoff) * window
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)
