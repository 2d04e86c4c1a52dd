"""Items of the conversation: create, retrieve, truncate, delete; and events that are none."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from realtime_agent.engine.parts import Message, TextDelta
from realtime_agent.protocol.formats import PCM
from realtime_agent.server.core import conversation as conversation_module
from realtime_agent.server.core.actions import ResponseSpeech
from realtime_agent.server.core.conversation import Conversation, Entry, Part
from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness, error_of, kinds

TURN = quiet(400) + loud(1000) + quiet(600)
SENTENCE = "The first words are heard, the others are not."


def message(text: str, role: str = "user", **fields: Any) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **fields}


def texts(harness: Harness) -> list[str]:
    return [part.text for entry in harness.session.conversation for part in entry.content]


def create(harness: Harness, item: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    return harness.send("conversation.item.create", item=item, **fields)


# create


def test_items_stand_where_they_were_put() -> None:
    harness = Harness()
    create(harness, message("b", id="b"))
    create(harness, message("d", id="d"))
    create(harness, message("a", id="a"), previous_item_id="root")
    answer = create(harness, message("c", id="c"), previous_item_id="b")
    assert texts(harness) == ["a", "b", "c", "d"]
    assert [event["previous_item_id"] for event in answer] == ["b", "b"]
    assert kinds(answer) == ["conversation.item.added", "conversation.item.done"]
    assert answer[0]["item"]["status"] == "completed"


@pytest.mark.parametrize(
    ("item", "fields", "code", "param"),
    [
        (message("x"), {"previous_item_id": "nobody"}, "item_create_invalid_previous_item_id", "previous_item_id"),
        (message("x", id="taken"), {}, "item_create_duplicate_item_id", "item.id"),
        (message("x", id="x" * 200), {}, "invalid_value", "item.id"),
        (message("x", colour="red"), {}, "unknown_parameter", "item.colour"),
        ({"type": "message", "role": "user", "content": []}, {}, "invalid_value", "item.content"),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "x"}]},
            {},
            "invalid_value",
            "item.content[0].type",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_text"}]},
            {},
            "missing_required_parameter",
            "item.content[0].text",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "!!"}]},
            {},
            "invalid_value",
            "item.content[0].audio",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "https://x/y.png"}]},
            {},
            "invalid_value",
            "item.content[0].image_url",
        ),
        (
            {"type": "function_call_output", "call_id": "call_x", "output": "1"},
            {},
            "invalid_tool_call_id",
            "item.call_id",
        ),
        ({"type": "function_call", "name": "a", "arguments": "[1]"}, {}, "invalid_value", "item.arguments"),
        (
            {"type": "mcp_approval_response", "id": "m", "approval_request_id": "x", "approve": True},
            {},
            "unsupported_value",
            "item.type",
        ),
    ],
)
def test_items_that_cannot_be_are_refused(item: dict[str, Any], fields: dict[str, Any], code: str, param: str) -> None:
    harness = Harness()
    create(harness, message("here first", id="taken"))
    error = error_of(create(harness, item, event_id="e1", **fields))
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "e1")
    assert texts(harness) == ["here first"]


def test_the_id_of_the_speech_that_is_going_on_cannot_be_taken() -> None:
    harness = Harness()
    harness.hear(loud(200))
    promised = harness.last("input_audio_buffer.speech_started")["item_id"]
    assert error_of(create(harness, message("mine", id=promised)))["code"] == "item_create_duplicate_item_id"
    harness.hear(quiet(600))
    assert harness.last("input_audio_buffer.committed")["item_id"] == promised


def test_a_past_tool_call_can_be_told() -> None:
    harness = Harness()
    create(harness, {"type": "function_call", "name": "a", "arguments": "{}", "call_id": "call_1"})
    answer = create(harness, {"type": "function_call_output", "call_id": "call_1", "output": "1"})
    assert kinds(answer) == ["conversation.item.added", "conversation.item.done"]


def test_sound_in_an_item_is_written_down() -> None:
    harness = Harness(text="from a file")
    harness.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
    sound = {"type": "input_audio", "audio": base64.b64encode(loud(500)).decode()}
    more = {"type": "input_text", "text": "please"}
    create(harness, {"type": "message", "role": "user", "content": [more, sound]})
    completed = harness.last("conversation.item.input_audio_transcription.completed")
    assert (completed["content_index"], completed["transcript"]) == (1, "from a file")
    harness.send("response.create")
    assert harness.requests[-1].conversation == [Message("user", "please from a file")]


def test_two_sounds_in_one_item_are_both_written_down() -> None:
    harness = Harness(text="twice")
    sound = {"type": "input_audio", "audio": base64.b64encode(loud(500)).decode()}
    create(harness, {"type": "message", "role": "user", "content": [sound, sound]})
    harness.send("response.create")
    assert harness.requests[-1].conversation == [Message("user", "twice twice")]


def test_a_full_conversation_refuses_more_until_something_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_module, "MAX_ITEM_BYTES", 100)
    harness = Harness()
    create(harness, message("x" * 80, id="long"))
    assert error_of(create(harness, message("y" * 30)))["code"] == "conversation_full"
    harness.send("conversation.item.delete", item_id="long")
    assert kinds(create(harness, message("y" * 30))) == ["conversation.item.added", "conversation.item.done"]
    monkeypatch.setattr(conversation_module, "MAX_ITEMS", 1)
    assert error_of(create(harness, message("z")))["code"] == "conversation_full"


# retrieve and delete


def test_an_item_comes_back_with_its_words_and_its_sound() -> None:
    harness = Harness(lambda _: [TextDelta(SENTENCE)])
    harness.hear(TURN)
    mine, theirs = list(harness.session.conversation)
    [event] = harness.send("conversation.item.retrieve", item_id=mine.id)
    assert event["item"]["content"][0]["transcript"] == "hello there"
    assert len(base64.b64decode(event["item"]["content"][0]["audio"])) == 48 * 1800
    [event] = harness.send("conversation.item.retrieve", item_id=theirs.id)
    assert event["item"]["content"][0]["transcript"] == SENTENCE
    assert len(base64.b64decode(event["item"]["content"][0]["audio"])) == 48 * 40 * len(SENTENCE)


@pytest.mark.parametrize("verb", ["retrieve", "delete"])
def test_what_is_not_there_is_an_error(verb: str) -> None:
    harness = Harness()
    error = error_of(harness.send(f"conversation.item.{verb}", item_id="item_x"))
    assert (error["code"], error["param"]) == (f"item_{verb}_invalid_item_id", "item_id")


def test_a_deleted_item_is_gone_for_the_brain_too() -> None:
    harness = Harness()
    create(harness, message("Forget this.", id="x"))
    create(harness, message("Hello."))
    [event] = harness.send("conversation.item.delete", item_id="x")
    assert (event["type"], event["item_id"]) == ("conversation.item.deleted", "x")
    harness.send("response.create")
    assert harness.requests[-1].conversation == [Message("user", "Hello.")]
    assert error_of(harness.send("conversation.item.delete", item_id="x"))


def test_deleting_an_item_that_waits_for_its_words_lets_the_answer_begin() -> None:
    harness = Harness(eager=False)
    harness.hear(TURN)
    item_id = harness.last("input_audio_buffer.committed")["item_id"]
    harness.send("conversation.item.delete", item_id=item_id)
    assert harness.requests[-1].conversation == []
    harness.run_engine()
    assert harness.response["status"] == "completed"


def test_an_item_that_is_being_spoken_cannot_be_deleted_or_truncated() -> None:
    harness = Harness(eager=False)
    create(harness, message("Hello."))
    harness.send("response.create")
    start = harness.started()
    harness.answer(ResponseSpeech(start.response_id, "One. ", bytes(48_000)))
    item_id = harness.last("response.output_item.added")["item"]["id"]
    assert error_of(harness.send("conversation.item.delete", item_id=item_id))
    truncate = {"item_id": item_id, "content_index": 0, "audio_end_ms": 100}
    assert error_of(harness.send("conversation.item.truncate", **truncate))
    harness.send("response.cancel")
    assert harness.send("conversation.item.truncate", **truncate)[0]["type"] == "conversation.item.truncated"


def test_old_sound_is_let_go_and_its_words_are_kept() -> None:
    conversation = Conversation("conv", kept_audio_bytes=1000)
    for name in ("old", "new"):
        part = Part("input_audio", transcript=name, audio=bytearray(600), samples=300)
        entry = Entry(name, "message", content=[part])
        conversation.insert(entry)
        conversation.keep_audio_of(entry)
    old, new = conversation
    assert (len(old.content[0].audio), old.content[0].transcript) == (0, "old")
    assert len(new.content[0].audio) == 600


# truncate


def spoken(harness: Harness) -> str:
    create(harness, message("Speak."))
    harness.send("response.create")
    item_id: str = harness.response["output"][0]["id"]
    return item_id


def test_truncation_cuts_the_words_where_the_sound_was_cut() -> None:
    harness = Harness(lambda _: [TextDelta(SENTENCE)])
    item_id = spoken(harness)
    whole_ms = 40 * len(SENTENCE)
    [event] = harness.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=whole_ms // 2)
    assert event == {**event, "item_id": item_id, "content_index": 0, "audio_end_ms": whole_ms // 2}
    [event] = harness.send("conversation.item.retrieve", item_id=item_id)
    content = event["item"]["content"][0]
    assert len(base64.b64decode(content["audio"])) == PCM.size_bytes(whole_ms // 2)
    assert SENTENCE.startswith(content["transcript"].rstrip())
    assert 10 < len(content["transcript"]) < 40
    create(harness, message("Go on."))
    harness.send("response.create")
    assert harness.requests[-1].conversation[1] == Message("assistant", content["transcript"])


def test_truncation_can_be_repeated_only_shorter() -> None:
    harness = Harness(lambda _: [TextDelta(SENTENCE)])
    item_id = spoken(harness)
    at = {"item_id": item_id, "content_index": 0}
    assert kinds(harness.send("conversation.item.truncate", **at, audio_end_ms=1000))[0].endswith("truncated")
    error = error_of(harness.send("conversation.item.truncate", **at, audio_end_ms=1001))
    assert error["message"] == "Audio content of 1000ms is already shorter than 1001ms"
    assert kinds(harness.send("conversation.item.truncate", **at, audio_end_ms=0))[0].endswith("truncated")
    create(harness, message("Go on."))
    harness.send("response.create")
    assert harness.requests[-1].conversation[1] == Message("assistant", "")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"audio_end_ms": 100_000}, "invalid_value"),
        ({"audio_end_ms": -1}, "invalid_value"),
        ({"content_index": 1}, "invalid_value"),
        ({"item_id": "item_x"}, "item_truncate_invalid_item_id"),
        ({"item_id": "mine"}, "unsupported_content_type"),
        ({"item_id": "written"}, "unsupported_content_type"),
    ],
)
def test_what_cannot_be_truncated_is_an_error(change: dict[str, Any], code: str) -> None:
    harness = Harness(lambda _: [TextDelta(SENTENCE)])
    create(harness, message("x", id="mine"))
    create(harness, message("x", role="assistant", id="written"))
    item_id = spoken(harness)
    wanted = {"item_id": item_id, "content_index": 0, "audio_end_ms": 100, **change}
    assert error_of(harness.send("conversation.item.truncate", **wanted))["code"] == code


# what is no event


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "[]",
        "null",
        '{"type": 3}',
        '{"type": "session.update"}',
        '{"type": "response.create", "response": 3}',
        '{"type": "input_audio_buffer.append", "audio": "***"}',
        '{"type": "conversation.item.create", "item": {"type": "message", "role": "nobody", "content": []}}',
        '{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 1e99}',
        '{"type": "no.such.event", "event_id": "u1"}',
        '{"type": "output_audio_buffer.clear"}',
        '{"type": "\\ud800"}',
        "[" * 100_000,
    ],
)
def test_a_malformed_event_is_one_error_and_the_session_goes_on(raw: str) -> None:
    harness = Harness()
    error = error_of(harness.send_raw(raw))
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    if "u1" in raw:
        assert error["event_id"] == "u1"
    create(harness, message("Hello."))
    harness.send("response.create")
    assert harness.response["status"] == "completed"


def test_what_a_client_sends_is_quoted_back_only_in_errors() -> None:
    harness = Harness()
    assert json.dumps(error_of(harness.send_raw('{"type": "no.such.event", "secret": "sk-1"}'))).count("sk-1") == 0
