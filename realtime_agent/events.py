"""What a user of `Session` sees: few events, each a small immutable value.

`time_s` is seconds since the session was open: since microphone and speaker started. An `item_id` is the id of the
conversation item, the same in all events that speak of it. Only a user's turn of local detection or push-to-talk begins
and ends without one (""): the server names it later, in the transcript.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, Literal

from realtime_agent.errors import RealtimeAgentError, ToolError

Speaker = Literal["user", "agent"]


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """Somebody began to speak: the user at the microphone, or the agent with its first sample at the speaker.

    For the agent, `latency_s` is the time from the end of the user's speech (as detected) to that first sample; None
    where no spoken question came before. It is also None on the user's turns.
    """

    speaker: Speaker
    item_id: str
    time_s: float
    latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Somebody finished speaking; for the agent: the last sample was heard, or the turn was interrupted."""

    speaker: Speaker
    item_id: str
    time_s: float


@dataclass(frozen=True, slots=True)
class UserTranscript:
    """What the user said so far in this turn, or wrote: the whole text. Partials may change, the final may not."""

    item_id: str
    text: str
    final: bool
    time_s: float


@dataclass(frozen=True, slots=True)
class AgentTranscript:
    """What the agent says in this turn: `text` is the whole text so far, `delta` what is new in it.

    It runs ahead of the voice. What the person really heard of an interrupted turn is in `Interrupted.heard_text`.
    """

    item_id: str
    text: str
    delta: str
    final: bool
    time_s: float


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The model called a tool and its handler starts. `arguments` is what the model sent, decoded."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    time_s: float


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """The tool call was answered: `output` is what the model was told; `error` is set where the handler failed."""

    call_id: str
    name: str
    output: str
    error: ToolError | None
    duration_s: float
    time_s: float


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user cut in. `heard_ms` of the item were really played.

    `heard_text` is the part of the transcript that goes with it: exact where the model reports how text and audio
    align, else in proportion to the audio.
    """

    item_id: str
    heard_ms: int
    heard_text: str
    time_s: float


@dataclass(frozen=True, slots=True)
class ErrorRaised:
    """Something went wrong and the session goes on."""

    error: RealtimeAgentError
    time_s: float


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is over; always the last event. `error` is None after an ordinary end."""

    reason: str
    error: RealtimeAgentError | None
    time_s: float


SessionEvent = (
    TurnStarted
    | TurnEnded
    | UserTranscript
    | AgentTranscript
    | ToolStarted
    | ToolFinished
    | Interrupted
    | ErrorRaised
    | Closed
)


@dataclass(frozen=True, slots=True)
class SourceText:
    """More of what the speaker said, in their own language (translation). Texts joined are all that was said."""

    delta: str
    time_s: float


@dataclass(frozen=True, slots=True)
class TranslatedText:
    """More of the translation, as it is spoken. Texts joined are the whole translation."""

    delta: str
    time_s: float


TranscriptionEvent = UserTranscript | ErrorRaised | Closed
"""What a user of `TranscriptionSession` sees."""

TranslationEvent = SourceText | TranslatedText | ErrorRaised | Closed
"""What a user of `TranslationSession` sees."""

AnyEvent = SessionEvent | TranslationEvent


def as_dict(event: AnyEvent) -> dict[str, Any]:
    """The event as plain JSON-able data, with its kind as `type`: `{"type": "turn_started", "speaker": "user", ...}`.

    An error becomes its `code` and `message`.
    """
    data: dict[str, Any] = {"type": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, RealtimeAgentError):
            value = {"code": value.code, "message": value.message}
        data[field.name] = value
    return data
