"""Responses: one at a time, out-of-band ones beside it, overrides, limits, cancelling, failing; and what each costs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from realtime_agent.engine.parts import BrainUsage, Message, PastCall, TextDelta, ToolCallRequest, ToolSpec
from realtime_agent.server.core.actions import ResponseEnded, ResponseSpeech, ResponseText, StartResponse
from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness, error_of, kinds, outputs_of

TURN = quiet(400) + loud(1000) + quiet(600)


def asked(harness: Harness, **overrides: Any) -> None:
    harness.write("Hello.")
    harness.send("response.create", response=overrides)


def test_a_second_response_is_refused_while_one_is_active() -> None:
    harness = Harness(eager=False)
    asked(harness)
    error = error_of(harness.send("response.create", event_id="second"))
    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] == "second"
    harness.run_engine()
    assert len(harness.of("response.done")) == 1


def test_what_is_not_there_cannot_be_cancelled() -> None:
    harness = Harness(eager=False)
    assert error_of(harness.send("response.cancel"))["code"] == "response_cancel_not_active"
    asked(harness)
    assert error_of(harness.send("response.cancel", response_id="resp_x"))["code"] == "response_cancel_not_active"
    assert harness.of("response.done") == []


def test_cancelling_ends_the_response_at_once_and_what_the_engine_says_later_is_not_heard() -> None:
    harness = Harness(eager=False)
    asked(harness)
    start = harness.started()
    harness.answer(ResponseSpeech(start.response_id, "One. ", bytes(4800)))
    answer = harness.send("response.cancel")
    assert kinds(answer)[-2:] == ["response.done", "rate_limits.updated"]
    assert harness.response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert harness.stopped == [start.response_id]
    assert harness.answer(ResponseSpeech(start.response_id, "Two. ", bytes(4800))) == []
    assert harness.answer(ResponseEnded(start.response_id)) == []
    harness.checker.finish()


def test_out_of_band_responses_run_side_by_side_and_leave_the_conversation_alone() -> None:
    harness = Harness(lambda _: [TextDelta("Aside.")], eager=False)
    asked(harness)
    for name in ("a", "b"):
        harness.send("response.create", response={"conversation": "none", "metadata": {"name": name}})
    seen = len(harness.events)
    harness.run_engine()
    assert len(harness.of("response.done")) == 3
    done = [event["response"] for event in harness.of("response.done") if event["response"]["conversation_id"] is None]
    assert [response["metadata"] for response in done] == [{"name": "a"}, {"name": "b"}]
    aside = {item["id"] for response in done for item in response["output"]}
    items = [event["item"]["id"] for event in harness.events[seen:] if event["type"].startswith("conversation.item")]
    assert not aside & set(items)
    assert len(list(harness.session.conversation)) == 2
    harness.checker.finish()


def test_metadata_comes_back_from_the_first_event_on() -> None:
    harness = Harness()
    asked(harness, metadata={"client_event_id": "x1"})
    assert harness.last("response.created")["response"]["metadata"] == {"client_event_id": "x1"}
    assert harness.response["metadata"] == {"client_event_id": "x1"}
    assert harness.requests[-1].metadata == {"client_event_id": "x1"}


def test_too_many_out_of_band_responses_are_refused() -> None:
    harness = Harness(eager=False)
    for _ in range(16):
        harness.send("response.create", response={"conversation": "none", "input": []})
    error = error_of(harness.send("response.create", response={"conversation": "none"}))
    assert error["code"] == "too_many_responses"


def test_own_input_replaces_the_conversation_and_is_not_added_to_it() -> None:
    harness = Harness()
    harness.write("Not this.")
    referenced = harness.last("conversation.item.added")["item"]["id"]
    given = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "But this."}]}
    harness.send("response.create", response={"input": [given], "conversation": "none"})
    assert harness.requests[-1].conversation == [Message("user", "But this.")]
    harness.send("response.create", response={"input": [{"type": "item_reference", "id": referenced}, given]})
    assert harness.requests[-1].conversation == [Message("user", "Not this."), Message("user", "But this.")]
    harness.send("response.create", response={"input": []})
    assert harness.requests[-1].conversation == []
    assert [entry.role for entry in harness.session.conversation] == ["user", "assistant", "assistant"]


def test_own_input_may_be_sound() -> None:
    harness = Harness(text="out of band", eager=False)
    sound = {"type": "input_audio", "audio": base64.b64encode(loud(500)).decode()}
    item = {"type": "message", "role": "user", "content": [sound]}
    harness.send("response.create", response={"input": [item], "conversation": "none"})
    assert harness.requests == []
    harness.run_engine()
    assert harness.requests[-1].conversation == [Message("user", "out of band")]


def test_overrides_hold_for_one_response() -> None:
    harness = Harness()
    harness.update(instructions="Be kind.", tools=[{"type": "function", "name": "a", "description": "A."}])
    asked(
        harness,
        instructions="Be terse.",
        output_modalities=["text"],
        tools=[],
        tool_choice="none",
        max_output_tokens=20,
        audio={"output": {"format": {"type": "audio/pcmu"}, "voice": "verse"}},
    )
    request = harness.requests[-1]
    assert (request.instructions, request.tools, request.max_output_tokens) == ("Be terse.", (), 20)
    assert harness.response["output_modalities"] == ["text"]
    assert harness.response["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "verse"}
    assert harness.response["max_output_tokens"] == 20
    asked(harness)
    request = harness.requests[-1]
    assert request.instructions == "Be kind."
    assert request.tools == (ToolSpec("a", "A.", {"type": "object", "properties": {}}),)
    assert harness.response["output_modalities"] == ["audio"]


def test_a_tool_choice_is_passed_on() -> None:
    harness = Harness()
    harness.update(tools=[{"type": "function", "name": "a"}])
    for choice, told in (("required", "required"), ({"type": "function", "name": "a"}, "a"), ("auto", "auto")):
        asked(harness, tool_choice=choice)
        assert harness.requests[-1].tool_choice == told
    asked(harness, tool_choice="none")
    assert harness.requests[-1].tools == ()


@pytest.mark.parametrize(
    ("overrides", "param"),
    [
        ({"conversation": "mine"}, "response.conversation"),
        ({"modalities": ["text"]}, "response.modalities"),
        ({"prompt": {"id": "p"}}, "response.prompt"),
        ({"reasoning": {"effort": "low"}}, "response.reasoning"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "response.metadata"),
        ({"metadata": {"x" * 65: "x"}}, "response.metadata"),
        ({"metadata": {"x": "y" * 513}}, "response.metadata"),
        ({"output_modalities": ["text", "audio"]}, "response.output_modalities"),
        ({"input": [{"type": "item_reference", "id": "item_x"}]}, "response.input[0].id"),
        ({"input": [{"type": "message", "role": "user", "content": []}]}, "response.input[0].content"),
        ({"audio": {"output": {"voice": "nobody"}}}, "response.audio.output.voice"),
        ({"tool_choice": {"type": "function", "name": "a"}}, "response.tool_choice.name"),
    ],
)
def test_overrides_that_cannot_be_are_refused_and_nothing_begins(overrides: dict[str, Any], param: str) -> None:
    harness = Harness()
    error = error_of(harness.send("response.create", response=overrides))
    assert error["param"] == param
    assert harness.send("response.cancel")[0]["error"]["code"] == "response_cancel_not_active"


def test_text_and_calls_follow_each_other_as_items() -> None:
    calls = [ToolCallRequest("a", "{}"), ToolCallRequest("b", '{"x": 1}')]
    harness = Harness(lambda _: [TextDelta("One moment. "), *calls, TextDelta("There.")])
    harness.update(tools=[{"type": "function", "name": name} for name in "ab"])
    asked(harness)
    output = harness.response["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "function_call", "message"]
    assert [item["status"] for item in output] == ["completed"] * 4
    assert len({item["call_id"] for item in output[1:3]}) == 2
    harness.checker.finish()


def test_calls_and_their_outputs_reach_the_brain_together() -> None:
    harness = Harness(lambda _: [ToolCallRequest("a", '{"x": 1}')])
    asked(harness)
    call_id = harness.response["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": "42"}
    harness.script = lambda _: [TextDelta("It is 42.")]
    harness.send("conversation.item.create", item=output)
    harness.send("response.create")
    assert harness.requests[-1].conversation == [Message("user", "Hello."), PastCall(call_id, "a", '{"x": 1}', "42")]


def test_without_parallel_calls_the_first_call_ends_the_response() -> None:
    harness = Harness(lambda _: [ToolCallRequest("a", "{}"), ToolCallRequest("b", "{}")])
    asked(harness, parallel_tool_calls=False)
    assert [item["name"] for item in harness.response["output"]] == ["a"]
    assert harness.response["status"] == "completed"
    assert harness.stopped == [harness.response["id"]]


def test_the_token_limit_cuts_text_between_words() -> None:
    harness = Harness(lambda _: [TextDelta("one two three "), TextDelta("four five six")])
    asked(harness, output_modalities=["text"], max_output_tokens=5)
    assert harness.response["status"] == "incomplete"
    assert harness.response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    [item] = harness.response["output"]
    assert item["status"] == "incomplete"
    assert item["content"][0]["text"] == "one two three four five"
    assert harness.response["usage"]["output_tokens"] <= 5
    assert harness.stopped == [harness.response["id"]]


def test_the_token_limit_cuts_speech_and_its_words_at_the_same_place() -> None:
    harness = Harness(lambda _: [TextDelta("one two three four five six seven eight nine ten.")])
    asked(harness, max_output_tokens=20)
    [item] = harness.response["output"]
    assert harness.response["status"] == "incomplete"
    transcript = item["content"][0]["transcript"]
    assert "one two three four five six seven eight nine ten.".startswith(transcript.strip())
    assert 0 < len(transcript) < 40
    assert harness.response["usage"]["output_tokens"] <= 21
    harness.checker.finish()


def test_the_token_limit_lets_no_call_through_that_it_would_have_to_cut() -> None:
    harness = Harness(lambda _: [ToolCallRequest("a", '{"text": "one two three four five six"}')])
    asked(harness, max_output_tokens=4)
    assert harness.response["output"] == []
    assert harness.response["status_details"]["reason"] == "max_output_tokens"


def test_a_failing_engine_ends_the_response_and_not_the_session() -> None:
    harness = Harness(eager=False)
    asked(harness)
    start = harness.started()
    harness.answer(ResponseSpeech(start.response_id, "Well, ", bytes(480)))
    harness.answer(ResponseEnded(start.response_id, "No eyes.", "image"))
    assert harness.response["status"] == "failed"
    assert harness.response["status_details"] == {
        "type": "failed",
        "error": {"type": "server_error", "code": "image", "message": "No eyes."},
    }
    assert harness.response["output"][0]["status"] == "incomplete"
    harness.eager = True
    asked(harness)
    assert harness.response["status"] == "completed"
    harness.checker.finish()


def test_usage_counts_what_was_read_heard_written_and_spoken() -> None:
    harness = Harness(lambda _: [TextDelta("It is nine.")])
    harness.hear(TURN)
    usage = harness.response["usage"]
    assert usage["input_token_details"]["audio_tokens"] == 18  # 1.8 s of sound
    assert usage["output_token_details"] == {"text_tokens": 4, "audio_tokens": 9}  # 0.44 s of sound
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens"] == sum(
        usage["input_token_details"][f"{kind}_tokens"] for kind in ("text", "audio", "image")
    )


def test_a_brain_that_counts_is_believed() -> None:
    harness = Harness(lambda _: [TextDelta("It is nine."), BrainUsage(120, 7)])
    asked(harness, output_modalities=["text"])
    usage = harness.response["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (120, 7, 127)


def test_an_answer_of_nothing_is_complete() -> None:
    harness = Harness(lambda _: [])
    asked(harness)
    assert harness.response["status"] == "completed"
    assert harness.response["output"] == []


def test_audio_comes_in_deltas_of_a_tenth_of_a_second() -> None:
    harness = Harness(lambda _: [TextDelta("It is nine.")])
    asked(harness)
    sizes = [len(base64.b64decode(event["delta"])) for event in harness.of("response.output_audio.delta")]
    assert sizes == [4800] * 4 + [48 * 40]


def test_images_reach_the_brain_as_they_came() -> None:
    harness = Harness()
    url = "data:image/png;base64,AAAA"
    content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": url}]
    harness.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    harness.send("response.create")
    assert harness.requests[-1].conversation == [Message("user", "What is this?", (url,))]
    assert harness.response["usage"]["input_token_details"]["image_tokens"] > 0


def test_speed_and_voice_reach_the_voice() -> None:
    harness = Harness(eager=False)
    harness.update(audio={"output": {"voice": "ash", "speed": 1.25}})
    asked(harness)
    start = harness.started()
    assert (start.voice, start.speed) == ("ash", 1.25)


def test_closing_stops_the_engine_and_says_nothing_more() -> None:
    harness = Harness(eager=False)
    asked(harness)
    start = harness.started()
    seen = len(harness.events)
    harness.session.close()
    harness._settle()
    assert harness.events[seen:] == []
    assert harness.stopped == [start.response_id]


def test_text_that_is_not_spoken_comes_as_it_is_written() -> None:
    harness = Harness(eager=False)
    asked(harness, output_modalities=["text"])
    start = harness.started()
    assert isinstance(start, StartResponse)
    assert not start.speaks
    for word in ("Hi", " there"):
        [delta] = [e for e in harness.answer(ResponseText(start.response_id, word)) if e["type"].endswith(".delta")]
        assert delta["delta"] == word
    assert outputs_of(start, lambda _: [])[-1] == ResponseEnded(start.response_id)


def test_null_overrides_nothing() -> None:
    harness = Harness()
    harness.update(instructions="Be kind.")
    asked(harness, instructions=None, audio=None, tools=None, metadata=None)
    assert harness.requests[-1].instructions == "Be kind."


def test_an_empty_delta_of_the_brain_opens_no_item() -> None:
    harness = Harness(lambda _: [TextDelta("")])
    asked(harness)
    asked(harness, output_modalities=["text"])
    assert [event["response"]["output"] for event in harness.of("response.done")] == [[], []]
