"""Changing the sample rate of a stream, chunk by chunk, without clicks at the edges (libsoxr)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from realtime_agent.audio.pcm import FULL_SCALE, Floats, samples_of
from realtime_agent.errors import ConfigError, MissingExtra

try:
    import soxr
except ImportError as missing:
    raise MissingExtra("Resampling", "audio") from missing

Quality = Literal["LQ", "MQ", "HQ"]


class Resampler:
    """One mono 16-bit stream from one rate to another. However it is chunked, the samples are the same.

    The filter looks ahead and works in blocks, so some audio is always held back: with 20 ms chunks between 24 and
    48 kHz up to 20 ms at quality LQ (flat to 80 % of the band), 39 ms at MQ and HQ (95 %); more at 8 kHz. Hence LQ is
    for conversation, HQ for files.

    Args:
        from_hz: sample rate of what comes in.
        to_hz: sample rate of what goes out. Equal rates pass through untouched.
        quality: libsoxr's recipe.
    """

    def __init__(self, from_hz: int, to_hz: int, *, quality: Quality = "LQ") -> None:
        if from_hz <= 0 or to_hz <= 0:
            raise ConfigError(f"Cannot resample from {from_hz} Hz to {to_hz} Hz: rates are positive.")
        self.from_hz = from_hz
        self.to_hz = to_hz
        # Floats inside: libsoxr dithers its int16 output, and then chunking would change the samples.
        self._stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, "float32", quality)
        self._odd = b""

    def process(self, pcm: bytes) -> bytes:
        """What can be given so far; it may be empty, or less than was put in."""
        if self._stream is None:
            return pcm
        if self._odd or len(pcm) & 1:
            pcm = self._odd + pcm
            whole = len(pcm) & ~1
            pcm, self._odd = pcm[:whole], pcm[whole:]
        return self._step(pcm) if pcm else b""

    def flush(self) -> bytes:
        """What the filter still holds; the stream then begins anew."""
        if self._stream is None:
            return b""
        rest = self._step(b"", last=True)
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget all, for a stream that has nothing to do with the one before."""
        self._odd = b""
        if self._stream is not None:
            self._stream.clear()

    def _step(self, pcm: bytes, *, last: bool = False) -> bytes:
        assert self._stream is not None
        floats = samples_of(pcm).astype(np.float32)
        out: Floats = self._stream.resample_chunk(floats, last)
        return np.clip(np.rint(out), -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """A whole piece of audio at another rate."""
    resampler = Resampler(from_hz, to_hz, quality="HQ")
    return resampler.process(pcm) + resampler.flush()
