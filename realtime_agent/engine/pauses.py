"""The silence around a spoken clause: none before it, after it what its punctuation asks for. Pure.

Pico leaves up to 50 ms before and from 120 to 770 ms after what it says, by voice more than by punctuation.
"""

from __future__ import annotations

import numpy as np

RATE_HZ = 16_000
LEAD_SAMPLES = RATE_HZ * 15 // 1000  # kept before the first sound: a soft consonant may begin below the threshold
SENTENCE_PAUSE_SAMPLES = RATE_HZ * 260 // 1000
STOP_PAUSE_SAMPLES = RATE_HZ * 130 // 1000
NO_PAUSE_SAMPLES = RATE_HZ * 30 // 1000

_FRAME_SAMPLES = RATE_HZ // 200
_SILENT_PEAK = 80  # of 32768


def set_pauses(pcm: bytes, text: str, *, speed: float = 1.0) -> bytes:
    """`pcm` trimmed to what is heard, and followed by the pause that the end of `text` asks for at `speed`.

    pcm: int16 little-endian, mono, 16 kHz. Silence comes back empty.
    """
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2")
    whole = len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES
    peaks = np.abs(samples[:whole].reshape(-1, _FRAME_SAMPLES).astype(np.int32)).max(axis=1, initial=0)
    loud = np.flatnonzero(peaks > _SILENT_PEAK)
    if not len(loud):
        return b""
    start = max(int(loud[0]) * _FRAME_SAMPLES - LEAD_SAMPLES, 0)
    sound_end = (int(loud[-1]) + 1) * _FRAME_SAMPLES
    end = sound_end + int(_pause_samples(text) / speed)
    kept = samples[start:end].tobytes()
    return kept + bytes(2 * (end - start) - len(kept))


def _pause_samples(text: str) -> int:
    last = text.rstrip(" \t\r\"'”’»)]}*_")[-1:]
    if last in ".!?…\n" and last:
        return SENTENCE_PAUSE_SAMPLES
    if last in ",;:–—" and last:
        return STOP_PAUSE_SAMPLES
    return NO_PAUSE_SAMPLES
