"""From the bytes of a message to a checked JSON object, and from a validation error to ours."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import pybase64
from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from realtime_agent.errors import LimitExceeded, RemoteProtocolError
from realtime_agent.protocol.base import Event, Origin
from realtime_agent.protocol.limits import Limits

_E = TypeVar("_E", bound=Event)

Data = bytes | bytearray | memoryview | str

# Pydantic's own words where they speak of Python rather than of JSON.
_MESSAGES = {
    "missing": "required",
    "string_type": "expected text",
    "bool_type": "expected true or false",
    "float_type": "expected a number",
    "list_type": "expected an array",
    "dict_type": "expected an object",
    "model_type": "expected an object",
    "model_attributes_type": "expected an object",
}


def as_bytes(data: Data) -> bytes:
    """The message's bytes.

    Raises:
        RemoteProtocolError: half a surrogate pair, which UTF-8 cannot carry (code `invalid_json`).
    """
    if type(data) is bytes:
        return data
    if isinstance(data, str):
        try:
            return data.encode()
        except UnicodeEncodeError:
            raise RemoteProtocolError("message holds half a surrogate pair", code="invalid_json") from None
    return bytes(data)


def parse_object(data: bytes, limits: Limits) -> dict[str, Any]:
    """The JSON object in `data`. How deep it is nested is for `check_depth`; the parser ends at 200.

    Of a key that comes twice the last one counts, as in every JSON reader of Python and JavaScript.

    Raises:
        LimitExceeded: too large, too deep for the parser, or of too many parts for its size.
        RemoteProtocolError: not JSON (code `invalid_json`), or not an object (code `invalid_event`).
    """
    size_bytes = len(data)
    if size_bytes > limits.max_message_bytes:
        _check_size(data, limits)
    try:
        message = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise LimitExceeded(f"message nested deeper than {limits.max_depth}") from None
        raise RemoteProtocolError(f"message is not JSON: {error}", code="invalid_json") from None
    if type(message) is not dict:
        raise RemoteProtocolError("message is not a JSON object")
    return message


def _check_size(data: bytes, limits: Limits) -> None:
    size_bytes = len(data)
    if size_bytes > limits.max_audio_message_bytes:
        raise LimitExceeded(f"message of {size_bytes} bytes; the limit is {limits.max_audio_message_bytes}")
    # Brackets and commas in strings count too, but what is honestly this large is base64, which has none.
    parts = data.count(b"[") + data.count(b"{") + data.count(b",")
    if parts > limits.max_parts:
        raise LimitExceeded(f"message of {size_bytes} bytes has {parts} parts; the limit is {limits.max_parts}")


def check_depth(message: dict[str, Any], limits: Limits, data: bytes | None = None) -> None:
    """Refuse what is nested too deep. `data` is the message's JSON: with few brackets it cannot be deep.

    Raises:
        LimitExceeded: deeper than `limits.max_depth`.
    """
    if data is not None and data.count(b"{") + data.count(b"[") <= limits.max_depth:
        return
    level: list[Any] = [message]
    for _ in range(limits.max_depth):
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise LimitExceeded(f"message nested deeper than {limits.max_depth}", event_id=event_id_of(message))


def type_of(message: dict[str, Any]) -> str:
    """The message's `type`.

    Raises:
        RemoteProtocolError: there is none, or it is not text.
    """
    kind = message.get("type")
    if type(kind) is not str:
        problem = "expected text" if "type" in message else "required"
        raise RemoteProtocolError(f"type: {problem}", param="type", event_id=event_id_of(message))
    return kind


def validated(event: type[_E], message: dict[str, Any], origin: Origin) -> _E:
    """The message as an event, judged as its origin asks.

    Raises:
        RemoteProtocolError: a field is missing or wrong.
    """
    del message["type"]  # belongs to the class
    try:
        return cast(_E, event.__pydantic_validator__.validate_python(message, context=origin))
    except ValidationError as error:
        raise protocol_error(error, message, event.type) from None


def event_id_of(message: dict[str, Any]) -> str | None:
    """The message's `event_id`, where it is text."""
    event_id = message.get("event_id")
    return event_id if type(event_id) is str else None


def decode_base64(text: object, param: str, event_id: str | None) -> bytes:
    """Strictly decoded base64.

    Raises:
        RemoteProtocolError: not text, or not base64.
    """
    if type(text) is not str:
        problem = "required" if text is None else "expected text"
        raise RemoteProtocolError(f"{param}: {problem}", param=param, event_id=event_id)
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        raise RemoteProtocolError(f"{param}: not valid base64", param=param, event_id=event_id) from None


def protocol_error(error: ValidationError, message: dict[str, Any], kind: str) -> RemoteProtocolError:
    """Ours for pydantic's: what is wrong, and where. Values are left out: they are what people said.

    Where a field may be one thing or another, pydantic reports what is wrong with each; the deepest is what was meant.
    """
    param, problem = "", "invalid"
    for number, details in enumerate(error.errors(include_url=False, include_input=False)):
        path = _path(details, message)
        if number == 0 or path.count(".") + path.count("[") > param.count(".") + param.count("["):
            param, problem = path, _MESSAGES.get(details["type"], details["msg"])
        if number == 20:
            break
    where = f"{kind}: {param}" if param else kind
    return RemoteProtocolError(f"{where}: {problem}", param=param or None, event_id=event_id_of(message))


def _path(details: ErrorDetails, message: dict[str, Any]) -> str:
    """The dotted path of an error, without the names of union branches that pydantic weaves in."""
    path = ""
    place: Any = message
    for step in details["loc"]:
        if isinstance(step, int) and isinstance(place, list) and step < len(place):
            path += f"[{step}]"
            place = place[step]
        elif isinstance(place, dict) and step in place:
            path += f".{step}"
            place = place[step]
    if details["type"] == "missing" and "ctx" not in details:
        path += f".{details['loc'][-1]}"
    elif "field" in details.get("ctx", {}):
        path += f".{details['ctx']['field']}"
    return path.removeprefix(".")
