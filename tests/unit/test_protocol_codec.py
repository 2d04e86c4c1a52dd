"""What is written and what is left out, what a model refuses where it is written, and the small helpers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from realtime_agent.protocol import (
    PCM,
    PCMU,
    AudioConfig,
    AudioInputConfig,
    AudioOutputConfig,
    ContentPart,
    ConversationItemCreate,
    ConversationItemTruncate,
    ErrorDetail,
    ErrorEvent,
    FormatConfig,
    FunctionTool,
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    MessageItem,
    NoiseReduction,
    ResponseCreate,
    ResponseOutputAudioDelta,
    ServerVad,
    SessionConfig,
    SessionUpdate,
    TranscriptionSessionConfig,
    decode_client,
    decode_server,
    encode,
    prepare,
    said_text,
    say_instructions,
)


def written(event: Any) -> Any:
    return json.loads(encode(event))


def test_only_what_was_set_is_written_and_null_is_written_where_it_was_set() -> None:
    config = SessionConfig(audio=AudioConfig(input=AudioInputConfig(turn_detection=None)), instructions="")
    assert written(SessionUpdate(session=config)) == {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}, "instructions": ""},
    }


def test_what_a_client_left_out_is_not_in_fields_set_and_null_is() -> None:
    event = decode_client('{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":null}}}}')
    assert isinstance(event, SessionUpdate)
    assert isinstance(event.session, SessionConfig)
    assert event.session.model_fields_set == {"type", "audio"}
    assert event.session.audio is not None
    assert event.session.audio.input is not None
    assert event.session.audio.input.model_fields_set == {"format"}


def test_the_type_of_a_part_is_written_though_nobody_spelt_it_out() -> None:
    item = MessageItem(role="user", content=[ContentPart(type="input_text", text="hello")])
    assert written(ConversationItemCreate(item=item))["item"]["type"] == "message"
    config = TranscriptionSessionConfig()
    assert written(SessionUpdate(session=config))["session"] == {"type": "transcription"}
    session = SessionConfig(tools=[FunctionTool(name="add")], audio=AudioConfig(input=AudioInputConfig()))
    assert written(SessionUpdate(session=session))["session"]["tools"] == [{"type": "function", "name": "add"}]


def test_a_part_that_has_no_type_is_written_without_one() -> None:
    config = SessionConfig(audio=AudioConfig(input=AudioInputConfig(noise_reduction=NoiseReduction())))
    assert written(SessionUpdate(session=config))["session"]["audio"] == {"input": {"noise_reduction": {}}}


def test_an_event_without_fields_is_its_type() -> None:
    assert encode(InputAudioBufferCommit()) == b'{"type":"input_audio_buffer.commit"}'
    assert encode(ResponseCreate(event_id="e")) == b'{"type":"response.create","event_id":"e"}'


def test_audio_is_bytes_here_and_base64_there() -> None:
    assert encode(InputAudioBufferAppend(b"\0\1\2")) == b'{"type":"input_audio_buffer.append","audio":"AAEC"}'
    delta = ResponseOutputAudioDelta("r", "i", 0, 1, b"\xff\xff\0", event_id="e")
    assert written(delta)["delta"] == "//8A"
    assert decode_server(encode(delta)) == delta


def test_unicode_is_written_as_utf8_and_not_escaped() -> None:
    assert "größer ☎".encode() in encode(ErrorEvent(error=ErrorDetail(type="x", message="größer ☎")))


@pytest.mark.parametrize(
    "write",
    [
        lambda: ServerVad(threshold=2),
        lambda: AudioOutputConfig(speed=9),
        lambda: SessionConfig(max_output_tokens=0),
        lambda: SessionConfig(output_modalities=["smell"]),
        lambda: MessageItem(role="god"),
        lambda: ConversationItemTruncate(item_id="i", content_index=0, audio_end_ms=1.5),  # type: ignore[arg-type]
        lambda: FormatConfig(type="audio/pcm", rate=8000),
    ],
)
def test_what_the_protocol_cannot_carry_is_refused_where_it_is_written(write: Any) -> None:
    with pytest.raises(ValidationError):
        write()


def test_a_model_does_not_change() -> None:
    config = SessionConfig(instructions="a")
    with pytest.raises(ValidationError):
        config.instructions = "b"
    changed = config.model_copy(update={"instructions": "b"})
    assert (config.instructions, changed.instructions) == ("a", "b")


@pytest.mark.parametrize("text", ["", "hello", 'say "hi"\n', "\\", "größer ☎ 🙂"])
def test_what_is_to_be_said_travels_in_instructions(text: str) -> None:
    assert said_text(say_instructions(text)) == text


@pytest.mark.parametrize("instructions", [None, "", "Be brief.", "Say word for word: hello", "Say word for word: 1"])
def test_other_instructions_ask_for_no_words(instructions: str | None) -> None:
    assert said_text(instructions) is None


def test_whole_samples_are_for_the_format_to_judge() -> None:
    assert isinstance(decode_client('{"type":"input_audio_buffer.append","audio":"AAAA"}'), InputAudioBufferAppend)
    assert not PCM.holds_whole_samples(3)
    assert PCM.holds_whole_samples(4)
    assert PCMU.holds_whole_samples(3)


def test_a_format_on_the_wire_is_known_by_name() -> None:
    assert FormatConfig(type="audio/pcmu").audio_format is PCMU
    assert FormatConfig().audio_format is PCM


def test_preparing_builds_every_validator_once() -> None:
    prepare()
    assert SessionUpdate.__pydantic_complete__
    prepare()
