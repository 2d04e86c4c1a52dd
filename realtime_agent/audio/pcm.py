"""Work on 16-bit mono PCM: conversions, levels, gain, fades, mixing.

Everywhere in this package `pcm` is bytes of little-endian int16 samples, mono.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SAMPLE_BYTES = 2
FULL_SCALE = 32_768
SILENT_DBFS = -120.0
"""What `level_dbfs` says of digital silence: finite, so that it can be drawn and averaged."""

Samples = NDArray[np.int16]
Floats = NDArray[np.float32]


def samples_of(pcm: bytes | bytearray | memoryview) -> Samples:
    """The bytes seen as (n,) int16, without a copy. An odd last byte is left out."""
    return np.frombuffer(pcm, dtype="<i2", count=len(pcm) // SAMPLE_BYTES)


def to_float(pcm: bytes | bytearray | memoryview) -> Floats:
    """(n,) float32 in [-1, 1)."""
    return samples_of(pcm).astype(np.float32) * np.float32(1 / FULL_SCALE)


def from_float(samples: NDArray[np.floating]) -> bytes:
    """PCM of (n,) floats in [-1, 1]. What is beyond is clipped, and what is not a number is silence."""
    scaled = np.nan_to_num(np.asarray(samples, dtype=np.float64) * FULL_SCALE, nan=0.0)
    return np.clip(np.rint(scaled), -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()


def silence(samples: int) -> bytes:
    """So many samples of silence."""
    return bytes(samples * SAMPLE_BYTES)


def rms(pcm: bytes | bytearray | memoryview) -> float:
    """Root mean square in units of int16; 0 for nothing."""
    samples = samples_of(pcm).astype(np.float32)
    return math.sqrt(float(samples.dot(samples)) / len(samples)) if len(samples) else 0.0


def level_dbfs(pcm: bytes | bytearray | memoryview) -> float:
    """The level in dB relative to full scale: 0 for a full-scale square wave, `SILENT_DBFS` for silence."""
    value = rms(pcm)
    return max(SILENT_DBFS, 20 * math.log10(value / FULL_SCALE)) if value > 0 else SILENT_DBFS


def gain(pcm: bytes, decibels: float) -> bytes:
    """The same audio, louder or softer; clipped, never wrapped."""
    return from_float(to_float(pcm) * np.float32(10 ** (decibels / 20)))


def fade_out(pcm: bytes) -> bytes:
    """A straight line from full to silent. `fade_in(x)` and `fade_out(x)` add up to `x`, within one step."""
    samples = samples_of(pcm)
    return (samples * _falling(len(samples))).astype("<i2").tobytes()


def fade_in(pcm: bytes) -> bytes:
    """A straight line from silent to full."""
    samples = samples_of(pcm)
    return (samples * (np.float32(1) - _falling(len(samples)))).astype("<i2").tobytes()


def mix(first: bytes, second: bytes) -> bytes:
    """Both at once, as long as the longer one; clipped, never wrapped."""
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    total = samples_of(longer).astype(np.int32)
    part = samples_of(shorter)
    total[: len(part)] += part
    return np.clip(total, -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()


def mono(interleaved: bytes, channels: int) -> bytes:
    """The mean of interleaved channels. A last incomplete frame is left out."""
    if channels == 1:
        return interleaved
    samples = samples_of(interleaved)
    frames = len(samples) // channels
    mean = samples[: frames * channels].reshape(frames, channels).mean(axis=1, dtype=np.float32)
    return bytes(np.rint(mean).astype("<i2").data)


def interleave(left: bytes, right: bytes) -> bytes:
    """Stereo from two mono channels; the shorter one is filled with silence."""
    first, second = samples_of(left), samples_of(right)
    frames = np.zeros((max(len(first), len(second)), 2), dtype="<i2")
    frames[: len(first), 0] = first
    frames[: len(second), 1] = second
    return frames.tobytes()


def _falling(samples: int) -> Floats:
    return np.linspace(1, 0, samples, endpoint=False, dtype=np.float32)
