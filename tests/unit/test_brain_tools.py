"""Which tool an utterance asks for, and with which arguments. Many sentences are what the embedded ear really "
"wrote."""

from __future__ import annotations

from typing import Any

import pytest

from realtime_agent.engine.parts import ToolSpec
from tests.brain_talk import ADA, LIGHT, SEARCH, TEXT, TOOLS, WEATHER, Calls, ask, spec


def weather(*cities: str, **more: Any) -> Calls:
    return [("get_weather", {"city": city, **more}) for city in cities]


def timer(minutes: float, **more: Any) -> Calls:
    return [("set_timer", {"minutes": minutes, **more})]


def light(room: str, on: bool) -> Calls:
    return [("set_light", {"room": room, "on": on})]


def reminder(text: str, when: str | None = None) -> Calls:
    return [("create_reminder", {"text": text, **({"when": when} if when else {})})]


def dice(**more: int) -> Calls:
    return [("roll_dice", more)]


def shopping(*items: str) -> Calls:
    return [("add_to_shopping_list", {"items": list(items)})]


def message(to: str, text: str) -> Calls:
    return [("send_message", {"recipient": to, "text": text})]


REQUESTS: list[tuple[str, Calls]] = [
    ("what's the weather in paris", weather("Paris")),
    ("What's the weather in Paris?", weather("Paris")),
    ("Lots to weather in Paris.", weather("Paris")),
    ("whats the weather like in new york tomorrow", weather("New York")),
    ("weather in london please", weather("London")),
    ("Whether in London, please.", weather("London")),
    ("is it going to rain in berlin", weather("Berlin")),
    ("i want to know the weather in madrid", weather("Madrid")),
    ("tell me the weather for san francisco in fahrenheit", weather("San Francisco", units="fahrenheit")),
    ("What is the weather in Paris and London?", weather("Paris", "London")),
    ("set a timer for five minutes", timer(5)),
    ("Set a pastor time of four eight minutes.", timer(8)),
    ("I need a time of four-three minutes, please.", timer(3)),
    ("set a timer for an hour and a half", timer(90)),
    ("Started a ten minute timer.", timer(10)),
    ("timer for 90 seconds", timer(1.5)),
    ("set a pasta timer for eight minutes", timer(8, label="pasta")),
    ("i need a timer for three minutes please", timer(3)),
    ("turn on the kitchen light", light("kitchen", True)),
    ("Could you please turn on the kitschen right light?", light("kitchen", True)),
    ("turn off the lights in the living room", light("living_room", False)),
    ("switch the bedroom lamp off", light("bedroom", False)),
    ("bedroom light off", light("bedroom", False)),
    ("thanks and now turn on the kitchen light", light("kitchen", True)),
    ("turn on the kitchen and bedroom lights", light("kitchen", True) + light("bedroom", True)),
    ("turn on the kitchen light and tell me the weather in Paris", light("kitchen", True) + weather("Paris")),
    ("turn on the kitchen light, turn off the bedroom light", light("kitchen", True) + light("bedroom", False)),
    ("set a timer for five minutes and then play some jazz", [*timer(5), ("play_music", {"query": "jazz"})]),
    ("remind me to buy milk", reminder("buy milk")),
    ("remind me to call mom tomorrow at five pm", reminder("call mom", "2026-11-19T17:00:00")),
    ("remind me in ten minutes to check the oven", reminder("check the oven", "2026-11-18T15:30:00")),
    ("set a reminder to water the plants on friday", reminder("water the plants", "2026-11-20")),
    ("remind me that i have to leave at six", reminder("i have to leave", "2026-11-18T18:00:00")),
    ("add milk, eggs and bread to my shopping list", shopping("milk", "eggs", "bread")),
    ("put cheese on my shopping list", shopping("cheese")),
    ("send a message to anna saying i will be late", message("Anna", "i will be late")),
    ("Send a message to Anna Lee saying turn on the light and go", message("Anna Lee", "turn on the light and go")),
    ("send anna a message that dinner is ready", message("Anna", "dinner is ready")),
    ("text bob i will be late", message("Bob", "i will be late")),
    ("tell me the status of order one two three four", [("get_order_status", {"order_id": "1234"})]),
    ("What's the status of my order A B 1 2 3?", [("get_order_status", {"order_id": "AB123"})]),
    ("roll two dice", dice(count=2)),
    ("Rule the twenty-sided die.", dice(sides=20)),
    ("roll the dice", dice()),
    (
        "book a table at luigi's for four people tomorrow at seven pm",
        [("book_table", {"restaurant": "Luigi's", "date": "2026-11-19", "time": "19:00", "people": 4})],
    ),
    ("translate good morning into french", [("translate", {"text": "good morning", "target_language": "French"})]),
    ("play some jazz", [("play_music", {"query": "jazz"})]),
    ("play yesterday by the beatles", [("play_music", {"query": "yesterday by the beatles"})]),
    ("search the web for cats and dogs", [("web_search", {"query": "cats and dogs"})]),
    ("look up the capital of france", [("web_search", {"query": "capital of france"})]),
    ("set the volume to thirty per cent", [("set_volume", {"level": 30})]),
    ("volume 50", [("set_volume", {"level": 50})]),
]


