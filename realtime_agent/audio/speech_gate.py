"""From a detector's verdict on each frame to where speech begins and ends. Pure; time is counted in samples of audio.

A detector errs for single frames: a plosive's gap is not the end of a sentence, a cough is not its beginning. The gate
adds what a person would: it wants `min_speech_ms` of speech before it believes in an onset, forgiving gaps shorter than
`gap_ms`, and `silence_duration_ms` of silence before it believes in an offset. Once believed, an onset is dated back to
the first frame of speech less `prefix_padding_ms` (a detector is late, and the first consonant is soft), but never into
the utterance before. An offset is dated at the frame that completed the silence, so that the utterance holds that
silence too: this is how the Realtime API defines `audio_start_ms` and `audio_end_ms`.

    state      speech frame                          silent frame
    QUIET      PENDING, or onset → SPEAKING          QUIET
    PENDING    onset → SPEAKING once enough          QUIET once the gap is too long
    SPEAKING   SPEAKING                              TRAILING, or offset → QUIET
    TRAILING   SPEAKING                              offset → QUIET once long enough

"or": at once, where the setting asks for no more than one frame. The idea of counting audio and not the clock is that
of Home Assistant's `VoiceCommandSegmenter`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from realtime_agent.errors import ConfigError


class GateState(Enum):
    """What the gate believes. See the table above."""

    QUIET = auto()
    PENDING = auto()
    SPEAKING = auto()
    TRAILING = auto()


@dataclass(frozen=True, slots=True)
class SpeechEdge:
    """Speech begins or ends.

    Attributes:
        kind: "onset" or "offset".
        at: where the utterance begins (with its prefix) or ends (with its silence), in samples since the start.
        heard: the end of the frame that decided it, in samples since the start.
    """

    kind: Literal["onset", "offset"]
    at: int
    heard: int


class SpeechGate:
    """Onsets and offsets out of verdicts, one frame at a time.

    Args:
        rate_hz: samples a second of the audio that is counted.
        prefix_padding_ms: audio before the first speech frame that belongs to the utterance.
        silence_duration_ms: silence that ends the utterance.
        min_speech_ms: speech that begins it; 0 believes the first frame.
        gap_ms: silence that makes a pending onset forgotten.
    """

    def __init__(
        self,
        rate_hz: int,
        *,
        prefix_padding_ms: float = 300,
        silence_duration_ms: float = 500,
        min_speech_ms: float = 0,
        gap_ms: float = 60,
    ) -> None:
        self.rate_hz = rate_hz
        self.state = GateState.QUIET
        self.position = 0
        self._last_end = 0
        self._first = 0  # where the pending or current speech began
        self._speech = 0  # samples of it so far, while pending
        self._silence = 0  # samples of silence since its last frame
        self.configure(
            prefix_padding_ms=prefix_padding_ms,
            silence_duration_ms=silence_duration_ms,
            min_speech_ms=min_speech_ms,
            gap_ms=gap_ms,
        )

    def configure(
        self,
        *,
        prefix_padding_ms: float | None = None,
        silence_duration_ms: float | None = None,
        min_speech_ms: float | None = None,
        gap_ms: float | None = None,
    ) -> None:
        """Change settings, also in the middle of an utterance.

        Raises:
            ConfigError: a duration is negative.
        """
        for name, value in {
            "prefix_padding": prefix_padding_ms,
            "silence_duration": silence_duration_ms,
            "min_speech": min_speech_ms,
            "gap": gap_ms,
        }.items():
            if value is not None:
                if value < 0:
                    raise ConfigError(f"{name}_ms cannot be negative.")
                setattr(self, f"_{name}_samples", round(value * self.rate_hz / 1000))

    _prefix_padding_samples: int
    _silence_duration_samples: int
    _min_speech_samples: int
    _gap_samples: int

    @property
    def speaking(self) -> bool:
        """Whether an utterance is under way."""
        return self.state in (GateState.SPEAKING, GateState.TRAILING)

    def process(self, samples: int, speech: bool) -> SpeechEdge | None:
        """Count one frame of so many samples; the edge that it brought about, if any."""
        begin = self.position
        self.position += samples
        if self.speaking:
            return self._in_speech(samples, speech)
        return self._in_quiet(begin, samples, speech)

    def reset(self) -> None:
        """Drop the utterance under way without an edge (the buffer was committed or cleared). The count goes on."""
        self.state = GateState.QUIET
        self._last_end = self.position
        self._speech = self._silence = 0

    def _in_quiet(self, begin: int, samples: int, speech: bool) -> SpeechEdge | None:
        if not speech:
            self._silence += samples
            if self._silence > self._gap_samples:
                self.state, self._speech = GateState.QUIET, 0
            return None
        if self.state is GateState.QUIET:
            self.state, self._first, self._speech = GateState.PENDING, begin, 0
        self._speech += samples
        self._silence = 0
        if self._speech < self._min_speech_samples:
            return None
        self.state = GateState.SPEAKING
        return SpeechEdge("onset", max(self._first - self._prefix_padding_samples, self._last_end), self.position)

    def _in_speech(self, samples: int, speech: bool) -> SpeechEdge | None:
        if speech:
            self.state, self._silence = GateState.SPEAKING, 0
            return None
        self.state = GateState.TRAILING
        self._silence += samples
        if self._silence < self._silence_duration_samples:
            return None
        self.reset()
        return SpeechEdge("offset", self.position, self.position)
