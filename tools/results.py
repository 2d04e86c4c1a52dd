"""What a tool returned, or why it did not, as the text that the model is told."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from realtime_agent.errors import ToolError, ToolResultInvalid

DONE = "ok"  # what the model is told where a tool returns nothing
_DEEPEST = 64
_SEQUENCES = (list, tuple, set, frozenset)


def encode_result(value: Any, max_output_bytes: int) -> str:
    """The text for the model: a string as it is, None as "ok", everything else as JSON; cut at `max_output_bytes`.

    The work is bounded by `max_output_bytes`, not by the size of the value: it may run on the event loop.

    Raises:
        ToolResultInvalid: the value has no JSON form, or contains itself.
    """
    if value is None:
        return DONE
    if isinstance(value, str):
        # A character has at most 4 bytes. Lone surrogates would fail on the wire.
        text = value[: max_output_bytes + 1]
        return _cut(text.encode("utf-8", "replace"), max_output_bytes)
    if isinstance(value, bytes | bytearray | memoryview):
        raise ToolResultInvalid("The tool returned bytes, and the model reads text.")
    if _is_small(value, max_output_bytes):
        try:
            encoded = to_json(value, inf_nan_mode="strings", bytes_mode="base64")
        except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
            raise _not_json(value) from error
    else:
        encoded = _write_start(value, max_output_bytes)
    return _cut(encoded, max_output_bytes)


def encode_error(error: ToolError) -> str:
    """The text for the model where there is no result."""
    return json.dumps({"error": {"code": error.code, "message": error.message}}, ensure_ascii=False)


def _cut(text: bytes, max_output_bytes: int) -> str:
    if len(text) <= max_output_bytes:
        return text.decode("utf-8")
    note = f" [cut: the result is longer than {max_output_bytes} bytes]"
    return text[: max_output_bytes - len(note)].decode("utf-8", "ignore") + note


def _not_json(value: Any) -> ToolResultInvalid:
    return ToolResultInvalid(
        f"The tool returned a {type(value).__name__} that cannot be written as JSON. Return text, numbers, lists, "
        "dicts, dates, dataclasses or pydantic models."
    )


def _parts(value: Any) -> Iterable[Any]:
    """What lies directly inside a value; nothing for what we do not know."""
    if isinstance(value, Mapping):
        return (part for pair in value.items() for part in pair)
    if isinstance(value, _SEQUENCES):
        return value
    if isinstance(value, BaseModel):
        return vars(value).values()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return (getattr(value, field.name, None) for field in dataclasses.fields(value))
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        raise _not_json(value)
    return ()


def _is_small(value: Any, limit: int) -> bool:
    """Whether the value has fewer parts and characters than `limit`; looks at no more than that many.

    pydantic writes JSON in one go and holds the interpreter's lock: 100 MB would stop the conversation for a second.
    """
    left = limit
    waiting = [iter((value,))]
    while waiting:
        for part in waiting[-1]:
            left -= len(part) if isinstance(part, str | bytes) else 1
            if left < 0:
                return False
            if not isinstance(part, str | int | float | None):
                waiting.append(iter(_parts(part)))
                break
        else:
            waiting.pop()
        if len(waiting) > _DEEPEST:
            raise ToolResultInvalid("The tool's result is nested too deeply, or contains itself.")
    return True


def _write_start(value: Any, limit: int) -> bytes:
    """The first `limit` bytes (and a few more) of the JSON of a large value."""
    pieces: list[bytes] = []
    _Writer(pieces, limit).write(value)
    return b"".join(pieces)


class _Full(Exception):
    """Not an error: the writer has enough."""


class _Writer:
    """Writes JSON until it is full. Only for large values, so it may be slow."""

    def __init__(self, pieces: list[bytes], limit: int) -> None:
        self._pieces = pieces
        self._limit = limit
        self._left = limit

    def write(self, value: Any) -> None:
        try:
            self._value(value)
        except _Full:
            pass

    def _put(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._left -= len(piece)
        if self._left < 0:
            raise _Full

    def _value(self, value: Any) -> None:
        if isinstance(value, str):
            self._put(to_json(value[: self._limit + 1].encode("utf-8", "replace").decode("utf-8")))
        elif isinstance(value, Mapping):
            self._members(value.items())
        elif isinstance(value, BaseModel):
            self._members(vars(value).items())
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            self._members((field.name, getattr(value, field.name, None)) for field in dataclasses.fields(value))
        elif isinstance(value, _SEQUENCES):
            self._put(b"[")
            for position, part in enumerate(value):
                if position:
                    self._put(b",")
                self._value(part)
            self._put(b"]")
        else:
            try:
                self._put(to_json(value, inf_nan_mode="strings", bytes_mode="base64"))
            except (PydanticSerializationError, ValueError, TypeError) as error:
                raise _not_json(value) from error

    def _members(self, members: Iterable[tuple[Any, Any]]) -> None:
        self._put(b"{")
        for position, (key, value) in enumerate(members):
            if position:
                self._put(b",")
            self._value(key if isinstance(key, str) else str(to_jsonable_python(key, fallback=str)))
            self._put(b":")
            self._value(value)
        self._put(b"}")
