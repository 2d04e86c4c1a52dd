"""The one error tree of realtime-agent.

    RealtimeAgentError
    ├── ConfigError             what you asked for cannot be (code "config")
    │   └── MissingExtra        an optional dependency is not installed
    ├── LocalProtocolError      this side broke the protocol: a bug in the caller or in us
    ├── RemoteProtocolError     the other side did: malformed, oversized, or impossible messages
    │   └── LimitExceeded
    ├── ServerError             the model's server answered with an `error` event
    ├── TransportError          the way to the model
    │   ├── ConnectFailed       nobody there, or not a Realtime server
    │   ├── AuthRejected        401 or 403: the key is wrong; never retried
    │   ├── PathDead            the path went silent or took no more data
    │   └── PeerClosed          the other side closed the connection
    ├── DeviceError             the way to the person: microphone, speaker, sound file
    ├── EngineError             a part of the embedded engine failed
    └── ToolError
        ├── ToolNotFound
        ├── ToolArgumentsInvalid
        ├── ToolTimeout
        ├── ToolCrashed
        ├── ToolResultInvalid
        ├── ToolCancelled
        └── ToolDenied

Every error has a stable `code` for programs, a message for people, and says whether trying again can help
(`retryable`). No message holds a key, or what anybody said.
"""

from __future__ import annotations

from typing import ClassVar


class RealtimeAgentError(Exception):
    """Base of all errors that realtime-agent raises on purpose."""

    code: str = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class ConfigError(RealtimeAgentError):
    """What was asked for cannot be: a bad setting, model name, or file."""

    code = "config"


class MissingExtra(ConfigError):
    """An optional dependency is needed and not installed; the message holds the command that installs it."""

    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part. Install it with: pip install 'realtime-agent[{extra}]'")
        self.extra = extra


class LocalProtocolError(RealtimeAgentError):
    """This side did something that the protocol or the object's state does not allow."""

    code = "local_protocol"


class RemoteProtocolError(RealtimeAgentError):
    """The other side sent something that the protocol does not allow.

    Attributes:
        param: dotted path of the offending field, where there is one.
        event_id: the `event_id` of the offending message, where it could be read.
    """

    code = "invalid_event"

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = None, event_id: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.param = param
        self.event_id = event_id


class LimitExceeded(RemoteProtocolError):
    """A message is larger or deeper than we accept."""

    code = "limit_exceeded"


class ServerError(RealtimeAgentError):
    """The model's server reported an error. The session usually goes on.

    Attributes:
        type: OpenAI's error type, e.g. `invalid_request_error`.
        param: the offending field, where the server names it.
        event_id: the `event_id` of our message that caused it, where the server names it.
    """

    code = "server_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        event_id: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.type = type
        self.param = param
        self.event_id = event_id


class TransportError(RealtimeAgentError):
    """The connection to the model failed."""

    code = "transport"
    retryable = True


class ConnectFailed(TransportError):
    """The server could not be reached, or what answered is not a Realtime server."""

    code = "connect_failed"


class AuthRejected(TransportError):
    """The server refused the key (HTTP 401 or 403)."""

    code = "auth_rejected"
    retryable = False


class PathDead(TransportError):
    """The path went silent: nothing came in, or nothing went out, before the deadline."""

    code = "path_dead"


class PeerClosed(TransportError):
    """The server closed the connection.

    Attributes:
        close_code: the WebSocket close code (RFC 6455 section 7.4); 1006 where the connection just broke.
        reason: the server's words, sanitised.
    """

    code = "peer_closed"

    def __init__(self, message: str, *, close_code: int = 1006, reason: str = "") -> None:
        super().__init__(message)
        self.close_code = close_code
        self.reason = reason


class DeviceError(RealtimeAgentError):
    """A microphone, speaker or sound file cannot be used, or stopped working."""

    code = "device"


class EngineError(RealtimeAgentError):
    """A part of the embedded engine (ear, brain or voice) failed."""

    code = "engine"


class ToolError(RealtimeAgentError):
    """A tool call did not give a result. The model is told `code` and message.

    Raise it inside a tool to tell the model, in your own words, what went wrong.
    """

    code = "tool_failed"


class ToolNotFound(ToolError):
    """The model called a tool that is not registered."""

    code = "tool_not_found"


class ToolArgumentsInvalid(ToolError):
    """The model's arguments do not fit the tool's schema."""

    code = "tool_arguments_invalid"


class ToolTimeout(ToolError):
    """The tool did not finish in its time."""

    code = "tool_timeout"


class ToolCrashed(ToolError):
    """The tool raised, or its worker process died."""

    code = "tool_crashed"


class ToolResultInvalid(ToolError):
    """The tool returned something that cannot be told to the model, because it has no JSON form."""

    code = "tool_result_invalid"


class ToolCancelled(ToolError):
    """The tool was cancelled, for example because the person interrupted."""

    code = "tool_cancelled"


class ToolDenied(ToolError):
    """The tool needs approval and did not get it."""

    code = "tool_denied"
