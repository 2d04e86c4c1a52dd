"""Bad messages: each is refused with the documented error, which names the field and repeats nothing that was said.

`protocol_messages.jsonl` holds the corpus, a message a line: `text` (or `hex` where it is not text), which `side` reads
it, and the `code`, `param` and `event_id` of the error it must cause.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realtime_agent.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError
from realtime_agent.protocol import (
    ConversationItemDelete,
    Event,
    InputAudioBufferAppend,
    Limits,
    ResponseOutputAudioDelta,
    UnknownEvent,
    decode_client,
    decode_server,
    encode,
)

CORPUS = [json.loads(line) for line in (Path(__file__).parent / "protocol_messages.jsonl").read_text().splitlines()]
Decode = Callable[[Any], Any]
SIDES: dict[str, list[Decode]] = {
    "client": [decode_client],
    "server": [decode_server],
    "both": [decode_client, decode_server],
}
BOTH = pytest.mark.parametrize("decode", [decode_client, decode_server])


@pytest.mark.parametrize("case", CORPUS, ids=[case["name"] for case in CORPUS])
def test_a_bad_message_is_refused_with_the_field_named(case: dict[str, Any]) -> None:
    message = bytes.fromhex(case["hex"]) if "hex" in case else case["text"]
    for decode in SIDES[case["side"]]:
        with pytest.raises(RemoteProtocolError) as refused:
            decode(message)
        error = refused.value
        assert (error.code, error.param, error.event_id) == (case["code"], case.get("param"), case.get("event_id"))
        assert len(str(error)) < 200


def test_what_was_said_is_not_in_the_error() -> None:
    for message in (
        '{"type":"conversation.item.truncate","item_id":"i","content_index":0,"audio_end_ms":"secret"}',
        '{"type":"session.update","session":{"type":"realtime","tool_choice":"secret","max_output_tokens":"secret"}}',
        '{"type":"input_audio_buffer.append","audio":"secret!"}',
        '{"type":"secret" secret}',
    ):
        with pytest.raises(RemoteProtocolError) as refused:
            decode_client(message)
        assert "secret" not in str(refused.value)


@BOTH
@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, bytes.decode], ids=["bytes", "bytearray", "view", "str"]
)
def test_a_message_may_be_bytes_or_a_view_or_text(decode: Decode, kind: Callable[[bytes], Any]) -> None:
    assert decode(kind('{"type":"größe"}'.encode())) == UnknownEvent("größe", {"type": "größe"})


@BOTH
def test_text_with_half_a_surrogate_pair_is_not_json(decode: Decode) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        decode('{"type":"a","x":"\ud83d"}')
    assert refused.value.code == "invalid_json"


@BOTH
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_a_hundred_thousand_brackets_are_too_deep(decode: Decode, opening: str) -> None:
    with pytest.raises(LimitExceeded) as refused:
        decode('{"type":"a","x":' + opening * 100_000)
    assert refused.value.code == "limit_exceeded"


@BOTH
@pytest.mark.parametrize(("depth", "fits"), [(63, True), (64, False), (150, False)])
def test_depth_is_counted_exactly(decode: Decode, depth: int, fits: bool) -> None:
    message = '{"type":"a","event_id":"e1","x":' + "[" * depth + "]" * depth + "}"
    if fits:
        assert decode(message).type == "a"
        return
    with pytest.raises(LimitExceeded) as refused:
        decode(message)
    assert refused.value.event_id == "e1"


def test_brackets_in_text_are_not_depth() -> None:
    decode_client('{"type":"conversation.item.delete","item_id":"' + "[{" * 1000 + '"}')


def test_an_append_carries_depth_in_what_we_do_not_know() -> None:
    deep = '{"type":"input_audio_buffer.append","audio":"AAAA","x":' + "[" * 100 + "]" * 100 + "}"
    with pytest.raises(LimitExceeded):
        decode_client(deep)


MIB = 1024 * 1024


def test_only_what_may_carry_audio_or_images_may_be_large() -> None:
    image = (
        '{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_image",'
    )
    decode_client(image + '"image_url":"data:image/png;base64,' + "A" * (2 * MIB) + '"}]}}')
    for spaced in ("", " "):
        append = decode_client('{"type":"input_audio_buffer.append",' + spaced + '"audio":"' + "A" * (15 * MIB) + '"}')
        assert isinstance(append, InputAudioBufferAppend)
        assert len(append.audio) == 15 * MIB * 3 // 4
    for kind in ("session.update", "conversation.item.delete", "something.else"):
        with pytest.raises(LimitExceeded) as refused:
            decode_client('{"event_id":"e1","type":"' + kind + '","item_id":"' + "A" * MIB + '"}')
        assert refused.value.event_id == "e1"


def test_a_message_of_exactly_the_limit_is_read() -> None:
    message = '{"type":"x"}'
    decode_client(message, limits=Limits(max_message_bytes=len(message)))
    with pytest.raises(LimitExceeded):
        decode_client(message, limits=Limits(max_message_bytes=len(message) - 1))


@BOTH
@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"input_audio_buffer.append","audio":"' + b"A" * (16 * MIB) + b'"}',
        b"[" * (17 * MIB),
        b'{"type":"conversation.item.create","item":[' + b"[]," * (3 * MIB) + b"1]}",
        b'{"type":"response.done","response":[' + b"1," * (3 * MIB) + b"1]}",
    ],
    ids=["too large", "brackets", "empty lists", "numbers"],
)
def test_a_huge_message_is_refused_before_it_costs_memory(decode: Decode, message: bytes) -> None:
    with pytest.raises(LimitExceeded):
        decode(message)


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"session.update","session":{"type":"realtime","tools":[' + b"1," * 400_000 + b"1]}}",
        b'{"type":"session.update","session":{"type":"realtime","include":[' + b"1," * 400_000 + b'""]}}',
        b'{"type":"response.create","response":{"input":[' + b"{}," * 250_000 + b"{}]}}",
    ],
    ids=["tools", "include", "input"],
)
def test_a_long_list_of_rubbish_is_judged_up_to_its_first_entry(message: bytes) -> None:
    """Reporting every entry took 3 s, in which the server did nothing else."""
    decode_client(b'{"type":"session.update","session":{"type":"realtime"}}')  # builds the validator
    started = time.process_time()
    with pytest.raises(RemoteProtocolError):
        decode_client(message)
    assert time.process_time() - started < 1.0


@BOTH
def test_of_a_key_that_comes_twice_the_last_counts(decode: Decode) -> None:
    assert decode('{"type":"a","type":"b","x":1,"x":2}') == UnknownEvent("b", {"type": "b", "x": 2})


@pytest.mark.parametrize(
    "name",
    ["__class__", "__dict__", "model_config", "model_fields_set", "copy", "json", "__pydantic_extra__", "", "\0"],
)
def test_unknown_fields_are_kept_whatever_they_are_called(name: str) -> None:
    message = {"type": "conversation.item.delete", "item_id": "i", name: {"a": [1, None]}}
    event = decode_client(json.dumps(message))
    assert isinstance(event, ConversationItemDelete)
    assert json.loads(encode(event)) == message


def test_a_server_may_be_sloppy_where_meaning_is_kept() -> None:
    for text in (
        '{"type":"input_audio_buffer.speech_started","item_id":"i","audio_start_ms":12.0}',
        '{"type":"session.created","session":{}}',
        '{"type":"session.created","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"new"}}}}}',
        '{"type":"session.updated","session":{"type":"realtime","tools":[{"type":"new","x":1}],"tool_choice":"new"}}',
        '{"type":"conversation.item.added","item":{"type":"new","id":"i","x":[1]}}',
        '{"type":"response.done","response":{"status":"new","status_details":{"reason":"new"},"output":[{"type":"n"}]}}',
        '{"type":"error","error":{}}',
    ):
        event = decode_server(text)
        assert isinstance(event, Event)
        assert json.loads(encode(event)) == json.loads(text)


def test_a_servers_decimal_milliseconds_are_rounded() -> None:
    event = decode_server('{"type":"input_audio_buffer.speech_stopped","item_id":"i","audio_end_ms":12.6}')
    assert getattr(event, "audio_end_ms", None) == 13


@pytest.mark.parametrize(
    "event",
    [
        ConversationItemDelete(item_id="half a pair \ud83d"),
        InputAudioBufferAppend(b"", event_id="\ud83d"),
        ResponseOutputAudioDelta("\ud83d", "i", 0, 0, b""),
        UnknownEvent("x", {"a": object()}),
        UnknownEvent("x", {"a": b"\xff"}),
    ],
    ids=["model", "append", "delta", "object", "bytes"],
)
def test_what_json_cannot_hold_is_our_own_error(event: Any) -> None:
    with pytest.raises(LocalProtocolError):
        encode(event)


def test_a_number_beyond_floats_is_written_as_null_not_as_bad_json() -> None:
    for text in ('{"type":"ping","x":1e400}', '{"type":"conversation.item.deleted","item_id":"i","x":[1e400]}'):
        assert b"nf" not in encode(decode_server(text))
        assert "null" in encode(decode_server(text)).decode()