@pytest.mark.parametrize(("heard", "calls"), REQUESTS, ids=[heard for heard, _ in REQUESTS])
async def test_a_request_calls_the_tool_with_its_arguments(heard: str, calls: Calls) -> None:
    reply = await ask(heard)
    assert (reply.calls, reply.text) == (calls, "")


@pytest.mark.parametrize(
    "heard",
    [
        "hello", "how are you", "i love the weather today", "what is your favorite music", "i had a good time",
        "that was a nice message", "my light is broken and i am sad", "do you like the rain", "what is a timer",
        "who invented the light bulb", "thanks for the weather", "i read a book yesterday", "it is dark in here",
        "don't turn on the light", "please do not set a timer", "tell me a story", "you are funny",
        "the volume of a sphere",
        "i have been to paris", "i like to play football", "why is the sky blue", "we ordered pizza yesterday",
        "my friend sent me a message", "let me think about it", "what is the meaning of life",
        "i went shopping with my sister",
        "how many minutes are in an hour", "is there life on mars", "can you help me", "tell me about yourself",
        "that is a light meal", "i am tired", "spell weather", "say after me turn on the light", "good night",
        "the quick brown fox jumps over the lazy dog", "what do you think about music", "i will call you later",
        "have you ever been to london", "you should book a holiday", "it was raining yesterday",
        "goodbye and thanks for the timer", "what is seventeen plus twenty five", "what time is it", "um", "yes",
        "no", "stop",
        "Purchasing, Purchasing, I sharpen the list.", "count to twenty", "repeat that", "how old are you",
    ],
)  # fmt: skip
async def test_chit_chat_calls_no_tool_and_asks_for_no_argument(heard: str) -> None:
    reply = await ask(heard)
    assert reply.calls == []
    assert reply.text
    assert not reply.text.startswith(("Which", "How many", "What", "Who", "When"))


@pytest.mark.parametrize(("heard", "calls"), [row for row in REQUESTS if " and " not in row[0]][:30:3])
async def test_an_only_tool_is_found_as_well_as_one_of_many(heard: str, calls: Calls) -> None:
    alone = tuple(tool for tool in TOOLS if tool.name == calls[0][0])
    assert (await ask(heard, alone)).calls == calls


async def test_a_skill_and_a_tool_in_one_utterance_are_both_done() -> None:
    reply = await ask("what time is it and what's the weather in rome")
    assert (reply.text, reply.calls) == ("It is 3:20 PM.", weather("Rome"))


async def test_a_registered_clock_or_calculator_goes_before_the_skill() -> None:
    clock = spec("current_time", "Tell the current time.", place={**TEXT, "default": ""})
    sums = spec("calculate", "Calculate arithmetic.", expression=TEXT)
    assert (await ask("what time is it", (clock,))).calls == [("current_time", {})]
    assert (await ask("what time is it in tokyo", (clock,))).calls == [("current_time", {"place": "Tokyo"})]
    for heard, expression in (
        ("what is seventeen plus twenty five", "17 + 25"),
        ("fifteen percent of eighty", "15 / 100 * 80"),
        ("two to the power of ten", "2 ** 10"),
        ("square root of nine", "9 ** 0.5"),
    ):
        assert (await ask(heard, (sums,))).calls == [("calculate", {"expression": expression})]


PEOPLE = {"type": "object", "properties": {"name": TEXT}, "required": ["name"]}
DEFINED = ToolSpec(
    "invite_guest",
    "Invite a guest to the party.",
    {
        "type": "object",
        "$defs": {"Guest": PEOPLE, "Size": {"enum": ["small", "large"]}},
        "properties": {
            "guest": {"$ref": "#/$defs/Guest"},
            "cake": {"anyOf": [{"$ref": "#/$defs/Size"}, {"type": "null"}]},
            "seats": {"type": ["integer", "null"]},
            "party": {"const": "birthday"},
        },
        "required": ["guest", "cake", "seats", "party"],
    },
)


async def test_references_alternatives_null_and_nested_objects_are_understood() -> None:
    reply = await ask("invite a guest named Anna with a large cake and two seats", (DEFINED,))
    assert reply.calls == [
        ("invite_guest", {"guest": {"name": "Anna"}, "cake": "large", "seats": 2, "party": "birthday"})
    ]
    bare = await ask("invite a guest named anna", (DEFINED,))
    assert bare.calls == [
        ("invite_guest", {"guest": {"name": "Anna"}, "cake": None, "seats": None, "party": "birthday"})
    ]


