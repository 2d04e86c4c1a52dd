"""Real speech to test with: the reading of A Tale of Two Cities that the moonshine-voice package carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realtime_agent.audio.wavfile import read_wav

_RATE_HZ = 24_000
_BLOCK = _RATE_HZ // 100  # 10 ms
_AUDIBLE = 0.02  # of full scale: what a person would call the beginning of a word
_PAUSE_BLOCKS = 25
_WORD_BLOCKS = 20  # of a word, most are audible; of a breath or a smack of the lips, few


def two_cities_path() -> Path:
    """The file: 44 s, mono."""
    import moonshine_voice

    return next(Path(moonshine_voice.__file__).parent.rglob("two_cities.wav"))


def two_cities() -> list[bytes]:
    """Its phrases at 24 kHz, each cut so that it begins with its first audible sample and lasts at most 1.5 s."""
    samples = np.frombuffer(read_wav(two_cities_path(), _RATE_HZ), dtype="<i2")
    blocks = samples[: len(samples) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    audible = np.abs(blocks.astype(np.int32)).max(axis=1) > _AUDIBLE * 32768
    phrases = []
    quiet = _PAUSE_BLOCKS
    for index, loud in enumerate(audible):
        if loud and quiet >= _PAUSE_BLOCKS and audible[index : index + _WORD_BLOCKS].mean() > 0.6:
            start = index * _BLOCK
            within = np.abs(samples[start : start + _BLOCK].astype(np.int32)) > _AUDIBLE * 32768
            start += int(np.argmax(within))
            phrases.append(samples[start : start + _RATE_HZ * 3 // 2].tobytes())
        quiet = 0 if loud else quiet + 1
    return phrases
