"""Asking back and understanding the answer, with no memory but the conversation; and telling results."""

from __future__ import annotations

from typing import Any

import pytest

from realtime_agent.engine.parts import BrainRequest, Message, PastCall, ToolSpec
from realtime_agent.errors import EngineError
from tests.brain_talk import ADA, LIGHT, TEXT, TOOLS, WEATHER, Calls, ask, reply_to, spec, talk

Items = list[Message | PastCall]
ROOMS = "Which room: kitchen, bedroom or living room?"


@pytest.mark.parametrize(
    ("heard", "question"),
    [
        ("what's the weather", "Which city?"),
        ("set a timer", "How many minutes?"),
        ("turn on the light", ROOMS),
        ("remind me", "What should the text be?"),
        ("send a message", "Who should it go to?"),
        ("where is my order", "What is the order number?"),
        ("turn the volume up", "What level should I use, from 0 to 100?"),
        ("add something to my shopping list", "Which items?"),
        ("book a table for two on friday", "Which restaurant?"),
        ("turn on the kitchen light and tell me the weather", "Which city?"),
        ("what time is it and what's the weather", "It is 3:20 PM. Which city?"),
    ],
)
async def test_it_asks_for_what_is_missing(heard: str, question: str) -> None:
    reply = await ask(heard)
    assert (reply.text, reply.calls) == (question, [])


@pytest.mark.parametrize(
    ("schema", "question"),
    [
        ({"type": "boolean"}, "Thing: yes or no?"),
        ({"type": "string", "format": "date"}, "For which day?"),
        ({"type": "string", "format": "time"}, "At what time?"),
        ({"type": "string", "format": "date-time"}, "When?"),
        ({"type": "string", "description": "what to write down."}, "What should I write down?"),
        (
            {"type": "number", "description": "for how many seconds, minutes or hours."},
            "For how many seconds, minutes or hours?",
        ),
        ({"type": "string", "enum": list("abcdefghij")}, "Which thing? For example a, b, c or d."),
        ({"type": "integer"}, "What thing should I use?"),
    ],
)
async def test_the_question_fits_the_kind_of_value(schema: dict[str, Any], question: str) -> None:
    assert (await ask("order the pizza", (spec("order_pizza", "Order the pizza.", thing=schema),))).text == question


@pytest.mark.parametrize(
    ("turns", "calls"),
    [
        (("what's the weather", "paris"), [("get_weather", {"city": "Paris"})]),
        (("what's the weather", "In New York, please."), [("get_weather", {"city": "New York"})]),
        (("what's the weather", "um", "I said, in rome"), [("get_weather", {"city": "Rome"})]),
        (("what's the weather", "the city is oslo"), [("get_weather", {"city": "Oslo"})]),
        (("set a timer", "five minutes"), [("set_timer", {"minutes": 5})]),
        (("set a timer", "an hour"), [("set_timer", {"minutes": 60})]),
        (("set a timer", "seven"), [("set_timer", {"minutes": 7})]),
        (("set a timer", "blue", "make it seven"), [("set_timer", {"minutes": 7})]),
        (("turn on the light", "the living room please"), [("set_light", {"room": "living_room", "on": True})]),
        (("turn off the light", "Livingroom."), [("set_light", {"room": "living_room", "on": False})]),
        (("set the volume", "two hundred", "fifty"), [("set_volume", {"level": 50})]),
        (("remind me", "to buy milk"), [("create_reminder", {"text": "buy milk"})]),
        (("where is my order", "it's one two three"), [("get_order_status", {"order_id": "123"})]),
        (
            ("add to my shopping list", "milk, eggs and bread"),
            [("add_to_shopping_list", {"items": ["milk", "eggs", "bread"]})],
        ),
        (
            ("send a message", "to anna", "I'll be home at six"),
            [("send_message", {"recipient": "Anna", "text": "I'll be home at six"})],
        ),
        (
            ("book a table", "at luigi's", "tomorrow", "seven thirty pm", "four"),
            [("book_table", {"restaurant": "Luigi's", "date": "2026-11-19", "time": "19:30", "people": 4})],
        ),
        (
            ("turn on the kitchen light and tell me the weather", "london"),
            [("set_light", {"room": "kitchen", "on": True}), ("get_weather", {"city": "London"})],
        ),
        (("turn on the light", "what's the weather in rome"), [("get_weather", {"city": "Rome"})]),
        (("what's the weather", "turn on the kitchen light"), [("set_light", {"room": "kitchen", "on": True})]),
    ],
)
async def test_the_answer_to_its_question_completes_the_call(turns: tuple[str, ...], calls: Calls) -> None:
    reply = await talk(*turns)
    assert (reply.calls, reply.text) == (calls, "")


