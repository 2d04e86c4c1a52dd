"""What every client's conversation has to show on the wire, whatever the client makes of it."""

from __future__ import annotations

import json
from difflib import SequenceMatcher

from tests.clients.wire_tap import Conversation, Json


def transcripts(wire: Conversation) -> dict[str, str]:
    """What the server said, item by item, as it first said it."""
    return {event["item_id"]: event["transcript"] for event in wire.received("response.output_audio_transcript.done")}


def check_question_and_tool(wire: Conversation) -> None:
    """The weather in London was asked for by voice, looked up by the client, and spoken."""
    calls = [item for response in _responses(wire) for item in response["output"] if item["type"] == "function_call"]
    assert [(item["name"], json.loads(item["arguments"])) for item in calls] == [("get_weather", {"city": "London"})]
    outputs = [event["item"] for event in wire.sent("conversation.item.create")]
    assert calls[0]["call_id"] in [item.get("call_id") for item in outputs]
    assert any("12 degrees" in said for said in transcripts(wire).values())


def check_barge_in(wire: Conversation) -> str:
    """A story was cut off after about three seconds; asked what it said, the server repeats what was heard, no more.

    Returns what was heard.
    """
    (cut,) = wire.received("conversation.item.truncated")
    (asked,) = wire.sent("conversation.item.truncate")
    assert cut["item_id"] == asked["item_id"]
    assert cut["audio_end_ms"] == asked["audio_end_ms"]
    assert 2000 < cut["audio_end_ms"] < 8000
    said = transcripts(wire)
    story = said[cut["item_id"]]
    following = list(said.values())[list(said).index(cut["item_id"]) + 1]
    assert story.startswith(following), "what it repeats is the beginning of what it said"
    assert 20 < len(following) < 200 < len(story), "and no more than was heard"
    return following


def sounds_like(heard: str, said: str) -> bool:
    """Whether an ear that errs now and then heard this."""
    return SequenceMatcher(None, _letters(heard), _letters(said), autojunk=False).ratio() > 0.6


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def check_statuses(wire: Conversation) -> None:
    """Nothing failed, and nothing was refused."""
    assert wire.errors() == []
    assert {response["status"] for response in _responses(wire)} <= {"completed", "cancelled"}


def _responses(wire: Conversation) -> list[Json]:
    return [event["response"] for event in wire.received("response.done")]
