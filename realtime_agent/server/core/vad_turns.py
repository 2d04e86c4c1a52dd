"""Where the person's turns begin and end.

A detector says of every 20 ms frame whether there is speech in it; this machine makes turns of that. Time is audio
time in ticks (samples at 24 kHz): a client that sends slowly or in bursts gets the same turns.

A turn begins when `ONSET_FRAMES` frames in a row hold speech (single frames are clicks) and reaches back to the first
of them, and by the prefix padding beyond it. It ends when there was no speech for the silence that is asked for. Some
way into that silence the machine reports a *pause*: the moment to begin transcribing, for most pauses become ends. If
speech comes after all, the pause is *resumed* and what was made of it is void.

| state    | frame with speech               | frame without                                             |
|----------|---------------------------------|-----------------------------------------------------------|
| quiet    | n-th in a row: Started → speech | count from none again                                     |
| speech   | stay (longest turn: Stopped)    | → trailing                                                |
| trailing | → speech (after a pause: Resumed) | at the pause: Paused; silence long enough: Stopped → quiet |

With semantic VAD the silence is not fixed: `require_silence` sets it as soon as the words so far are known
(`turn_end.py`), until then the longest of that eagerness holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from realtime_agent.server.core.input_buffer import TICKS_PER_MS
from realtime_agent.server.core.settings import TurnSettings
from realtime_agent.server.core.turn_end import MAX_WAIT_MS

FRAME_MS = 20
FRAME_TICKS = FRAME_MS * TICKS_PER_MS
ONSET_FRAMES = 3
PAUSE_MS = 100
MAX_TURN_MS = 120_000


class SpeechDetector(Protocol):
    """Says of one frame of 16-bit mono PCM whether there is speech in it."""

    def process(self, pcm: bytes) -> bool: ...


MakeDetector = Callable[[int, float], SpeechDetector]
"""Makes a detector for a sample rate and a threshold (0 to 1)."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A turn began; `start` includes the prefix padding."""

    start: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """Speech has paused, perhaps for good."""

    at: int


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """It was only a pause."""

    at: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The turn is over; `end` includes the silence that said so."""

    end: int


TurnEvent = SpeechStarted | SpeechPaused | SpeechResumed | SpeechStopped


class VadTurns:
    """Turns of one stream in one format."""

    def __init__(self, settings: TurnSettings, detector: SpeechDetector, *, rate_hz: int, position: int) -> None:
        """`position`: tick of the first sample that will be fed."""
        self._settings = settings
        self._detector = detector
        self._frame_bytes = rate_hz * FRAME_MS // 1000 * 2
        self._position = position
        self._rest = bytearray()
        self._earliest = position  # no turn reaches back beyond this tick
        self._run = 0  # frames with speech in a row, while quiet
        self._speaking = False
        self._began = 0
        self._silence_ms = 0
        self._paused = False
        self._required_ms = self._longest_silence_ms

    @property
    def speaking(self) -> bool:
        """Whether a turn is going on."""
        return self._speaking

    def feed(self, pcm: bytes) -> Iterator[TurnEvent]:
        """What becomes clear with this audio, in order."""
        self._rest += pcm
        size = self._frame_bytes
        whole = len(self._rest) // size * size
        frames, self._rest = bytes(self._rest[:whole]), self._rest[whole:]
        for offset in range(0, whole, size):
            speech = self._detector.process(frames[offset : offset + size])
            self._position += FRAME_TICKS
            event = self._advance(speech)
            if event is not None:
                yield event

    def require_silence(self, silence_ms: int) -> None:
        """End the turn after so much silence; holds until speech resumes."""
        self._required_ms = min(silence_ms, self._longest_silence_ms)

    def adopt(self, settings: TurnSettings, make_detector: Callable[[], SpeechDetector]) -> None:
        """Go on under other settings; a turn that is going on goes on."""
        if settings.threshold != self._settings.threshold:
            self._detector = make_detector()  # only then: a detector remembers what it heard
        self._settings = settings
        self._required_ms = self._longest_silence_ms

    def reset(self, position: int) -> None:
        """Forget the turn: the audio before this tick was committed or cleared."""
        self._rest.clear()
        self._position = self._earliest = position
        self._become_quiet()

    @property
    def padding_start(self) -> int:
        """The earliest tick that a turn which begins now could reach back to."""
        back_ms = self._settings.prefix_padding_ms + ONSET_FRAMES * FRAME_MS
        return max(self._earliest, self._position - back_ms * TICKS_PER_MS)

    @property
    def _longest_silence_ms(self) -> int:
        eagerness = self._settings.eagerness
        return self._settings.silence_duration_ms if eagerness is None else MAX_WAIT_MS[eagerness]

    def _advance(self, speech: bool) -> TurnEvent | None:
        if not self._speaking:
            return self._while_quiet(speech)
        if self._position - self._began >= MAX_TURN_MS * TICKS_PER_MS:
            return self._stop()
        return self._while_trailing() if not speech else self._while_speech()

    def _while_quiet(self, speech: bool) -> TurnEvent | None:
        self._run = self._run + 1 if speech else 0
        if self._run < ONSET_FRAMES:
            return None
        onset = self._position - ONSET_FRAMES * FRAME_TICKS
        start = max(self._earliest, onset - self._settings.prefix_padding_ms * TICKS_PER_MS)
        self._speaking = True
        self._began = onset
        return SpeechStarted(start)

    def _while_speech(self) -> TurnEvent | None:
        self._silence_ms = 0
        self._required_ms = self._longest_silence_ms
        if not self._paused:
            return None
        self._paused = False
        return SpeechResumed(self._position)

    def _while_trailing(self) -> TurnEvent | None:
        self._silence_ms += FRAME_MS
        if self._silence_ms >= self._required_ms:
            return self._stop()
        if not self._paused and self._silence_ms >= min(PAUSE_MS, self._longest_silence_ms // 2):
            self._paused = True
            return SpeechPaused(self._position)
        return None

    def _stop(self) -> TurnEvent:
        self._earliest = self._position
        self._become_quiet()
        return SpeechStopped(self._position)

    def _become_quiet(self) -> None:
        self._run = self._silence_ms = 0
        self._speaking = self._paused = False
        self._required_ms = self._longest_silence_ms