async def test_a_unit_in_the_answer_is_not_lost() -> None:
    timer = spec(
        "set_timer", "Set a timer.", amount={"type": "number"},
        unit={"type": "string", "enum": ["seconds", "minutes", "hours"], "default": "minutes"},
    )  # fmt: skip
    assert (await talk("set a timer", "ten seconds", tools=(timer,))).calls == [
        ("set_timer", {"amount": 10, "unit": "seconds"})
    ]
    assert (await talk("set a timer", "ten", tools=(timer,))).calls == [("set_timer", {"amount": 10})]
    assert (await ask("set a timer for an hour and a half", (timer,))).calls == [
        ("set_timer", {"amount": 90, "unit": "minutes"})
    ]


async def test_yes_and_no_answer_a_question_for_yes_or_no() -> None:
    tool = spec("order_pizza", "Order the pizza.", spicy={"type": "boolean"})
    for answer, value in (("yes please", True), ("no", False), ("of course not", False), ("Sure.", True)):
        assert (await talk("order the pizza", answer, tools=(tool,))).calls == [("order_pizza", {"spicy": value})]


@pytest.mark.parametrize("heard", ["never mind", "cancel", "Stop.", "forget it", "no thanks", "no"])
async def test_a_change_of_mind_ends_the_asking(heard: str) -> None:
    reply = await talk("what's the weather", heard)
    assert (reply.text, reply.calls) == ("All right, I will leave that.", [])
    assert (await talk("what's the weather", heard, "what time is it")).text == "It is 3:20 PM."


async def test_after_two_answers_in_vain_it_gives_up() -> None:
    assert (await talk("set a timer", "blue")).text == "Sorry, I did not get that. How many minutes?"
    assert (await talk("set a timer", "blue", "green")).text == "I am sorry, I did not understand. Let us leave that."
    assert (await talk("set a timer", "blue", "green", "seven")).calls == []


@pytest.mark.parametrize(
    ("heard", "begins"), [("what time is it", "It is 3:20"), ("goodbye", "Goodbye"), ("who are you", "I am Ada")]
)
async def test_another_subject_replaces_the_question(heard: str, begins: str) -> None:
    assert (await talk("what's the weather", heard)).text.startswith(begins)


async def test_a_question_that_was_interrupted_half_way_is_still_open() -> None:
    conversation = [
        Message("user", "turn on the light"),
        Message("assistant", "Which room: kit"),
        Message("user", "bedroom"),
    ]
    reply = await reply_to(BrainRequest(ADA, conversation, TOOLS))
    assert reply.calls == [("set_light", {"room": "bedroom", "on": True})]


async def test_words_of_another_brain_open_no_question() -> None:
    conversation = [
        Message("user", "turn on the light"),
        Message("assistant", "Where do you live?"),
        Message("user", "paris"),
    ]
    assert (await reply_to(BrainRequest(ADA, conversation, TOOLS))).calls == []


async def test_a_sentence_cut_in_two_by_a_pause_is_put_together() -> None:
    conversation = [Message("user", "set a"), Message("user", "timer for five minutes")]
    assert (await reply_to(BrainRequest(ADA, conversation, TOOLS))).calls == [("set_timer", {"minutes": 5})]
    conversation = [Message("user", "what's the weather"), Message("user", "in paris")]
    assert (await reply_to(BrainRequest(ADA, conversation, TOOLS))).calls == [("get_weather", {"city": "Paris"})]


CALL = PastCall("c1", "get_weather", '{"city": "Paris"}', '{"temperature_c": 18.5, "condition": "cloudy"}')
TOLD = "The temperature is 18.5 degrees Celsius and the condition is cloudy."


async def test_the_outputs_of_all_calls_are_told_in_order() -> None:
    outputs = ['{"city": "Paris", "temp_c": 18}', '{"city": "London", "temp_c": 12}']
    reply = await talk("what's the weather in paris and london", outputs)
    assert reply.text == "In Paris, the temp is 18 degrees Celsius. In London, the temp is 12 degrees Celsius."


async def test_a_call_without_output_is_named_as_unfinished() -> None:
    asked: Items = [Message("user", "weather and volume please")]
    request = BrainRequest(ADA, [*asked, CALL, PastCall("c2", "get_news", "{}")], TOOLS)
    assert (await reply_to(request)).text == f"{TOLD} I am still waiting for the news."


async def test_a_late_result_is_told_once() -> None:
    before: Items = [
        Message("user", "weather in paris"),
        CALL,
        Message("user", "hello"),
        Message("assistant", "Hello."),
    ]
    assert (await reply_to(BrainRequest(ADA, before, TOOLS))).text == TOLD
    after: Items = [*before, Message("assistant", TOLD)]
    assert (await reply_to(BrainRequest(ADA, after, TOOLS))).text == "Is there anything else I can do for you?"


async def test_results_are_told_even_where_a_tool_is_required() -> None:
    request = BrainRequest(ADA, [Message("user", "weather in paris"), CALL], TOOLS, tool_choice="required")
    assert (await reply_to(request)).text == TOLD


