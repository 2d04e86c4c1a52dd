"""The `livekit-agents` package with `livekit-plugins-openai`."""

from __future__ import annotations

from tests.clients.conftest import Caller
from tests.clients.expectations import check_barge_in, check_question_and_tool, check_statuses, sounds_like


async def test_livekit_holds_a_conversation(call: Caller) -> None:
    made = await call("livekit")
    seen, (wire, manual) = made.seen, made.conversations
    check_statuses(wire)
    check_statuses(manual)
    assert seen["errors"] == []

    check_question_and_tool(wire)
    assert seen["calls"] == [{"name": "get_weather", "city": "London"}]
    assert sounds_like(await made.heard("weather"), "Foggy, twelve degrees.")

    heard = check_barge_in(wire)
    assert seen["interrupted"]
    assert [one["interrupted"] for one in seen["said"]][:3] == [False, True, False]
    assert seen["said"][2]["text"] == heard
    assert sounds_like(await made.heard("repeat"), heard)
    assert seen["asked_for_ms"] > 500

    assert manual.received("session.updated")[-1]["session"]["audio"]["input"]["turn_detection"] is None
    assert sounds_like(await made.heard("sum"), "seven times six is forty two")
