"""One utterance as a small speech model wants it: short pieces without silence, and text without loops. Pure.

Moonshine is at its best up to about ten seconds, costs more than its share beyond, repeats itself over leading
silence, and says "You" to anything that is no speech. (Measured on 0.1.0.)

Pieces depend only on the first LONGEST_PIECE_SAMPLES from their start, and silence is cut off their ends: as an
utterance grows, its finished pieces stay the same to the byte, and silence appended changes nothing. The cache of
decoded pieces rests on that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
SHORTEST_SAMPLES = RATE_HZ // 10
SHORTEST_PIECE_SAMPLES = 6 * RATE_HZ  # a cut may fall between these two, at the quietest place
LONGEST_PIECE_SAMPLES = 12 * RATE_HZ
MARGIN_SAMPLES = RATE_HZ // 4  # of silence left at both ends of a piece

_FRAME_SAMPLES = RATE_HZ // 50
_PAUSE_FRAMES = 10  # a cut is sought in the quietest 200 ms
_SILENT_RMS = 40.0  # of 32768: what a quiet room leaves in a good microphone
_SILENT_SHARE = 0.012  # -38 dB of the loudest frame
_ROOM_QUANTILE = 0.1  # the quietest tenth of an utterance is its room
_ROOM_TIMES = 2.5
_ROOM_SHARE = 0.05  # but where somebody never pauses, it is speech: no more than -26 dB of the loudest frame
_MOST_WORDS_PER_S = 7.0

Samples = npt.NDArray[np.int16]


def split_at_silence(pcm: Samples) -> Iterator[Samples]:
    """Pieces of `pcm`, in order and without a gap, each no longer than LONGEST_PIECE_SAMPLES.

    pcm: (n,) int16, mono, 16 kHz.
    """
    start = 0
    while len(pcm) - start > LONGEST_PIECE_SAMPLES:
        window = pcm[start + SHORTEST_PIECE_SAMPLES : start + LONGEST_PIECE_SAMPLES]
        loudness = np.convolve(_rms(window), np.ones(_PAUSE_FRAMES), "valid")
        middle = (int(np.argmin(loudness)) + _PAUSE_FRAMES // 2) * _FRAME_SAMPLES
        end = start + SHORTEST_PIECE_SAMPLES + middle
        yield pcm[start:end]
        start = end
    yield pcm[start:]


def trim_silence(pcm: Samples) -> Samples:
    """`pcm` without the silence at its ends but for a margin; empty where there is nothing but silence.

    pcm: (n,) int16, mono, 16 kHz.
    """
    rms = _rms(pcm)
    if not len(rms):
        return pcm[:0]
    loudest = float(rms.max())
    room = min(_ROOM_TIMES * float(np.quantile(rms, _ROOM_QUANTILE)), _ROOM_SHARE * loudest)
    loud = np.flatnonzero(rms > max(_SILENT_RMS, _SILENT_SHARE * loudest, room))
    if not len(loud):
        return pcm[:0]
    start = int(loud[0]) * _FRAME_SAMPLES - MARGIN_SAMPLES
    end = (int(loud[-1]) + 1) * _FRAME_SAMPLES + MARGIN_SAMPLES
    return pcm[max(start, 0) : end]


def believable(text: str, duration_s: float) -> str:
    """`text` as decoded from `duration_s` of sound, without what the model makes up."""
    words = collapse_loops(_DOUBLED_COMMA.sub(",", text)).split()
    if len(words) == 1 and words[0].strip(".,!?").lower() == "you":
        return ""
    most = int(_MOST_WORDS_PER_S * duration_s) + 3
    return " ".join(words[:most])


_DOUBLED_COMMA = re.compile(r",(?:\s*,)+")
_WORD_CHARACTERS = re.compile(r"[^\w']+")


def collapse_loops(text: str) -> str:
    """`text` with a phrase that is said over and over said once.

    Three or more words count as a loop from the third time on, one or two words from the fifth: people do say
    "no no no".
    """
    words = text.split()
    keys = [_WORD_CHARACTERS.sub("", word).lower() for word in words]
    kept: list[str] = []
    at = 0
    while at < len(words):
        length, times = _loop_at(keys, at)
        kept.extend(words[at : at + length])
        at += length * times
    return " ".join(kept)


def _loop_at(keys: list[str], at: int) -> tuple[int, int]:
    """The length of the loop that starts at `at`, and how often it is said; (1, 1) for none."""
    for length in range(1, min(20, (len(keys) - at) // 3) + 1):
        phrase = keys[at : at + length]
        times = 1
        while keys[at + times * length : at + (times + 1) * length] == phrase:
            times += 1
        if times >= (5 if length <= 2 else 3):
            return length, times
    return 1, 1


def _rms(pcm: Samples) -> npt.NDArray[np.float32]:
    """The loudness of each whole frame of 20 ms."""
    frames = pcm[: len(pcm) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES).astype(np.float32)
    return np.asarray(np.sqrt(np.mean(frames * frames, axis=1)), dtype=np.float32)
