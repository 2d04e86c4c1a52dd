"""From the bytes of a message to a checked JSON object, and from a validation error to ours."""

from __future__ import annotations

from typing import Any

import pybase64
from pydantic import ValidationError
from pydantic_core import from_json

from realtime_agent.errors import LimitExceeded, RemoteProtocolError
from realtime_agent.protocol.limits import Limits

Data = bytes | bytearray | memoryview | str


def parse_object(data: Data, limits: Limits) -> dict[str, Any]:
    """The JSON object in `data`.

    Of a key that comes twice the last one counts, as in every JSON reader of Python and JavaScript.

    Raises:
        LimitExceeded: too large, or nested too deep.
        RemoteProtocolError: not JSON (code `invalid_json`), or not an object (code `invalid_event`).
    """
    if isinstance(data, str):
        try:
            data = data.encode()
        except UnicodeEncodeError:
            raise RemoteProtocolError("message holds half a surrogate pair", code="invalid_json") from None
    elif not isinstance(data, bytes):
        data = bytes(data)
    size_bytes = len(data)
    if size_bytes > limits.max_audio_message_bytes:
        raise LimitExceeded(f"message of {size_bytes} bytes; the limit is {limits.max_audio_message_bytes}")
    # Brackets in strings count too; they only cost a walk that finds nothing.
    brackets = data.count(b"[") + data.count(b"{")
    if brackets > limits.max_containers and size_bytes > limits.max_message_bytes:
        raise LimitExceeded(
            f"message of {size_bytes} bytes made of more than {limits.max_containers} arrays and objects"
        )
    try:
        message = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise LimitExceeded(f"message nested deeper than {limits.max_depth}") from None
        raise RemoteProtocolError(f"message is not JSON: {error}", code="invalid_json") from None
    if type(message) is not dict:
        raise RemoteProtocolError("message is not a JSON object")
    if brackets > limits.max_depth:
        _check_depth(message, limits.max_depth)
    return message


def _check_depth(message: dict[str, Any], max_depth: int) -> None:
    level: list[Any] = [message]
    for _ in range(max_depth):
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise LimitExceeded(f"message nested deeper than {max_depth}", event_id=event_id_of(message))


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
        raise RemoteProtocolError(f"{param}: expected text", param=param, event_id=event_id)
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        raise RemoteProtocolError(f"{param}: not valid base64", param=param, event_id=event_id) from None


def protocol_error(error: ValidationError, message: dict[str, Any], kind: str) -> RemoteProtocolError:
    """Ours for pydantic's: the first thing that is wrong, and where. Values are left out: they are what people said."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = _path(first["loc"], message, missing=first["type"] == "missing")
    where = f"{kind}: {param}" if param else kind
    return RemoteProtocolError(f"{where}: {first['msg']}", param=param, event_id=event_id_of(message))


def _path(location: tuple[int | str, ...], message: dict[str, Any], *, missing: bool) -> str | None:
    """The dotted path of a location, without the names of union branches that pydantic weaves in."""
    path = ""
    place: Any = message
    for step in location:
        if isinstance(step, int) and isinstance(place, list) and step < len(place):
            path += f"[{step}]"
            place = place[step]
        elif isinstance(place, dict) and step in place:
            path += f".{step}"
            place = place[step]
        elif missing and step == location[-1]:
            path += f".{step}"
    return path.removeprefix(".") or None
