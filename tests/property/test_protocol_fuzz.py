"""Whatever arrives, decoding gives an event or the documented error; whatever we write can be read again."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import (
    CLIENT_EVENTS,
    SERVER_EVENTS,
    InputAudioBufferAppend,
    ResponseOutputAudioDelta,
    UnknownEvent,
    decode_client,
    decode_server,
    encode,
)
from realtime_agent.protocol.translation import decode_translation_client, decode_translation_server

Decode = Callable[[Any], Any]
DECODERS: list[Decode] = [decode_client, decode_server, decode_translation_client, decode_translation_server]
every_decoder = pytest.mark.parametrize("decode", DECODERS, ids=[decode.__name__ for decode in DECODERS])

TYPES = st.sampled_from([*CLIENT_EVENTS, *SERVER_EVENTS])
FIELDS = st.sampled_from(
    [
        "event_id",
        "session",
        "item",
        "item_id",
        "response",
        "response_id",
        "audio",
        "delta",
        "part",
        "error",
        "content",
        "role",
        "tools",
        "tool_choice",
        "input",
        "output",
        "content_index",
        "output_index",
        "audio_end_ms",
        "usage",
        "status",
        "metadata",
        "turn_detection",
        "format",
        "type",
    ]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | TYPES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)
OBJECTS = st.dictionaries(FIELDS | st.text(max_size=5), JSON, max_size=6)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
AUDIO = st.binary(max_size=40)
EXTRA = st.none() | st.dictionaries(st.text('xyz"\\é\n', min_size=1, max_size=4), JSON, min_size=1, max_size=3)
APPENDS = st.builds(InputAudioBufferAppend, AUDIO, st.none() | TEXT, EXTRA)
DELTAS = st.builds(
    ResponseOutputAudioDelta, TEXT, TEXT, st.integers(0, 9), st.integers(0, 9), AUDIO, st.none() | TEXT, EXTRA
)


def decoded(decode: Decode, data: Any) -> Any:
    """The event, or None where the message is refused as documented. Anything else that is raised fails the test."""
    try:
        return decode(data)
    except RemoteProtocolError as error:
        if error.code not in {"invalid_json", "invalid_event", "limit_exceeded"}:
            raise
        return None


@every_decoder
@given(data=st.binary(max_size=200) | st.text(st.characters(), max_size=200))
def test_arbitrary_bytes_and_text_are_refused_or_read(decode: Decode, data: bytes | str) -> None:
    decoded(decode, data)


@every_decoder
@settings(max_examples=100)
@given(kind=TYPES, message=OBJECTS)
def test_arbitrary_json_under_a_known_type_is_refused_or_kept_whole(
    decode: Decode, kind: str, message: dict[str, Any]
) -> None:
    message["type"] = kind
    event = decoded(decode, json.dumps(message))
    if isinstance(event, UnknownEvent):
        assert event.data == message
    elif event is not None:
        assert decode(encode(event)) == event


@given(APPENDS)
def test_an_append_is_read_as_it_was_written(event: InputAudioBufferAppend) -> None:
    assert decode_client(encode(event)) == event


@given(DELTAS)
def test_an_audio_delta_is_read_as_it_was_written(event: ResponseOutputAudioDelta) -> None:
    assert decode_server(encode(event)) == event


@given(kind=TEXT.filter(lambda kind: kind not in SERVER_EVENTS), data=OBJECTS)
def test_an_unknown_event_is_read_as_it_was_written(kind: str, data: dict[str, Any]) -> None:
    data["type"] = kind
    event = UnknownEvent(kind, data)
    assert decode_server(encode(event)) == event


@given(event=APPENDS | DELTAS, order=st.randoms(use_true_random=False), spaced=st.booleans(), escaped=st.booleans())
def test_any_order_of_keys_spacing_and_escapes_reads_the_same(
    event: InputAudioBufferAppend | ResponseOutputAudioDelta, order: Any, spaced: bool, escaped: bool
) -> None:
    pairs = list(json.loads(encode(event)).items())
    order.shuffle(pairs)
    text = json.dumps(dict(pairs), indent=1 if spaced else None, separators=None if spaced else (",", ":"))
    if escaped:
        text = (
            text.replace("/", r"\/").replace("A", r"\u0041").replace('"audio"', '"\\u0061udio"').replace("_", r"\u005f")
        )
    decode = decode_client if isinstance(event, InputAudioBufferAppend) else decode_server
    assert decode(text) == event


@settings(max_examples=150)
@given(st.text('AQgw/+=-_ \\"}\n', max_size=12))
def test_an_append_without_parsing_agrees_with_the_parser(payload: str) -> None:
    """The short way takes `{"type":…,"audio":"…"}` apart by its ends; one space sends the same message the long way."""
    short, long = (f'{{"type":"input_audio_buffer.append",{space}"audio":"{payload}"}}' for space in ("", " "))
    assert decoded(decode_client, short) == decoded(decode_client, long)


WHOLE_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@settings(max_examples=150)
@given(st.text("AQgw/+=", max_size=12) | AUDIO.map(lambda pcm: base64.b64encode(pcm).decode()))
def test_audio_is_base64_in_whole_groups_of_four_or_refused(payload: str) -> None:
    """RFC 4648 section 4 with its padding. Python's own strict mode lets `AAAA=` pass (3.11)."""
    event = decoded(decode_client, json.dumps({"type": "input_audio_buffer.append", "audio": payload}))
    if WHOLE_BASE64.fullmatch(payload):
        assert event.audio == base64.b64decode(payload, validate=True)
    else:
        assert event is None