@pytest.mark.parametrize(
    ("schema", "heard", "value"),
    [
        ({"type": "string", "format": "date"}, "set the thing to next friday", "2026-11-27"),
        ({"type": "string", "format": "date"}, "set the thing to the 3rd of May", "2027-05-03"),
        ({"type": "string", "format": "time"}, "set the thing to half past six", "18:30"),
        ({"type": "string", "format": "duration"}, "set the thing to two hours", "2 hours"),
        ({"type": "string", "enum": ["extra_large", "small"]}, "set the thing to extra large", "extra_large"),
        ({"type": "string", "enum": ["celsius", "kelvin"]}, "set the thing to Celcius", "celsius"),
        ({"type": "integer", "enum": [1, 2, 5]}, "set the thing to five", 5),
        ({"type": "number"}, "set the thing to three point five", 3.5),
        ({"type": "integer"}, "set the thing to minus twelve", -12),
        ({"type": "integer", "description": "in seconds"}, "set the thing to two minutes", 120),
        ({"type": "array", "items": {"type": "integer"}}, "set the thing to 3, 5 and seven", [3, 5, 7]),
        ({"type": "array", "items": {"enum": ["red", "green", "blue"]}}, "set the thing to red and blue", ["red",
        "blue"]),
        ({"type": "string"}, "set the thing to \"Blue Moon\"", "Blue Moon"),
        ({}, "set the thing to whatever", "whatever"),
    ],
)  # fmt: skip
async def test_every_kind_of_value_is_read_from_speech(schema: dict[str, Any], heard: str, value: Any) -> None:
    assert (await ask(heard, (spec("set_thing", "Set the thing.", x=schema),))).calls == [("set_thing", {"x": value})]


@pytest.mark.parametrize(
    ("heard", "room", "on"),
    [
        ("turn on the lights in the kitchen", "kitchen", True),
        ("Turn the lights in the living room off.", "living room", False),
        ("switch off the kitchen lights", "kitchen", False),
        ("turn the bedroom lights on please", "bedroom", True),
        ("lights on in the hall", "hall", True),
    ],
)
async def test_a_room_is_told_without_its_preposition(heard: str, room: str, on: bool) -> None:
    lights = spec("lights", "Turn the lights in a room on or off.", room=TEXT, on={"type": "boolean"})
    assert (await ask(heard, (lights,))).calls == [("lights", {"room": room, "on": on})]


@pytest.mark.parametrize(
    ("name", "heard", "value"),
    [
        ("timezone", "set the thing for new york", "America/New_York"),
        ("email", "set the thing to anna dot lee at example dot com", "anna.lee@example.com"),
        ("url", "set the thing to wikipedia dot org", "wikipedia.org"),
        ("phone_number", "set the thing to oh one five double two", "01522"),
        ("destination", "set the thing from berlin to hamburg", "Hamburg"),
        ("origin", "set the thing from berlin to hamburg", "Berlin"),
        ("delay_s", "set the thing in half an hour", 1800),
        ("duration_minutes", "set the thing for half an hour", 30),
    ],
)
async def test_the_name_of_a_parameter_says_what_it_wants(name: str, heard: str, value: Any) -> None:
    kind = "integer" if isinstance(value, int) else "string"
    assert (await ask(heard, (spec("set_thing", "Set the thing.", **{name: {"type": kind}}),))).calls == [
        ("set_thing", {name: value})
    ]


async def test_turning_on_and_turning_off_are_different_tools() -> None:
    tools = (spec("turn_on_heating", "Turn the heating on."), spec("turn_off_heating", "Turn the heating off."))
    assert (await ask("turn the heating off please", tools)).calls == [("turn_off_heating", {})]
    assert (await ask("switch on the heating", tools)).calls == [("turn_on_heating", {})]


async def test_a_tool_that_changes_is_not_met_by_a_question() -> None:
    tools = (spec("add_note", "Add a note.", text=TEXT), spec("read_notes", "Read the notes."))
    assert (await ask("what are my notes", tools)).calls == [("read_notes", {})]
    assert (await ask("take a note buy milk", tools)).calls == [("add_note", {"text": "buy milk"})]


@pytest.mark.parametrize("parameters", [{}, {"type": "object"}, {"properties": None}, {"properties": {"x": True}},
{"$ref": "#"},
                                        {"type": "object", "properties": {"x": {"$ref": "#/properties/x"}},
                                        "required": ["x"]},
                                        {"properties": {"x": {"anyOf": []}}, "required": "x"}])  # fmt: skip
async def test_odd_schemas_harm_nothing(parameters: dict[str, Any]) -> None:
    reply = await ask("turn the thing on", (ToolSpec("turn_thing", "", parameters), LIGHT))
    assert reply.calls or reply.text


async def test_no_tool_is_called_when_none_may_be() -> None:
    reply = await ask("what's the weather in paris", tool_choice="none")
    assert reply.calls == []
    assert reply.text


async def test_a_required_tool_is_called_on_the_least_hint() -> None:
    reply = await ask("my weather in paris is nice", tool_choice="required")
    assert reply.calls == weather("Paris")
    reply = await ask("something about cats", (WEATHER, SEARCH), tool_choice="web_search")
    assert reply.calls == [("web_search", {"query": "something about cats"})]


async def test_a_required_tool_without_its_argument_is_asked_for_not_made_up() -> None:
    reply = await ask("hello", (WEATHER,), ADA, tool_choice="required")
    assert (reply.calls, reply.text) == ([], "Which city?")
