"""The order of events, against recorded conversations with OpenAI's server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from realtime_agent.engine.parts import TextDelta, ToolCallRequest
from tests.fakes_engine import loud, quiet
from tests.order_checker import OrderChecker
from tests.server_harness import Harness, kinds

TRACES = Path(__file__).parents[3] / "shared" / "traces"
FLOATING = ("conversation.item.input_audio_transcription.", "rate_limits.")


def trace(name: str) -> list[dict[str, Any]]:
    path = TRACES / f"{name}.yaml"
    if not path.exists():
        pytest.skip("the recorded traces are not here")
    interactions = yaml.safe_load(path.read_text())["interactions"]
    # JSON once round, for what YAML reads as dates.
    return [json.loads(json.dumps(i["data"])) for i in interactions if i["direction"] == "received" and "data" in i]


def steady(events: list[dict[str, Any]]) -> list[str]:
    """The types, without those that may come at any time; transcript and audio deltas count as one."""
    types = kinds([event for event in events if not event["type"].startswith(FLOATING)])
    merged: list[str] = []
    for kind in types:
        kind = "delta" if kind.endswith(".delta") else kind
        if not (merged and merged[-1] == kind == "delta"):
            merged.append(kind)
    return merged


@pytest.mark.parametrize(
    "name",
    [
        "openai_ws--audio_in_server_vad_turn",
        "openai_ws--message_history_seeding",
        "openai_ws--text_in_audio_out_turn",
        "openai_ws--tool_call_round",
        "openai_ws_sideband--webrtc_sideband_text_turn",
    ],
)
def test_the_order_checker_accepts_what_openai_sent(name: str) -> None:
    checker = OrderChecker()
    for event in trace(name):
        checker.feed(event)
    checker.finish()


def test_a_spoken_turn_has_openais_order() -> None:
    harness = Harness(lambda _: [TextDelta("Hello, Marcelo! "), TextDelta("How can I help?")])
    harness.update(instructions="Reply in a few words.")
    harness.hear(quiet(400) + loud(1000) + quiet(600))
    assert steady(harness.events) == steady(trace("openai_ws--audio_in_server_vad_turn"))
    harness.checker.finish()


def test_a_typed_turn_with_a_spoken_answer_has_openais_order() -> None:
    harness = Harness(lambda _: [TextDelta("Hi there!")])
    harness.update(instructions="Answer in two or three words.")
    harness.write("Say a short greeting.")
    harness.send("response.create")
    assert steady(harness.events) == steady(trace("openai_ws--text_in_audio_out_turn"))
    harness.checker.finish()


def test_seeding_a_history_has_openais_order() -> None:
    harness = Harness(lambda _: [TextDelta("Your name is Alice.")])
    harness.update(output_modalities=["text"])
    harness.write("My name is Alice.")
    content = [{"type": "output_text", "text": "Nice to meet you, Alice!"}]
    harness.send("conversation.item.create", item={"type": "message", "role": "assistant", "content": content})
    harness.write("What is my name?")
    harness.send("response.create")
    assert steady(harness.events) == steady(trace("openai_ws--message_history_seeding"))
    harness.checker.finish()


def test_a_tool_call_and_its_answer_have_openais_order() -> None:
    harness = Harness(lambda _: [ToolCallRequest("get_weather", '{"city": "London"}')])
    harness.update(output_modalities=["text"], tools=[{"type": "function", "name": "get_weather"}])
    harness.write("What is the weather in London?")
    harness.send("response.create")
    call = harness.response["output"][0]
    harness.script = lambda _: [TextDelta("It is foggy.")]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "foggy"}
    harness.send("conversation.item.create", item=output)
    harness.send("response.create")
    assert steady(harness.events) == steady(trace("openai_ws--tool_call_round"))
    harness.checker.finish()


def test_the_session_says_as_much_as_openais() -> None:
    theirs, ours = trace("openai_ws--audio_in_server_vad_turn")[0]["session"], Harness().events[0]["session"]

    def paths(value: Any, at: str = "") -> set[str]:
        if not isinstance(value, dict):
            return {at}
        return {path for key, inner in value.items() for path in paths(inner, f"{at}.{key}")}

    assert paths(theirs) - paths(ours) == set()


def test_items_and_responses_say_as_much_as_openais() -> None:
    harness = Harness(lambda _: [TextDelta("Hello!")])
    harness.hear(quiet(400) + loud(1000) + quiet(600))
    ours = {event["type"]: event for event in harness.events}
    for event in trace("openai_ws--audio_in_server_vad_turn"):
        if event["type"] in ours:
            missing = set(event) - set(ours[event["type"]]) - {"obfuscation"}
            assert not missing, f"{event['type']}: {missing}"
            for part in ("item", "response"):
                assert set(event.get(part, {})) <= set(ours[event["type"]].get(part, {})), event["type"]
