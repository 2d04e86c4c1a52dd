"""Events from bytes, and bytes from events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, cast, get_args

import pybase64
from pydantic_core import PydanticSerializationError, to_json

from realtime_agent.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError
from realtime_agent.protocol.base import FROM_CLIENT, FROM_SERVER, Event
from realtime_agent.protocol.client_events import ClientEvent, InputAudioBufferAppend
from realtime_agent.protocol.limits import DEFAULT_LIMITS, Limits
from realtime_agent.protocol.parsing import (
    Data,
    as_bytes,
    check_depth,
    decode_base64,
    event_id_of,
    parse_object,
    type_of,
    validated,
)
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

# Client events that may carry audio or images, and so may be as large as an append. A server's event always may: it
# echoes whole items, and what a client dials it trusts more than a server trusts who calls.
_LARGE_CLIENT_EVENTS = frozenset({"input_audio_buffer.append", "conversation.item.create", "response.create"})

_APPEND_HEAD = b'{"type":"input_audio_buffer.append","audio":"'
_APPEND_HEAD_BYTES = len(_APPEND_HEAD)


def decode_client(data: Data, *, limits: Limits = DEFAULT_LIMITS) -> ClientEvent | UnknownEvent:
    """The client event in one message, judged strictly.

    Raises:
        RemoteProtocolError: malformed (`invalid_json`, `invalid_event`), with the field in `param`.
        LimitExceeded: too large or too deep.
    """
    data = as_bytes(data)
    # An append as most clients write it, without parsing: what lies between head and tail is strictly base64, so it
    # holds no quote and nothing can follow. Anything else goes the long way, also to have its error named.
    if data.startswith(_APPEND_HEAD) and data.endswith(b'"}', _APPEND_HEAD_BYTES):
        if len(data) > limits.max_audio_message_bytes:
            raise LimitExceeded(f"message of {len(data)} bytes; the limit is {limits.max_audio_message_bytes}")
        try:
            return InputAudioBufferAppend(pybase64.b64decode(data[_APPEND_HEAD_BYTES:-2], validate=True))
        except ValueError:
            pass
    message = parse_object(data, limits)
    kind = type_of(message)
    if kind == "input_audio_buffer.append":
        return _append_of(message, limits)
    if len(data) > limits.max_message_bytes and kind not in _LARGE_CLIENT_EVENTS:
        problem = f"message of {len(data)} bytes; the limit is {limits.max_message_bytes}"
        raise LimitExceeded(problem, event_id=event_id_of(message))
    check_depth(message, limits, data)
    event = CLIENT_EVENTS.get(kind)
    if event is None:
        return UnknownEvent(kind, message)
    return cast(ClientEvent, validated(cast("type[Event]", event), message, FROM_CLIENT))


def decode_server(data: Data, *, limits: Limits = DEFAULT_LIMITS) -> ServerEvent | UnknownEvent:
    """The server event in one message, judged leniently.

    Raises:
        RemoteProtocolError: malformed (`invalid_json`, `invalid_event`), with the field in `param`.
        LimitExceeded: too large or too deep.
    """
    data = as_bytes(data)
    message = parse_object(data, limits)
    kind = type_of(message)
    if kind == "response.output_audio.delta":
        return _delta_of(message, limits)
    check_depth(message, limits, data)
    event = SERVER_EVENTS.get(kind)
    if event is None:
        return UnknownEvent(kind, message)
    return cast(ServerEvent, validated(cast("type[Event]", event), message, FROM_SERVER))


def _append_of(message: dict[str, Any], limits: Limits) -> InputAudioBufferAppend:
    event_id = _event_id(message)
    audio = decode_base64(message.get("audio"), "audio", event_id)
    return InputAudioBufferAppend(audio, event_id, _extra(message, limits, "type", "audio", "event_id"))


def _delta_of(message: dict[str, Any], limits: Limits) -> ResponseOutputAudioDelta:
    event_id = _event_id(message)
    return ResponseOutputAudioDelta(
        _field(message, "response_id", str, "expected text"),
        _field(message, "item_id", str, "expected text"),
        _field(message, "output_index", int, "expected an integer"),
        _field(message, "content_index", int, "expected an integer"),
        decode_base64(message.get("delta"), "delta", event_id),
        event_id,
        _extra(message, limits, *_DELTA_FIELDS) if len(message) > len(_DELTA_FIELDS) - (event_id is None) else None,
    )


_DELTA_FIELDS = ("type", "delta", "event_id", "response_id", "item_id", "output_index", "content_index")

_T = TypeVar("_T")


def _field(message: dict[str, Any], name: str, kind: type[_T], problem: str) -> _T:
    value = message.get(name)
    if type(value) is not kind:
        problem = problem if name in message else "required"
        raise RemoteProtocolError(f"{message['type']}: {name}: {problem}", param=name, event_id=event_id_of(message))
    return value


def _event_id(message: dict[str, Any]) -> str | None:
    event_id = message.get("event_id")
    if event_id is not None and type(event_id) is not str:
        raise RemoteProtocolError(f"{message['type']}: event_id: expected text", param="event_id")
    return event_id


def _extra(message: dict[str, Any], limits: Limits, *known: str) -> dict[str, Any] | None:
    extra = {name: value for name, value in message.items() if name not in known}
    if extra:
        check_depth(extra, limits)
    return extra or None


def encode(event: Event | InputAudioBufferAppend | ResponseOutputAudioDelta | UnknownEvent) -> bytes:
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
    audio = pybase64.b64encode(event.audio)
    if event.event_id is None and event.extra is None:
        return _APPEND_HEAD + audio + b'"}'
    fields: dict[str, Any] = {"type": event.type} | (event.extra or {})
    if event.event_id is not None:
        fields["event_id"] = event.event_id
    return to_json(fields, inf_nan_mode="null")[:-1] + b',"audio":"' + audio + b'"}'


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


def prepare() -> None:
    """Build all validators now rather than each at its first message: some 60 ms, best spent while dialling."""
    for event in (*CLIENT_EVENTS.values(), *SERVER_EVENTS.values()):
        if issubclass(event, Event):
            event.model_rebuild()
