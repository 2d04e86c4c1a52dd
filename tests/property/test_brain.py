"""Whatever is said, shown or returned: the embedded brain answers, the same way each time, and never fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from realtime_agent.engine.brain.words import read, sentence_deltas
from realtime_agent.engine.parts import BrainRequest, Message, PastCall, ToolSpec
from tests.brain_talk import ADA, TOOLS, Reply, reply_to

VOCABULARY = [
    "what",
    "is",
    "the",
    "weather",
    "in",
    "paris",
    "turn",
    "on",
    "off",
    "light",
    "kitchen",
    "set",
    "timer",
    "for",
    "five",
    "minutes",
    "and",
    "then",
    "remind",
    "me",
    "to",
    "buy",
    "milk",
    "at",
    "seven",
    "pm",
    "tomorrow",
    "add",
    "list",
    "send",
    "message",
    "anna",
    "saying",
    "count",
    "from",
    "twenty",
    "spell",
    "say",
    "after",
    "half",
    "past",
    "quarter",
    "minus",
    "plus",
    "times",
    "divided",
    "by",
    "point",
    "percent",
    "of",
    "square",
    "root",
    "hundred",
    "thousand",
    "a",
    "an",
    "i",
    "5",
    "3.5",
    "10:30",
    "2026-01-01",
    "3rd",
    "next",
    "friday",
    "may",
    "december",
    "double",
    "oh",
    "dot",
    "yes",
    "no",
    "cancel",
    "um",
    "hello",
    "goodbye",
    "why",
    "do",
    "you",
    "like",
    ",",
    ".",
    "?",
    "!",
    "-",
    '"',
    "(",
    ")",
    "*",
    "/",
    "^",
    "%",
    "not",
    "never",
    "order",
    "1e9",
]
SPEECH = st.one_of(
    st.lists(st.sampled_from(VOCABULARY), max_size=20).map(" ".join),
    st.text(max_size=60),
    st.text("ab \n.?'", max_size=40),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
OUTPUT = st.none() | st.text(max_size=60) | JSON.map(json.dumps)
WORDS = (
    "type",
    "properties",
    "required",
    "enum",
    "anyOf",
    "$ref",
    "items",
    "const",
    "format",
    "default",
    "description",
)
SCHEMA = st.recursive(
    JSON | st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null", "#/properties/a"]),
    lambda inner: st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
TOOL = st.builds(
    ToolSpec,
    st.text(max_size=20) | st.just("set_light"),
    st.text(max_size=40) | st.just("Turn the light on or off."),
    st.dictionaries(st.sampled_from(WORDS), SCHEMA, max_size=5)
    | st.dictionaries(st.sampled_from(["room", "minutes", "when", "city"]), SCHEMA, min_size=1, max_size=4).map(
        lambda properties: {"type": "object", "properties": properties, "required": list(properties)}
    ),
)
ITEM = st.builds(Message, st.sampled_from(["user", "assistant", "system"]), SPEECH) | st.builds(
    PastCall, st.text(max_size=5), st.sampled_from(["set_light", "get_weather", "x"]), st.text(max_size=20), OUTPUT
)


def run(request: BrainRequest) -> Reply:
    return asyncio.run(reply_to(request))


def sound(reply: Reply, request: BrainRequest) -> None:
    assert reply.text.strip() or reply.calls
    assert all(delta for delta in reply.deltas)
    known = {tool.name for tool in request.tools}
    for name, arguments in reply.calls:
        assert name in known
        assert isinstance(arguments, dict)
    assert run(request) == reply


@settings(max_examples=150, deadline=None)
@given(SPEECH, st.sampled_from(["auto", "none", "required", "set_light"]))
def test_anything_said_is_answered_and_always_the_same_way(said: str, choice: str) -> None:
    request = BrainRequest(ADA, [Message("user", said)], TOOLS, choice)
    sound(run(request), request)


@settings(max_examples=80, deadline=None)
@given(st.lists(ITEM, max_size=6), st.lists(TOOL, max_size=3), st.text(max_size=40))
def test_any_conversation_with_any_tools_is_answered(
    items: list[Any], tools: list[ToolSpec], instructions: str
) -> None:
    request = BrainRequest(instructions, items, tools)
    sound(run(request), request)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["set a timer", "turn on the light", "book a table", "send a message"]), SPEECH)
def test_any_answer_to_its_question_is_answered(asked: str, answer: str) -> None:
    question = run(BrainRequest(ADA, [Message("user", asked)], TOOLS)).text
    items = [Message("user", asked), Message("assistant", question), Message("user", answer)]
    request = BrainRequest(ADA, items, TOOLS)
    sound(run(request), request)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_words_stand_where_they_were_heard_and_sentences_lose_no_letter(text: str) -> None:
    utterance = read(text)
    places = [(word.start, word.end) for word in utterance.words]
    assert places == sorted(places)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert "".join(sentence_deltas(text)) == text


@settings(max_examples=30, deadline=None)
@given(OUTPUT, OUTPUT)
def test_any_output_of_a_tool_is_told(one: str | None, other: str | None) -> None:
    items: list[Message | PastCall] = [
        Message("user", "go"),
        PastCall("a", "get_x", "{}", one),
        PastCall("b", "add_y", "[]", other),
    ]
    request = BrainRequest(ADA, items, TOOLS)
    assert run(request).text.strip()
