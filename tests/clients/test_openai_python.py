"""The `openai` package."""

from __future__ import annotations

from tests.clients.conftest import Caller
from tests.clients.expectations import check_barge_in, check_question_and_tool, check_statuses, sounds_like


async def test_openai_python_holds_a_conversation(call: Caller) -> None:
    made = await call("openai_python")
    seen, wire = made.seen, made.wire
    check_statuses(wire)

    check_question_and_tool(wire)
    assert "london" in seen["weather"]["asked"].lower()
    assert seen["calls"] == [{"name": "get_weather", "city": "London"}]
    assert sounds_like(await made.heard("weather"), "Foggy, twelve degrees.")

    heard = check_barge_in(wire)
    assert seen["barge_in"]["is_that_item"]
    assert seen["barge_in"]["left"] == seen["barge_in"]["said"] == heard
    assert sounds_like(await made.heard("repeat"), heard)

    assert seen["push_to_talk"]["turn_detection"] is None
    assert "42" in seen["push_to_talk"]["said"]
