"""Events from bytes, and bytes from events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, cast, get_args

import pybase64
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from realtime_agent.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError
from realtime_agent.protocol.base import FROM_CLIENT, FROM_SERVER, Event, Origin
from realtime_agent.protocol.client_events import ClientEvent, InputAudioBufferAppend
from realtime_agent.protocol.limits import DEFAULT_LIMITS, Limits
from realtime_agent.protocol.parsing import Data, decode_base64, event_id_of, parse_object, protocol_error
from realtime_agent.protocol.response_events import ResponseOutputAudioDelta
from realtime_agent.protocol.server_events import ServerEvent


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event that this release does not know, carried as itself. `data` is the whole message."""

    type: str
    data: dict[str, Any]

    @property
    def event_id(self) -> str | None:
        """The message's `event_id`, where it has one."""
        return event_id_of(self.data)


CLIENT_EVENTS: dict[str, type[ClientEvent]] = {event.type: event for event in get_args(ClientEvent)}
SERVER_EVENTS: dict[str, type[ServerEvent]] = {event.type: event for event in get_args(ServerEvent)}

# Client events that may carry audio or images, and so may be as large as an append.
_LARGE_CLIENT_EVENTS = frozenset({"input_audio_buffer.append", "conversation.item.create", "response.create"})
# A server echoes whole items, images and all; and what a client connects to, it trusts more than a server its clients.
_LARGE_SERVER_EVENTS = frozenset(SERVER_EVENTS)


def decode_client(data: Data, *, limits: Limits = DEFAULT_LIMITS) -> ClientEvent | UnknownEvent:
    """The client event in one message, judged strictly.

    Raises:
        RemoteProtocolError: malformed (`invalid_json`, `invalid_event`), with the field in `param`.
        LimitExceeded: too large or too deep.
    """
    message = parse_object(data, limits)
    kind = _type_of(message)
    if kind == "input_audio_buffer.append":
        return _append_of(message)
    if len(data) > limits.max_message_bytes and kind not in _LARGE_CLIENT_EVENTS:
        raise LimitExceeded(
            f"{kind} of {len(data)} bytes; the limit is {limits.max_message_bytes}", event_id=event_id_of(message)
        )
    event = CLIENT_EVENTS.get(kind)
    if event is None:
        return UnknownEvent(kind, message)
    return cast(ClientEvent, _validated(cast("type[Event]", event), message, FROM_CLIENT))


def decode_server(data: Data, *, limits: Limits = DEFAULT_LIMITS) -> ServerEvent | UnknownEvent:
    """The server event in one message, judged leniently.

    Raises:
        RemoteProtocolError: malformed (`invalid_json`, `invalid_event`), with the field in `param`.
        LimitExceeded: too large or too deep.
    """
    message = parse_object(data, limits)
    kind = _type_of(message)
    if kind == "response.output_audio.delta":
        return _delta_of(message)
    if len(data) > limits.max_message_bytes and kind not in _LARGE_SERVER_EVENTS:
        raise LimitExceeded(
            f"{kind} of {len(data)} bytes; the limit is {limits.max_message_bytes}", event_id=event_id_of(message)
        )
    event = SERVER_EVENTS.get(kind)
    if event is None:
        return UnknownEvent(kind, message)
    return cast(ServerEvent, _validated(cast("type[Event]", event), message, FROM_SERVER))


def _type_of(message: dict[str, Any]) -> str:
    kind = message.get("type")
    if type(kind) is not str:
        problem = "missing" if "type" not in message else "not text"
        raise RemoteProtocolError(f"type: {problem}", param="type", event_id=event_id_of(message))
    return kind


_E = TypeVar("_E", bound=Event)


def _validated(event: type[_E], message: dict[str, Any], origin: Origin) -> _E:
    del message["type"]  # belongs to the class
    try:
        return cast(_E, event.__pydantic_validator__.validate_python(message, context=origin))
    except ValidationError as error:
        raise protocol_error(error, message, event.type) from None


def _text(message: dict[str, Any], field: str, kind: str) -> str:
    value = message.pop(field, None)
    if type(value) is not str:
        raise RemoteProtocolError(f"{kind}: {field}: expected text", param=field, event_id=event_id_of(message))
    return value


def _index(message: dict[str, Any], field: str, kind: str) -> int:
    value = message.pop(field, None)
    if type(value) is not int:
        raise RemoteProtocolError(f"{kind}: {field}: expected an integer", param=field, event_id=event_id_of(message))
    return value


def _optional_event_id(message: dict[str, Any], kind: str) -> str | None:
    event_id = message.pop("event_id", None)
    if event_id is not None and type(event_id) is not str:
        raise RemoteProtocolError(f"{kind}: event_id: expected text", param="event_id")
    return event_id


def _append_of(message: dict[str, Any]) -> InputAudioBufferAppend:
    kind = message.pop("type")
    event_id = _optional_event_id(message, kind)
    audio = decode_base64(message.pop("audio", None), "audio", event_id)
    return InputAudioBufferAppend(audio, event_id, message or None)


def _delta_of(message: dict[str, Any]) -> ResponseOutputAudioDelta:
    kind = message.pop("type")
    return ResponseOutputAudioDelta(
        _text(message, "response_id", kind),
        _text(message, "item_id", kind),
        _index(message, "output_index", kind),
        _index(message, "content_index", kind),
        decode_base64(message.pop("delta", None), "delta", event_id_of(message)),
        _optional_event_id(message, kind),
        message or None,
    )


def encode(event: ClientEvent | ServerEvent | UnknownEvent) -> bytes:
    """One message: compact JSON in UTF-8. Optional fields that were not set are left out; what was kept is written.

    Raises:
        LocalProtocolError: it holds something that JSON cannot.
    """
    try:
        if isinstance(event, InputAudioBufferAppend):
            return _encode_append(event)
        if isinstance(event, ResponseOutputAudioDelta):
            return _encode_delta(event)
        if isinstance(event, UnknownEvent):
            return to_json({"type": event.type, **event.data}, inf_nan_mode="null")
        body = event.__pydantic_serializer__.to_json(event, exclude_unset=True)
    except PydanticSerializationError as error:
        raise LocalProtocolError(f"{event.type} cannot be written as JSON: {error}") from None
    head = b'{"type":"' + event.type.encode() + b'"'
    return head + b"}" if body == b"{}" else head + b"," + body[1:]


def _encode_append(event: InputAudioBufferAppend) -> bytes:
    head = b'{"type":"input_audio_buffer.append",'
    if event.event_id is not None:
        head += b'"event_id":' + to_json(event.event_id) + b","
    tail = b'"}' if event.extra is None else b'",' + to_json(event.extra, inf_nan_mode="null")[1:]
    return head + b'"audio":"' + pybase64.b64encode(event.audio) + tail


def _encode_delta(event: ResponseOutputAudioDelta) -> bytes:
    fields: dict[str, Any] = {
        "type": event.type,
        "event_id": event.event_id,
        "response_id": event.response_id,
        "item_id": event.item_id,
        "output_index": event.output_index,
        "content_index": event.content_index,
    }
    if event.event_id is None:
        del fields["event_id"]
    if event.extra is not None:
        fields |= event.extra
    return to_json(fields, inf_nan_mode="null")[:-1] + b',"delta":"' + pybase64.b64encode(event.audio) + b'"}'