async def test_a_picture_is_refused_clearly_and_only_while_it_is_the_question() -> None:
    picture = Message("user", "what is this", ("data:image/png;base64,AAAA",))
    with pytest.raises(EngineError, match="cannot see images") as caught:
        await reply_to(BrainRequest(ADA, [picture]))
    assert caught.value.code == "image_not_supported"
    assert (await reply_to(BrainRequest(ADA, [picture, Message("user", "what time is it")]))).text == "It is 3:20 PM."
    assert "cannot see" in (await reply_to(BrainRequest(ADA, [picture, Message("user", "describe the picture")]))).text


async def test_the_same_request_gives_the_same_reply() -> None:
    request = BrainRequest(ADA, [Message("user", "turn on the light")], (LIGHT, WEATHER))
    assert await reply_to(request) == await reply_to(request)


@pytest.mark.parametrize(
    ("name", "output", "said"),
    [
        ("set_timer", "Timer set for 5 minutes", "Timer set for 5 minutes."),
        ("set_timer", '"ok"', "Done."),
        ("set_timer", "", "Done."),
        ("set_timer", "null", "Done."),
        ("set_timer", "true", "Done."),
        ("set_timer", "{}", "Done."),
        ("set_timer", '{"ok": true}', "Done."),
        ("is_open", "true", "Yes."),
        ("is_open", "false", "No."),
        ("roll_dice", "7", "The result is 7."),
        ("get_temperature", "18.50", "The temperature is 18.5."),
        ("calculate", '{"result": 42}', "The result is 42."),
        ("get_weather", '{"city": "Paris", "temperature_c": 18.5, "condition": "cloudy"}', f"In Paris, t{TOLD[1:]}"),
        ("get_weather", '{"summary": "sunny and warm", "code": 3}', "Sunny and warm."),
        (
            "get_time",
            '{"time": "19:30", "date": "2026-11-19"}',
            "The time is 7:30 PM and the date is Thursday, November 19, 2026.",
        ),
        ("get_meeting", '"2026-11-19T09:00:00"', "Thursday, November 19, 2026 at 9:00 AM."),
        (
            "get_load",
            '{"cpu_percent": 12.25, "free_gb": 3, "busy": false}',
            "The cpu is 12.25 percent, the free is 3 gigabytes and the busy is no.",
        ),
        ("list_files", '["a.txt", "b.txt"]', "I found 2: a.txt and b.txt."),
        ("list_files", '["a.txt"]', "I found one: a.txt."),
        ("search_books", "[]", "I found no books."),
        ("list_numbers", "[1,2,3,4,5,6,7]", "I found 7: 1, 2, 3, 4, 5 and 2 more."),
        ("find_people", '[{"name": "Anna", "age": 30}, {"name": "Bob"}]', "I found 2: Anna, age 30; and Bob."),
        ("add_items", '["milk", "eggs"]', "Done: milk and eggs."),
        ("get_page", "See https://example.org/x for **more**.\n- one\n- two", "See a link for more. one, two."),
        (
            "get_weather",
            '{"error": {"code": "tool_timeout", "message": "The service did not answer."}}',
            "Sorry, that did not work: the service did not answer.",
        ),
        ("get_weather", '{"error": "No such city"}', "Sorry, that did not work: no such city."),
        ("get_weather", '{"ok": false, "message": "ATM is closed"}', "Sorry, that did not work: ATM is closed."),
        ("get_weather", '{"error": true}', "Sorry, that did not work."),
        ("get_weather", '{"id": 7, "url": "http://x"}', "Done."),
        ("get_weather", "{broken", "{broken."),
        ("get_weather", "NaN", "The weather is not a number."),
    ],
)
async def test_every_kind_of_result_becomes_a_sentence(name: str, output: str, said: str) -> None:
    items: Items = [Message("user", "please"), PastCall("c", name, "{}", output)]
    assert (await reply_to(BrainRequest(ADA, items, (ToolSpec(name, "", {}),)))).text == said


async def test_a_huge_result_is_cut_at_a_sentence() -> None:
    items: Items = [Message("user", "please"), PastCall("c", "get_page", "{}", "One sentence of many words. " * 200)]
    text = (await reply_to(BrainRequest(ADA, items))).text
    assert len(text) < 800
    assert text.endswith("words. And there is more.")


async def test_what_was_asked_is_not_told_again() -> None:
    call = PastCall("c", "get_price", '{"item": "tea"}', '{"item": "tea", "price_eur": 3.2}')
    reply = await reply_to(BrainRequest(ADA, [Message("user", "price of tea"), call]))
    assert reply.text == "The price is 3.2 euros."


async def test_a_text_parameter_takes_a_question_that_is_its_answer() -> None:
    note = spec("add_note", "Add a note.", text=TEXT)
    assert (await talk("take a note", "how the garden grows", tools=(note,))).calls == [
        ("add_note", {"text": "how the garden grows"})
    ]
