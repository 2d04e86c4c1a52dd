"""One utterance as a small speech model wants it: short pieces without silence, and text without loops. Pure.

Moonshine is at its best up to about ten seconds, costs more than its share beyond, repeats itself over leading
silence, and says "You" to anything that is no speech. (Measured on 0.1.0.)

A piece ends at the first pause after SHORTEST_PIECE_SAMPLES, or where there is none, at the quietest place before
LONGEST_PIECE_SAMPLES. Silence is cut off its ends. As an utterance grows, pieces are decoded once and settled, only
the open tail after the last of them is decoded again, and silence appended to that changes nothing.

Word errors of 44 s of reading: 2.5 % clean, 8.4 % in noise, 5.0 % by telephone. With pieces that end at a pause from
4 s on: 4.2, 8.4, 5.0; from 3 s on: 5.0, 8.4, 5.9.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
SHORTEST_SAMPLES = RATE_HZ // 10
SHORTEST_PIECE_SAMPLES = 6 * RATE_HZ  # a cut may fall between these two, at the quietest place
LONGEST_PIECE_SAMPLES = 12 * RATE_HZ
PAUSE_SAMPLES = 3 * RATE_HZ // 10  # and speech after it: what ends a piece early
MARGIN_SAMPLES = RATE_HZ // 4  # of silence left at both ends of a piece

_FRAME_SAMPLES = RATE_HZ // 50
_QUIET_FRAMES = 10  # without a pause a cut is sought in the quietest 200 ms
_SILENT_RMS = 40.0  # of 32768: what a quiet room leaves in a good microphone
_SILENT_SHARE = 0.012  # -38 dB of the loudest frame
_ROOM_QUANTILE = 0.1  # the quietest tenth of an utterance is its room
_ROOM_TIMES = 2.5
_ROOM_SHARE = 0.05  # but where somebody never pauses, it is speech: no more than -26 dB of the loudest frame
_MOST_WORDS_PER_S = 7.0

Samples = npt.NDArray[np.int16]


def find_piece(pcm: Samples) -> int | None:
    """The length of the first piece, a multiple of 20 ms; None where `pcm` is an open tail.

    pcm: (n,) int16, mono, 16 kHz. What lies beyond LONGEST_PIECE_SAMPLES is not looked at.
    """
    if len(pcm) <= SHORTEST_PIECE_SAMPLES:
        return None
    rms = _rms(pcm[:LONGEST_PIECE_SAMPLES])
    pause = _find_pause(rms <= _silence_rms(rms), SHORTEST_PIECE_SAMPLES // _FRAME_SAMPLES)
    if pause is not None:
        return pause * _FRAME_SAMPLES
    if len(pcm) <= LONGEST_PIECE_SAMPLES:
        return None
    window = rms[SHORTEST_PIECE_SAMPLES // _FRAME_SAMPLES :]
    loudness = np.convolve(window, np.ones(_QUIET_FRAMES), "valid")
    return SHORTEST_PIECE_SAMPLES + (int(np.argmin(loudness)) + _QUIET_FRAMES // 2) * _FRAME_SAMPLES


def _find_pause(silent: npt.NDArray[np.bool_], start: int) -> int | None:
    """The middle of the first pause from frame `start` on, if speech follows it."""
    run = 0
    for frame in range(start, len(silent)):
        if silent[frame]:
            run += 1
        elif run >= PAUSE_SAMPLES // _FRAME_SAMPLES:
            return frame - run // 2
        else:
            run = 0
    return None


def trim_silence(pcm: Samples) -> Samples:
    """`pcm` without the silence at its ends but for a margin; empty where there is nothing but silence.

    pcm: (n,) int16, mono, 16 kHz.
    """
    rms = _rms(pcm)
    if not len(rms):
        return pcm[:0]
    loud = np.flatnonzero(rms > _silence_rms(rms))
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


def _silence_rms(rms: npt.NDArray[np.float32]) -> float:
    """How loud a frame may be and still be silence, among these."""
    loudest = float(rms.max())
    room = min(_ROOM_TIMES * float(np.quantile(rms, _ROOM_QUANTILE)), _ROOM_SHARE * loudest)
    return max(_SILENT_RMS, _SILENT_SHARE * loudest, room)


def _rms(pcm: Samples) -> npt.NDArray[np.float32]:
    """The loudness of each whole frame of 20 ms."""
    frames = pcm[: len(pcm) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES).astype(np.float32)
    return np.asarray(np.sqrt(np.mean(frames * frames, axis=1)), dtype=np.float32)
