"""How the server says no: refusals as exceptions inside, as `error` events on the wire."""

from __future__ import annotations

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import ErrorEvent


def refusal(message: str, *, code: str = "invalid_value", param: str | None = None) -> RemoteProtocolError:
    """What a machine raises when a client's event cannot be obeyed. Nothing has changed when it is raised."""
    return RemoteProtocolError(message, code=code, param=param)


def unsupported(what: str, param: str, instead: str = "") -> RemoteProtocolError:
    """A refusal of what the protocol knows and this engine cannot do."""
    message = f"{what} is not supported by this engine."
    return refusal(f"{message} {instead}".rstrip(), code="unsupported_value", param=param)


def error_event(error: RemoteProtocolError, *, event_id: str, client_event_id: str | None) -> ErrorEvent:
    """The `error` event for a refusal; `client_event_id` names the event that it refuses."""
    return ErrorEvent.model_validate(
        {
            "type": "error",
            "event_id": event_id,
            "error": {
                "type": "invalid_request_error",
                "code": error.code,
                "message": error.message,
                "param": error.param,
                "event_id": client_event_id if client_event_id is not None else error.event_id,
            },
        }
    )
