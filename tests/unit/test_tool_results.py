"""What a tool returns becomes text for the model."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import socket
import time
from typing import Any

import pytest
from pydantic import BaseModel

from realtime_agent.errors import ToolError, ToolResultInvalid, ToolTimeout
from realtime_agent.tools.results import encode_error, encode_result

LIMIT = 1000


@dataclasses.dataclass
class Point:
    x: int


class Guest(BaseModel):
    name: str
    born: datetime.date


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, "ok"),
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        ([1, "a", None], '[1,"a",null]'),
        ({"a": (1, 2)}, '{"a":[1,2]}'),
        (datetime.date(2026, 11, 20), '"2026-11-20"'),
        (Point(1), '{"x":1}'),
        (Guest(name="Ada", born=datetime.date(1815, 12, 10)), '{"name":"Ada","born":"1815-12-10"}'),
        ([Colour.RED], '["red"]'),
        (float("nan"), '"NaN"'),
        ("grün ☂", "grün ☂"),
    ],
)
def test_each_value_has_its_text(value: Any, text: str) -> None:
    assert encode_result(value, LIMIT) == text


def test_a_lone_surrogate_does_not_reach_the_wire() -> None:
    encode_result("a\ud800b", LIMIT).encode("utf-8")


def generator() -> Any:
    yield 1


class Self(dict[str, Any]):
    def __init__(self) -> None:
        super().__init__(me=self)


@pytest.mark.parametrize(
    "value",
    [socket.socket, object(), {"deep": [object()]}, b"\xff\xfe", generator(), [generator()], Self()],
    ids=["class", "object", "inside", "bytes", "generator", "generator inside", "itself"],
)
def test_what_has_no_json_form_is_a_typed_error(value: Any) -> None:
    with pytest.raises(ToolResultInvalid):
        encode_result(value, LIMIT)


LARGE: list[Any] = [
    "x" * 100_000_000,
    "é" * 10_000_000,
    list(range(5_000_000)),
    {str(number): number for number in range(100_000)},
    {"text": "x" * 50_000_000},
    [["☂" * 100] * 1000] * 1000,
    [Point(number) for number in range(100_000)],
    {"guests": [Guest(name="Ada", born=datetime.date(1815, 12, 10))] * 100_000},
    {(1, 2): "x" * 10_000},
]


@pytest.mark.parametrize("value", LARGE, ids=range(len(LARGE)))
def test_a_large_result_is_cut_and_says_so_without_stopping_the_loop(value: Any) -> None:
    started = time.perf_counter()
    text = encode_result(value, LIMIT)
    assert time.perf_counter() - started < 0.2
    assert len(text.encode("utf-8")) <= LIMIT
    assert len(text.encode("utf-8")) > LIMIT - 8
    assert text.endswith("[cut: the result is longer than 1000 bytes]")


def test_a_result_of_exactly_the_limit_is_whole() -> None:
    assert encode_result("x" * LIMIT, LIMIT) == "x" * LIMIT
    assert "cut" in encode_result("x" * (LIMIT + 1), LIMIT)


def test_a_large_result_begins_with_its_json() -> None:
    assert encode_result({"numbers": list(range(10_000))}, LIMIT).startswith('{"numbers":[0,1,2,3,')


def test_an_error_is_json_with_code_and_message() -> None:
    assert json.loads(encode_error(ToolTimeout("Too slow."))) == {
        "error": {"code": "tool_timeout", "message": "Too slow."}
    }
    assert json.loads(encode_error(ToolError('It\'s "full" ☂', code="full")))["error"]["message"] == 'It\'s "full" ☂'
