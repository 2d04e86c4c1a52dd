"""The embedded brain in tests: a fixed clock, a bag of tools, and conversations in one call each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from realtime_agent.engine.brain import EmbeddedBrain
from realtime_agent.engine.parts import BrainRequest, Message, PastCall, TextDelta, ToolCallRequest, ToolSpec

NOW = datetime(2026, 11, 18, 15, 20)  # noqa: DTZ001 - a Wednesday, wherever
ADA = "You are Ada, a helpful assistant."
Calls = list[tuple[str, dict[str, Any]]]


def spec(name: str, description: str, **properties: dict[str, Any]) -> ToolSpec:
    """A tool; properties without a default are required."""
    required = [key for key, schema in properties.items() if "default" not in schema]
    return ToolSpec(name, description, {"type": "object", "properties": properties, "required": required})


TEXT: dict[str, Any] = {"type": "string"}
WEATHER = spec(
    "get_weather",
    "Get the current weather for a city.",
    city={"type": "string", "description": "City name"},
    units={"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
)
TIMER = spec("set_timer", "Set a countdown timer.", minutes={"type": "number"}, label={**TEXT, "default": ""})
LIGHT = spec(
    "set_light",
    "Turn the light in a room on or off.",
    room={"type": "string", "enum": ["kitchen", "bedroom", "living_room"]},
    on={"type": "boolean"},
)
REMINDER = spec(
    "create_reminder",
    "Remind the user of something at some time.",
    text=TEXT,
    when={"type": "string", "format": "date-time", "default": None},
)
SHOPPING = spec("add_to_shopping_list", "Add items to the shopping list.", items={"type": "array", "items": TEXT})
MESSAGE = spec("send_message", "Send a text message to a contact.", recipient=TEXT, text=TEXT)
ORDER = spec("get_order_status", "Look up the status of an order.", order_id=TEXT)
DICE = spec(
    "roll_dice",
    "Roll dice and return the sum.",
    sides={"type": "integer", "minimum": 2, "maximum": 100, "default": 6},
    count={"type": "integer", "description": "how many dice", "default": 1},
)
TABLE = spec(
    "book_table",
    "Book a table at a restaurant.",
    restaurant=TEXT,
    date={"type": "string", "format": "date"},
    time={"type": "string", "format": "time"},
    people={"type": "integer"},
)
TRANSLATE = spec("translate", "Translate text into another language.", text=TEXT, target_language=TEXT)
MUSIC = spec("play_music", "Play music by an artist or a song.", query=TEXT)
SEARCH = spec("web_search", "Search the web.", query=TEXT)
VOLUME = spec("set_volume", "Set the speaker volume.", level={"type": "integer", "minimum": 0, "maximum": 100})
TOOLS = (
    WEATHER, TIMER, LIGHT, REMINDER, SHOPPING, MESSAGE, ORDER, DICE, TABLE, TRANSLATE, MUSIC, SEARCH, VOLUME,
)  # fmt: skip


@dataclass(slots=True)
class Reply:
    text: str = ""
    calls: Calls = field(default_factory=list)
    deltas: list[str] = field(default_factory=list)


async def reply_to(request: BrainRequest, now: datetime = NOW) -> Reply:
    reply = Reply()
    async for event in EmbeddedBrain(now=lambda: now).reply(request):
        if isinstance(event, TextDelta):
            reply.deltas.append(event.text)
            reply.text += event.text
        elif isinstance(event, ToolCallRequest):
            reply.calls.append((event.name, json.loads(event.arguments)))
    return reply


async def ask(text: str, tools: Sequence[ToolSpec] = TOOLS, instructions: str = ADA, **more: Any) -> Reply:
    """The reply to one utterance."""
    return await reply_to(BrainRequest(instructions, [Message("user", text)], tools, **more))


async def talk(*turns: str | list[str], tools: Sequence[ToolSpec] = TOOLS) -> Reply:
    """The last reply of a conversation. A string is what the person says, a list the outputs of the calls just made."""
    conversation: list[Message | PastCall] = []
    reply = Reply()
    for turn in turns:
        if isinstance(turn, str):
            conversation.append(Message("user", turn))
        else:
            first = len(conversation) - len(turn)
            for number, output in enumerate(turn, first):
                call = conversation[number]
                assert isinstance(call, PastCall)
                conversation[number] = PastCall(call.call_id, call.name, call.arguments, output)
        reply = await reply_to(BrainRequest(ADA, list(conversation), tools))
        if reply.text:
            conversation.append(Message("assistant", reply.text))
        for number, (name, arguments) in enumerate(reply.calls, len(conversation)):
            conversation.append(PastCall(f"call_{number}", name, json.dumps(arguments)))
    return reply
