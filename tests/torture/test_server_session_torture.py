"""What no client should send, sent to a session: one error event each, little memory, and the session goes on."""

from __future__ import annotations

import base64
import json
import tracemalloc

import pytest

from realtime_agent.protocol.limits import DEFAULT_LIMITS
from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness

MIB = 1024 * 1024
NESTED = 100_000


def append(audio: str) -> str:
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio})


def update(session: str) -> str:
    return '{"type":"session.update","session":' + session + "}"


def user_message(content: str) -> str:
    return '{"type":"conversation.item.create","item":{"type":"message","role":"user","content":' + content + "}}"


BAD: list[tuple[str, str | bytes, str]] = [
    ("nothing", "", "invalid_json"),
    ("no JSON", "hello", "invalid_json"),
    ("no object", "[]", "invalid_event"),
    ("half an object", '{"type":"session.upd', "invalid_json"),
    ("nested brackets", "[" * NESTED, "limit_exceeded"),
    ("nested brackets in a field", update("[" * NESTED + "]" * NESTED), "limit_exceeded"),
    ("nested objects", '{"a":' * NESTED, "limit_exceeded"),
    ("NaN", update('{"type":"realtime","audio":{"output":{"speed":NaN}}}'), "invalid_json"),
    ("infinity", update('{"type":"realtime","audio":{"output":{"speed":1e999}}}'), "invalid_event"),
    ("NaN in a threshold", update('{"type":"realtime","audio":{"input":{"turn_detection":NaN}}}'), "invalid_json"),
    ("half a surrogate pair", update('{"type":"realtime","instructions":"\\ud800"}'), "invalid_json"),
    ("half a pair in a name", '{"type":"session.update","\\udfff":1}', "invalid_json"),
    ("invalid UTF-8", b'{"type":"session.update\xff"}', "invalid_json"),
    ("a byte order mark", b'\xef\xbb\xbf{"type":"input_audio_buffer.clear"}', "invalid_json"),
    ("no type", "{}", "invalid_event"),
    ("a number for a type", '{"type":1}', "invalid_event"),
    ("an unknown type", '{"type":"session.explode"}', "invalid_value"),
    ("a server's type", '{"type":"session.created","session":{}}', "invalid_value"),
    ("an odd byte count", append(base64.b64encode(b"abc").decode()), "invalid_audio"),
    ("bad base64", append("!!!!"), "invalid_event"),
    ("base64 without its padding", append("AAA"), "invalid_event"),
    ("base64 of another alphabet", append("-_-_"), "invalid_event"),
    ("audio that is null", '{"type":"input_audio_buffer.append","audio":null}', "invalid_event"),
    ("a list for audio", '{"type":"input_audio_buffer.append","audio":["AAAA"]}', "invalid_event"),
    ("odd audio in an item", user_message('[{"type":"input_audio","audio":"AAAA"}]'), "invalid_value"),
    ("bad base64 in an item", user_message('[{"type":"input_audio","audio":"!"}]'), "invalid_value"),
    ("a string for items", '{"type":"response.create","response":{"input":"x"}}', "invalid_event"),
    ("a boolean for a number", update('{"type":"realtime","max_output_tokens":true}'), "invalid_event"),
    ("a number beyond all", update('{"type":"realtime","max_output_tokens":1' + "0" * 400 + "}"), "invalid_event"),
    (
        "a negative end",
        '{"type":"conversation.item.truncate","item_id":"i","content_index":0,"audio_end_ms":-1}',
        "item_truncate_invalid_item_id",
    ),
    ("a million names", update('{"type":"realtime",' + ",".join(f'"x{n}":1' for n in range(50_000)) + "}"), ""),
    ("two MiB of text", update('{"type":"realtime","instructions":"' + "x" * 2 * MIB + '"}'), "limit_exceeded"),
]


@pytest.mark.parametrize(("message", "code"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_it_is_answered_by_one_error_and_the_session_goes_on(message: str | bytes, code: str) -> None:
    harness = Harness()
    harness.hear(quiet(200))
    tracemalloc.start()
    try:
        answer = harness.send_raw(message)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [event["type"] for event in answer] == ["error"]
    if code:
        assert answer[0]["error"]["code"] == code
    assert len(answer[0]["error"]["message"]) < 300
    assert peak_bytes < 16 * MIB
    harness.hear(loud(600) + quiet(700))
    assert harness.response["status"] == "completed"


def test_the_longest_append_that_is_allowed_costs_little_more_than_itself() -> None:
    harness = Harness()
    harness.update(audio={"input": {"turn_detection": None}})
    audio = base64.b64encode(bytes(11 * MIB)).decode()
    message = append(audio).encode()
    assert len(message) < DEFAULT_LIMITS.max_audio_message_bytes
    tracemalloc.start()
    try:
        assert harness.send_raw(message) == []
        kept_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept_bytes < 13 * MIB


def test_a_client_that_appends_for_ever_is_told_when_the_buffer_is_full() -> None:
    harness = Harness()
    harness.update(audio={"input": {"turn_detection": None}})
    piece = append(base64.b64encode(bytes(6 * MIB)).decode()).encode()
    answers = [event for _ in range(6) for event in harness.send_raw(piece)]
    assert {event["error"]["code"] for event in answers} == {"input_audio_buffer_full"}
    harness.send("input_audio_buffer.clear")
    assert harness.send_raw(piece) == []
