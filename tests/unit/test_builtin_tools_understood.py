"""The embedded brain finds the built-in tools in the words that people use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from realtime_agent.engine.brain import EmbeddedBrain
from realtime_agent.engine.parts import BrainRequest, Message, ToolCallRequest, ToolSpec
from realtime_agent.tools import ToolRegistry
from realtime_agent.tools.builtin import desktop_tools

TOOLS = ToolRegistry(desktop_tools())


@pytest.mark.parametrize(
    ("utterance", "name", "arguments"),
    [
        ("What time is it in Tokyo?", "current_time", {"place": "Tokyo"}),
        ("Set a timer for five minutes.", "set_timer", {"amount": 5, "unit": "minutes"}),
        ("Set a timer for thirty seconds.", "set_timer", {"amount": 30, "unit": "seconds"}),
        ("How much time is left on my timer?", "list_timers", {}),
        ("Cancel the timer.", "cancel_timer", {}),
        ("Remember to call my mother.", "remember_note", {"text": "call my mother"}),
        ("Read my notes.", "read_notes", {}),
        ("Delete all notes.", "clear_notes", {}),
        ("How full is the battery?", "computer_status", {"part": "battery"}),
        ("How much disk space is left?", "computer_status", {"part": "disk"}),
    ],
)
async def test_it_calls_the_tool_with_the_arguments(utterance: str, name: str, arguments: dict[str, Any]) -> None:
    specs = [ToolSpec(each.name, each.description, each.parameters) for each in TOOLS]
    request = BrainRequest("", [Message("user", utterance)], specs)
    calls = [event async for event in EmbeddedBrain().reply(request) if isinstance(event, ToolCallRequest)]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [(name, arguments)]
    TOOLS.get(name).arguments.read(calls[0].arguments)
