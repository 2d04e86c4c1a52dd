"""Recorded conversations with live servers, fed to the core."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.config import CoreConfig
from realtime_agent.events import AgentTranscript, ErrorRaised, ToolFinished, TurnEnded, TurnStarted, UserTranscript
from realtime_agent.protocol import SessionConfig, decode_server, encode
from tests.core_driver import Driver

_TRACES = Path(__file__).resolve().parents[3] / "shared" / "traces"
_FILES = sorted(_TRACES.glob("*.yaml"))

pytestmark = pytest.mark.skipif(not _FILES, reason="the recorded traces are not here")


def _interactions(path: Path) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = yaml.safe_load(path.read_text())["interactions"]
    return recorded


def _replay(path: Path) -> tuple[Driver, list[dict[str, Any]]]:
    """Act as the recorded client did: same texts, same tool results; returns what it had sent besides audio."""
    recorded = _interactions(path)
    sent = [i["data"] for i in recorded if i["direction"] == "sent"]
    outputs = {d["item"]["call_id"]: d["item"]["output"] for d in sent if d.get("item", {}).get("call_id")}
    config = CoreConfig(session=SessionConfig.model_validate(sent[0]["session"]))
    driver = Driver(config, ready=False)
    driver.feed(inputs.Connected(), inputs.Opened())
    for interaction in recorded:
        data = dict(interaction["data"])
        if interaction["direction"] == "received":
            driver.feed(decode_server(json.dumps(data)))
            driver.run(0.02, microphone=False)
        elif data["type"] == "conversation.item.create" and data["item"]["type"] == "message":
            content = data["item"]["content"][0]
            if data["item"]["role"] == "user":
                driver.feed(inputs.SendText(content["text"]))
        for action in driver.done(act.StartTool):
            if action.call_id in outputs:
                driver.answer(action.call_id, outputs.pop(action.call_id))
    driver.run(1.0, microphone=False)
    return driver, [d for d in sent if d["type"] != "input_audio_buffer.append"]


def _sent(driver: Driver) -> list[str]:
    return [json.loads(encode(a.event))["type"] for a in driver.log if isinstance(a, act.Send)]


@pytest.mark.parametrize("path", _FILES, ids=lambda p: p.stem)
def test_every_recorded_conversation_is_followed_without_an_error_and_all_that_starts_ends(path: Path) -> None:
    driver, _ = _replay(path)
    assert driver.events(ErrorRaised) == []
    starts = Counter((e.speaker, e.item_id) for e in driver.events(TurnStarted))
    assert starts
    assert starts == Counter((e.speaker, e.item_id) for e in driver.events(TurnEnded))
    begun = {e.item_id for e in driver.events(AgentTranscript)}
    assert begun == {e.item_id for e in driver.events(AgentTranscript) if e.final}


@pytest.mark.parametrize("path", _FILES, ids=lambda p: p.stem)
def test_the_conversation_ends_up_as_the_server_reported_its_answers(path: Path) -> None:
    driver, _ = _replay(path)
    items = {item.item_id: item for item in driver.core.conversation.items}
    answers = 0
    for interaction in _interactions(path):
        if interaction["data"]["type"] == "response.done":
            for item in interaction["data"]["response"]["output"]:
                if item["type"] != "message":
                    continue
                part = item["content"][0]
                assert items[item["id"]].text == (part.get("text") or part.get("transcript")).strip()
                answers += 1
    assert answers


def test_a_tool_round_sends_what_the_recorded_client_sent_in_the_same_order() -> None:
    driver, sent = _replay(_TRACES / "openai_ws--tool_call_round.yaml")
    assert _sent(driver) == [d["type"] for d in sent]
    assert [e.name for e in driver.events(ToolFinished)] == ["get_weather"]
    assert driver.core.idle
    assert driver.core.usage.total_tokens == 201


def test_a_spoken_turn_needs_nothing_sent_but_the_configuration_and_plays_all_that_came() -> None:
    driver, _ = _replay(_TRACES / "openai_ws--audio_in_server_vad_turn.yaml")
    assert _sent(driver) == ["session.update"]
    final = [e.text for e in driver.events(UserTranscript) if e.final]
    assert final == ["Hello, my name is Marcelo."]
    agent = [e for e in driver.events(TurnStarted) if e.speaker == "agent"]
    assert [e.latency_s is not None for e in agent] == [True]
    used = driver.core.usage
    assert used.audio_heard_s == used.audio_out_s > 0
