"""What may come in: the server's events as they are, and these.

`MicrophoneHeard` and `PlaybackMoved` come up to fifty times a second in each session: plain slotted objects, not
frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from realtime_agent.core.config import ToolPolicy, TurnMode
from realtime_agent.errors import RealtimeAgentError, RemoteProtocolError, ToolError
from realtime_agent.protocol import ResponseConfig, ServerEvent, SessionConfig, UnknownEvent


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is open. `session`, where given, is asked for in place of the configured one."""

    session: SessionConfig | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """Microphone and speaker are open: the time of the session's events starts here."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is over. `error` is None where this side closed it."""

    error: RealtimeAgentError | None = None


@dataclass(frozen=True, slots=True)
class MessageRejected:
    """A message of the server could not be read."""

    error: RemoteProtocolError


@dataclass(slots=True)
class MicrophoneHeard:
    """One microphone frame of so many samples, and whether local detection calls it speech.

    Tell the core before the frame is sent: `SessionCore.uplink_open` then says whether to send it.
    """

    samples: int
    speech: bool


@dataclass(frozen=True, slots=True)
class MicrophoneEnded:
    """The person will say nothing more: a local turn ends here, a ducked voice resumes."""


@dataclass(slots=True)
class PlaybackMoved:
    """Where playback is: samples heard since the start of the session, and whether the agent is audible now."""

    position: int
    playing: bool


@dataclass(frozen=True, slots=True)
class PlaybackFlushed:
    """The answer to `Flush`: the final position, which includes what the device could not give back."""

    position: int


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool call is over. `output` is for the model, also where `error` says that the handler failed."""

    call_id: str
    output: str
    error: ToolError | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Make the agent say this, word for word."""

    text: str


@dataclass(frozen=True, slots=True)
class SendText:
    """The user writes, and wants an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class SendImage:
    """The user shows a picture (a data URI of a PNG or JPEG), with or without a text, and wants an answer."""

    url: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Respond:
    """Ask for a response, with overrides. With `conversation: "none"` it is out-of-band and waits for no other."""

    config: ResponseConfig | None = None


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop the agent: cancel its response, cut off the sound, truncate at what was heard."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The user has finished (push-to-talk): make the audio a turn and answer it."""


@dataclass(frozen=True, slots=True)
class ClearInput:
    """Forget the audio that is not yet a turn."""


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """Change the configuration: the fields that are present.

    `turn_mode`, where given, changes whose turn it is; `tool_policies`, where given, hold for calls from now on.
    """

    config: SessionConfig
    turn_mode: TurnMode | None = None
    tool_policies: Mapping[str, ToolPolicy] | None = None


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the session. `error` where something on this side forces it, such as a lost device."""

    reason: str = "hangup"
    error: RealtimeAgentError | None = None


Input = (
    ServerEvent
    | UnknownEvent
    | Connected
    | Opened
    | Disconnected
    | MessageRejected
    | MicrophoneHeard
    | MicrophoneEnded
    | PlaybackMoved
    | PlaybackFlushed
    | ToolReturned
    | Say
    | SendText
    | SendImage
    | Respond
    | Interrupt
    | Commit
    | ClearInput
    | UpdateSession
    | Hangup
)
