"""The items in order, and the transcripts, whatever order the events come in."""

from __future__ import annotations

import itertools

import pytest

from realtime_agent.core.conversation import Conversation
from realtime_agent.core.inputs import Input
from realtime_agent.core.outbox import Outbox
from realtime_agent.events import AgentTranscript, ErrorRaised, UserTranscript
from tests.core_driver import (
    Driver,
    added,
    audio,
    call_item,
    committed,
    created,
    done,
    item_added,
    item_done,
    server,
    speech_started,
    transcript,
)

_TRANSCRIPTION = "conversation.item.input_audio_transcription"


def _delta(item_id: str, delta: str) -> Input:
    return server(f"{_TRANSCRIPTION}.delta", item_id=item_id, content_index=0, delta=delta)


def _completed(item_id: str, text: str) -> Input:
    return server(f"{_TRANSCRIPTION}.completed", item_id=item_id, content_index=0, transcript=text)


def _order(driver: Driver) -> list[str]:
    return [item.item_id for item in driver.core.conversation.items]


def test_items_stand_behind_the_ones_they_name() -> None:
    driver = Driver()
    driver.feed(added("a"), added("c", "a"), added("b", "a"))
    assert _order(driver) == ["a", "b", "c"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_any_order_of_arrival_gives_the_same_conversation(order: tuple[int, ...]) -> None:
    events = [added("a"), added("b", "a"), added("c", "b"), added("d", "c")]
    driver = Driver()
    driver.feed(*[events[n] for n in order])
    # "a" names no predecessor, so it stands where it came; the others find their place behind it.
    assert _order(driver)[_order(driver).index("a") :][:4] == ["a", "b", "c", "d"]


def test_duplicates_change_nothing() -> None:
    driver = Driver()
    driver.feed(added("a"), added("b", "a"), added("a"), added("b", None))
    assert _order(driver) == ["a", "b"]


def test_a_deleted_item_does_not_come_back() -> None:
    driver = Driver()
    driver.feed(added("a"), added("b", "a"), server("conversation.item.deleted", item_id="a"))
    driver.feed(added("a"), _delta("a", "late"), _completed("a", "late"))
    assert _order(driver) == ["b"]
    assert driver.events(UserTranscript) == []


def test_the_user_item_has_its_place_from_the_commit_on() -> None:
    driver = Driver()
    driver.feed(speech_started("u"), committed("u"))
    (item,) = driver.core.conversation.items
    assert (item.item_id, item.role) == ("u", "user")


def test_a_transcript_that_comes_before_its_item_is_kept_for_it() -> None:
    driver = Driver()
    driver.feed(_delta("u", " Hel"), _delta("u", "lo"))
    assert _order(driver) == []
    content = [{"type": "input_audio", "transcript": None}]
    driver.feed(added("u", None, type="message", role="user", content=content))
    assert driver.core.conversation.items[0].text == "Hello"


def test_user_transcripts_grow_and_end_in_one_final_text() -> None:
    driver = Driver()
    driver.feed(_delta("u", " Hel"), _delta("u", "lo"), _completed("u", "Hello!"))
    driver.feed(_completed("u", "Hello!!"), _delta("u", "late"))
    assert [(e.text, e.final) for e in driver.events(UserTranscript)] == [
        ("Hel", False),
        ("Hello", False),
        ("Hello!", True),
    ]
    assert driver.core.counts["late_transcript"] == 2


def test_speech_that_could_not_be_written_down_is_an_error_and_the_talk_goes_on() -> None:
    driver = Driver()
    failure = {"type": "server_error", "code": "audio_unintelligible", "message": "The audio could not be read."}
    driver.feed(server(f"{_TRANSCRIPTION}.failed", item_id="u", content_index=0, error=failure))
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["audio_unintelligible"]


def test_agent_transcripts_carry_the_whole_and_the_new() -> None:
    driver = Driver()
    driver.feed(created("r"), item_added("r", "a"), transcript("r", "a", "Good"), transcript("r", "a", " day"))
    driver.feed(item_done("r", "a"), done("r"))
    assert [(e.text, e.delta, e.final) for e in driver.events(AgentTranscript)] == [
        ("Good", "Good", False),
        ("Good day", " day", False),
        ("Good day", "", True),
    ]


def test_a_final_text_that_is_longer_than_its_deltas_is_told_with_what_is_new() -> None:
    driver = Driver()
    driver.feed(created("r"), item_added("r", "a"), transcript("r", "a", "Good"))
    fields = {"response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0, "transcript": "Good day"}
    driver.feed(server("response.output_audio_transcript.done", **fields), item_done("r", "a"))
    last = driver.events(AgentTranscript)[-1]
    assert (last.text, last.delta, last.final) == ("Good day", " day", True)


def test_a_response_without_item_events_still_ends_its_transcript() -> None:
    driver = Driver()
    driver.feed(created("r"), transcript("r", "a", "Hi"), done("r"))
    assert driver.events(AgentTranscript)[-1].final


def test_items_that_the_application_seeds_make_no_transcript_events() -> None:
    driver = Driver()
    content = [{"type": "output_text", "text": "Nice to meet you"}]
    driver.feed(added("s", None, type="message", role="assistant", status="completed", content=content))
    driver.feed(server("conversation.item.done", item=_message("s", content), previous_item_id=None))
    assert driver.log == []
    assert driver.core.conversation.items[0].text == "Nice to meet you"


def _message(item_id: str, content: list[dict[str, str]]) -> dict[str, object]:
    return {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": content}


def test_tool_calls_and_their_outputs_are_items() -> None:
    driver = Driver()
    driver.feed(added("f", None, **call_item("c1", "look_up", '{"q": 1}')))
    driver.feed(added("o", "f", type="function_call_output", call_id="c1", output="42"))
    call, output = driver.core.conversation.items
    assert (call.kind, call.name, call.call_id, call.arguments) == ("function_call", "look_up", "c1", '{"q": 1}')
    assert (output.kind, output.call_id, output.output) == ("function_call_output", "c1", "42")


def test_item_types_that_nobody_knows_are_kept_as_items() -> None:
    driver = Driver()
    driver.feed(added("x", None, type="hologram", shape="cat"))
    assert driver.core.conversation.items[0].kind == "hologram"


def test_pictures_are_counted_and_not_kept() -> None:
    driver = Driver()
    content = [
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_text", "text": "This?"},
    ]
    driver.feed(added("u", None, type="message", role="user", content=content))
    assert (driver.core.conversation.items[0].images, driver.core.conversation.items[0].text) == (1, "This?")


def test_what_was_heard_of_an_item_is_all_of_it_once_it_was_played() -> None:
    driver = Driver()
    driver.feed(created("r"), added("a", None, type="message", role="assistant", content=[]), audio("r", "a", 700))
    driver.feed(done("r"))
    driver.run(1.0)
    item = driver.core.conversation.items[0]
    assert (item.heard_ms, item.heard_text) == (700, None)


def test_a_server_that_truncates_by_itself_is_believed() -> None:
    driver = Driver()
    driver.feed(added("a", None, type="message", role="assistant", content=[]))
    driver.feed(server("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=640))
    assert driver.core.conversation.items[0].heard_ms == 640


def test_the_conversation_is_bounded_in_items_floating_ones_and_text() -> None:
    driver = Driver()
    conversation = Conversation(Outbox(), max_items=100)
    for n in range(1_000):
        conversation.place(f"i{n}", f"i{n - 1}" if n else None)
        conversation.touch(f"f{n}")
    assert [i.item_id for i in conversation.items] == [f"i{n}" for n in range(900, 1_000)]
    assert len(conversation._records) <= 100 + 256
    for _ in range(50):
        driver.feed(_delta("u", "x" * 10_000))
    record = driver.core.conversation.get("u")
    assert record is not None
    assert len(record.text) == 200_000


def test_an_item_that_names_itself_as_its_predecessor_is_placed_at_the_end() -> None:
    driver = Driver()
    driver.feed(added("a"), added("b", "b"))
    assert _order(driver) == ["a", "b"]
