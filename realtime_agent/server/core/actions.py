"""What the session core asks its shell to do, and what the shell tells it back. Data only."""

from __future__ import annotations

from dataclasses import dataclass

from realtime_agent.engine.parts import BrainRequest
from realtime_agent.protocol import ServerEvent
from realtime_agent.protocol.formats import AudioFormat


@dataclass(frozen=True, slots=True)
class Emit:
    """Send this event to the client."""

    event: ServerEvent


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Have the ear write down `pcm` (16-bit mono at `rate_hz`) and answer with `Heard` or `HearingFailed`.

    Of several for one item only the newest matters: the shell may skip those before it. `urgent` is what an answer of
    the agent waits for, or soon will.
    """

    item_id: str
    revision: int
    pcm: bytes
    rate_hz: int
    language: str | None = None
    prompt: str | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class StopTranscribing:
    """Nobody waits any longer for the transcript of this item."""

    item_id: str


@dataclass(frozen=True, slots=True)
class JudgeTurnEnd:
    """Have it judged whether a turn that has paused is over; answer with `TurnJudged`, or not at all.

    `pcm` (16-bit mono at `rate_hz`) is the turn up to the pause, or its last seconds, `text` what the ear made of it.
    """

    item_id: str
    revision: int
    pcm: bytes
    rate_hz: int
    text: str


@dataclass(frozen=True, slots=True)
class StartResponse:
    """Ask the brain, and speak what it says (or not); answer with the `Response…` outputs below."""

    response_id: str
    request: BrainRequest
    speaks: bool
    voice: str
    speed: float
    format: AudioFormat


@dataclass(frozen=True, slots=True)
class StopResponse:
    """Stop the brain and the voice of this response. What they still say is not listened to."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Interpret:
    """Translate a clause and speak the translation; answer with the `Clause…` outputs below."""

    clause_id: str
    text: str
    source: str
    target: str
    voice: str


@dataclass(frozen=True, slots=True)
class EndSession:
    """The last action: the session is over, and the connection may be closed once all is sent."""


Action = Emit | Transcribe | StopTranscribing | JudgeTurnEnd | StartResponse | StopResponse | Interpret | EndSession


@dataclass(frozen=True, slots=True)
class Heard:
    """The ear's answer to a `Transcribe`."""

    item_id: str
    revision: int
    text: str


@dataclass(frozen=True, slots=True)
class HearingFailed:
    """The ear failed at a `Transcribe`."""

    item_id: str
    revision: int
    message: str
    code: str = "engine"


@dataclass(frozen=True, slots=True)
class TurnJudged:
    """How probable it is (0 to 1) that the turn was over at the pause of this revision."""

    item_id: str
    revision: int
    complete: float


@dataclass(frozen=True, slots=True)
class ResponseText:
    """More text of a response that is not spoken."""

    response_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ResponseSpeech:
    """A spoken clause: its text and its sound in the response's output format. Either may be empty."""

    response_id: str
    text: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class ResponseCall:
    """The brain wants a tool called."""

    response_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ResponseUsed:
    """The brain's own count of tokens."""

    response_id: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """The response is complete, or failed if there is a `message`."""

    response_id: str
    message: str | None = None
    code: str = "engine"


@dataclass(frozen=True, slots=True)
class ClauseTranslated:
    """A clause in the other language; empty where there is nothing to say."""

    clause_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ClauseSpoken:
    """More of a translated clause's sound: 24 kHz PCM."""

    clause_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class ClauseEnded:
    """The clause is complete, or failed if there is a `message`."""

    clause_id: str
    message: str | None = None
    code: str = "engine"


EngineOutput = (
    Heard
    | HearingFailed
    | TurnJudged
    | ResponseText
    | ResponseSpeech
    | ResponseCall
    | ResponseUsed
    | ResponseEnded
    | ClauseTranslated
    | ClauseSpoken
    | ClauseEnded
)
