"""The forty-six events that a server sends: those of session and buffers here, the others beside."""

from typing import ClassVar

from realtime_agent.protocol.base import Int, Many, Model, Number, ServerEventBase
from realtime_agent.protocol.config import AnySessionConfig
from realtime_agent.protocol.conversation_events import ConversationEvent
from realtime_agent.protocol.response_events import ResponseEvent


class ErrorDetail(Model):
    """What went wrong. `event_id` is that of the client event which caused it."""

    type: str = ""
    code: str | None = None
    message: str = ""
    param: str | None = None
    event_id: str | None = None


class ErrorEvent(ServerEventBase):
    """Something went wrong. The session nearly always goes on."""

    type: ClassVar[str] = "error"

    error: ErrorDetail


class SessionCreated(ServerEventBase):
    """The first event of a connection."""

    type: ClassVar[str] = "session.created"

    session: AnySessionConfig


class SessionUpdated(ServerEventBase):
    """The whole configuration, after a change."""

    type: ClassVar[str] = "session.updated"

    session: AnySessionConfig


class InputAudioBufferSpeechStarted(ServerEventBase):
    """The user began to speak. Milliseconds count all audio appended in the session; prefix padding is included."""

    type: ClassVar[str] = "input_audio_buffer.speech_started"

    item_id: str
    audio_start_ms: Int


class InputAudioBufferSpeechStopped(ServerEventBase):
    """The user stopped speaking."""

    type: ClassVar[str] = "input_audio_buffer.speech_stopped"

    item_id: str
    audio_end_ms: Int


class InputAudioBufferCommitted(ServerEventBase):
    """The buffered audio became a user item."""

    type: ClassVar[str] = "input_audio_buffer.committed"

    item_id: str
    previous_item_id: str | None = None


class InputAudioBufferCleared(ServerEventBase):
    """The buffered audio was thrown away."""

    type: ClassVar[str] = "input_audio_buffer.cleared"


class InputAudioBufferTimeoutTriggered(ServerEventBase):
    """The user said nothing for `idle_timeout_ms`; the model is going to speak."""

    type: ClassVar[str] = "input_audio_buffer.timeout_triggered"

    item_id: str
    audio_start_ms: Int
    audio_end_ms: Int


class InputAudioBufferDtmfEventReceived(ServerEventBase):
    """A telephone key (SIP only). The one event without `event_id`."""

    type: ClassVar[str] = "input_audio_buffer.dtmf_event_received"

    event: str
    received_at: Int


class OutputAudioBufferStarted(ServerEventBase):
    """The server began to send sound (WebRTC and SIP only)."""

    type: ClassVar[str] = "output_audio_buffer.started"

    response_id: str


class OutputAudioBufferStopped(ServerEventBase):
    """The server has no more sound to send (WebRTC and SIP only)."""

    type: ClassVar[str] = "output_audio_buffer.stopped"

    response_id: str


class OutputAudioBufferCleared(ServerEventBase):
    """The sound was cut off (WebRTC and SIP only)."""

    type: ClassVar[str] = "output_audio_buffer.cleared"

    response_id: str


class RateLimit(Model):
    """One limit: `requests` or `tokens`."""

    name: str | None = None
    limit: Int | None = None
    remaining: Int | None = None
    reset_seconds: Number | None = None


class RateLimitsUpdated(ServerEventBase):
    """What is left of the limits."""

    type: ClassVar[str] = "rate_limits.updated"

    rate_limits: Many[RateLimit]


class McpListToolsInProgress(ServerEventBase):
    """The server asks an MCP server for its tools."""

    type: ClassVar[str] = "mcp_list_tools.in_progress"

    item_id: str


class McpListToolsCompleted(ServerEventBase):
    """The MCP server's tools are known."""

    type: ClassVar[str] = "mcp_list_tools.completed"

    item_id: str


class McpListToolsFailed(ServerEventBase):
    """The MCP server did not tell its tools."""

    type: ClassVar[str] = "mcp_list_tools.failed"

    item_id: str


ServerEvent = (
    ErrorEvent
    | SessionCreated
    | SessionUpdated
    | InputAudioBufferSpeechStarted
    | InputAudioBufferSpeechStopped
    | InputAudioBufferCommitted
    | InputAudioBufferCleared
    | InputAudioBufferTimeoutTriggered
    | InputAudioBufferDtmfEventReceived
    | OutputAudioBufferStarted
    | OutputAudioBufferStopped
    | OutputAudioBufferCleared
    | RateLimitsUpdated
    | McpListToolsInProgress
    | McpListToolsCompleted
    | McpListToolsFailed
    | ConversationEvent
    | ResponseEvent
)
