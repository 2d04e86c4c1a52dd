"""G.711 µ-law and A-law, both ways, by table (ITU-T G.711, 1988).

Decoding looks up 256 values; encoding looks up all 65,536, so that both cost one numpy gather. The encoding tables are
made by the segment search of the recommendation as Sun's public-domain reference (`g711.c`) and CPython's `audioop`
do it: 14-bit magnitude for µ-law, 13-bit for A-law.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

ULAW_SILENCE = b"\xff"
ALAW_SILENCE = b"\xd5"

_ULAW_BIAS = 33  # 0x84 of the 16-bit formulas, in 14-bit steps
_ULAW_CLIP = 8159


def ulaw_encode(pcm: bytes | memoryview) -> bytes:
    """µ-law codes, one byte a sample, of 16-bit PCM."""
    codes: NDArray[np.uint8] = _ulaw_codes()[np.frombuffer(pcm, dtype="<u2", count=len(pcm) // 2)]
    return codes.tobytes()


def ulaw_decode(codes: bytes | memoryview) -> bytes:
    """16-bit PCM of µ-law codes."""
    return _ulaw_values()[np.frombuffer(codes, dtype=np.uint8)].tobytes()


def alaw_encode(pcm: bytes | memoryview) -> bytes:
    """A-law codes, one byte a sample, of 16-bit PCM."""
    codes: NDArray[np.uint8] = _alaw_codes()[np.frombuffer(pcm, dtype="<u2", count=len(pcm) // 2)]
    return codes.tobytes()


def alaw_decode(codes: bytes | memoryview) -> bytes:
    """16-bit PCM of A-law codes."""
    return _alaw_values()[np.frombuffer(codes, dtype=np.uint8)].tobytes()


@cache
def _ulaw_values() -> NDArray[np.int16]:
    """(256,) int16: the value of each µ-law code."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype("<i2")


@cache
def _alaw_values() -> NDArray[np.int16]:
    """(256,) int16: the value of each A-law code."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (code & 0x70) >> 4
    magnitude = ((code & 0x0F) << 4) + np.where(segment == 0, 8, 0x108)
    magnitude <<= np.maximum(segment - 1, 0)
    return np.where(code & 0x80, magnitude, -magnitude).astype("<i2")


@cache
def _ulaw_codes() -> NDArray[np.uint8]:
    """(65536,) uint8: the µ-law code of each int16, indexed by its bits read as unsigned."""
    value = _int16_by_bits() >> 2
    magnitude = np.minimum(np.abs(value), _ULAW_CLIP) + _ULAW_BIAS
    segment = np.searchsorted(np.array([0x3F << n | (1 << n) - 1 for n in range(8)]), magnitude)
    code = np.where(segment >= 8, 0x7F, segment << 4 | magnitude >> (segment + 1) & 0x0F)
    return np.asarray(code ^ np.where(value < 0, 0x7F, 0xFF), dtype=np.uint8)


@cache
def _alaw_codes() -> NDArray[np.uint8]:
    """(65536,) uint8: the A-law code of each int16, indexed by its bits read as unsigned."""
    value = _int16_by_bits() >> 3
    magnitude = np.where(value >= 0, value, -value - 1)
    segment = np.searchsorted(np.array([(0x20 << n) - 1 for n in range(8)]), magnitude)
    shift = np.maximum(segment, 1)
    code = np.where(segment >= 8, 0x7F, segment << 4 | magnitude >> shift & 0x0F)
    return np.asarray(code ^ np.where(value >= 0, 0xD5, 0x55), dtype=np.uint8)


def _int16_by_bits() -> NDArray[np.int32]:
    return np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
