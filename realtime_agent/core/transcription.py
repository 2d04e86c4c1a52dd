"""The core of a transcription session, client side: configures it, and puts its transcripts in order.

When the person stops, the turn that may be going on is ended: by silence that is long enough where the server finds the
turns (to commit what is left would make an item of the silence that it keeps, and there are ears that hear words in
that), by a commit where the caller does. Then the buffer is cleared: `cleared` is the server's answer to everything
before it, so from then on nothing is under way but the transcripts of committed items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from realtime_agent.core import inputs
from realtime_agent.core.stream import StreamCore
from realtime_agent.core.transcript_order import Told, TranscriptOrder
from realtime_agent.errors import ServerError
from realtime_agent.events import UserTranscript
from realtime_agent.protocol import (
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    ErrorEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    SessionUpdate,
    TranscriptionSessionConfig,
)
from realtime_agent.protocol.formats import PCM, AudioFormat

Turns = Literal["server", "manual"]

_CLOSING_SILENCE_MS = 1500  # three times what ends a turn by default
_SILENCE_STEP_MS = 100
_SILENT_SAMPLE = {"audio/pcm": b"\0\0", "audio/pcmu": b"\xff", "audio/pcma": b"\xd5"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionPlan:
    """What is asked of the server. None leaves it to the server."""

    model: str | None = None
    language: str | None = None
    prompt: str | None = None
    delay: str | None = None
    turns: Turns = "server"
    audio_format: AudioFormat = PCM

    def wire(self) -> TranscriptionSessionConfig:
        """The plan as the server reads it."""
        wanted = {"model": self.model, "language": self.language, "prompt": self.prompt, "delay": self.delay}
        kind = self.audio_format.name
        sound: dict[str, Any] = {
            "format": {"type": kind, "rate": PCM.rate_hz} if self.audio_format == PCM else {"type": kind},
            "transcription": {name: value for name, value in wanted.items() if value is not None},
            "turn_detection": {"type": "server_vad"} if self.turns == "server" else None,
        }
        return TranscriptionSessionConfig.model_validate({"type": "transcription", "audio": {"input": sound}})


class TranscriptionCore(StreamCore):
    """See the module's documentation."""

    def __init__(self, plan: TranscriptionPlan) -> None:
        super().__init__()
        self._plan = plan
        self._order = TranscriptOrder()
        self._clearing = False  # the last commit is not answered yet

    def append(self, audio: bytes) -> InputAudioBufferAppend:
        return InputAudioBufferAppend(audio)

    def _update(self, event_id: str) -> SessionUpdate:
        return SessionUpdate(event_id=event_id, session=self._plan.wire())

    def _ask_for_rest(self) -> None:
        self._clearing = True
        if self._plan.turns == "manual":
            self._out.send(InputAudioBufferCommit(event_id=self._out.new_event_id("commit the rest")))
        else:
            sound = self._plan.audio_format
            step = _SILENT_SAMPLE[sound.name] * (sound.rate_hz * _SILENCE_STEP_MS // 1000)
            for _ in range(_CLOSING_SILENCE_MS // _SILENCE_STEP_MS):
                self._out.send(InputAudioBufferAppend(step))
        self._out.send(InputAudioBufferClear())

    @property
    def _drained(self) -> bool:
        return not self._clearing and not self._order.waiting

    def _benign(self, event: ErrorEvent) -> bool:
        return self._out.purpose_of(event.error.event_id) == "commit the rest"

    def _take(self, event: Any) -> None:
        match event:
            case inputs.Commit() if self.uplink_open:
                self._out.send(InputAudioBufferCommit(event_id=self._out.new_event_id("commit")))
            case inputs.ClearInput() if self.uplink_open:
                self._out.send(InputAudioBufferClear())
            case InputAudioBufferSpeechStarted(item_id=item_id) if item_id is not None:
                self._order.begin(item_id)
            case InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous_id) if item_id is not None:
                self._order.place(item_id, previous_id)
            case InputAudioBufferCleared():
                self._clearing = False
                self._tell(self._order.clear())
            case ConversationItemInputAudioTranscriptionDelta(item_id=item_id, delta=delta):
                self._tell(self._order.grow(item_id, delta or ""))
            case ConversationItemInputAudioTranscriptionCompleted(item_id=item_id, transcript=text):
                self._tell(self._order.finish(item_id, text))
            case ConversationItemInputAudioTranscriptionFailed(item_id=item_id, error=error):
                words = error.message or "Some speech could not be written down."
                self._out.raise_error(ServerError(words, code=error.code, type=error.type))
                self._tell(self._order.finish(item_id, None))
            case _:
                self._out.count("unused_event")

    def _tell(self, told: list[Told]) -> None:
        for one in told:
            self._out.emit(UserTranscript(one.item_id, one.text, one.final, self.time_s))
