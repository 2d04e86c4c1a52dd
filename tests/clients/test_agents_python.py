"""The `openai-agents` package."""

from __future__ import annotations

from tests.clients.conftest import Caller
from tests.clients.expectations import check_barge_in, check_question_and_tool, check_statuses, sounds_like


async def test_agents_python_holds_a_conversation(call: Caller) -> None:
    made = await call("agents_python")
    seen, wire = made.seen, made.wire
    check_statuses(wire)
    assert seen["errors"] == []

    check_question_and_tool(wire)
    assert seen["calls"] == [{"name": "get_weather", "city": "London"}]
    assert sounds_like(await made.heard("weather"), "Foggy, twelve degrees.")

    heard = check_barge_in(wire)
    assert seen["left"][-1] == heard
    assert sounds_like(await made.heard("repeat"), heard)

    assert sounds_like(await made.heard("sum"), "seven times six is forty two")
