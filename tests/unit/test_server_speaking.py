"""What the shell around brain and voice does with one response."""

from __future__ import annotations

import pytest

from realtime_agent.engine.parts import BrainRequest, Message
from realtime_agent.protocol.formats import PCM
from realtime_agent.protocol.say import say_instructions
from realtime_agent.server.core.actions import EngineOutput, ResponseEnded, ResponseSpeech, ResponseText, StartResponse
from realtime_agent.server.shell.speaking import perform_response
from tests.fakes_engine import FakeEngine


async def perform(engine: FakeEngine, instructions: str, *, speaks: bool = True) -> list[EngineOutput]:
    outputs: list[EngineOutput] = []
    request = BrainRequest(instructions, [Message("user", "what time is it")])
    await perform_response(engine, StartResponse("resp_1", request, speaks, "alloy", 1.0, PCM), outputs.append)
    return outputs


@pytest.mark.parametrize(
    "text", ["Hello.", 'Two  spaces, "quotes"\nand a line. Dr. No! ', "Say it. Twice? Yes…  ok", "日本語", "1 < 2"]
)
@pytest.mark.parametrize("speaks", [True, False])
async def test_what_is_to_be_said_word_for_word_is_said_to_the_letter_and_no_brain_is_asked(
    text: str, speaks: bool
) -> None:
    engine = FakeEngine()
    *said, ended = await perform(engine, say_instructions(text), speaks=speaks)
    assert "".join(output.text for output in said if isinstance(output, ResponseSpeech | ResponseText)) == text
    assert ended == ResponseEnded("resp_1")
    assert not engine.brain.requests


async def test_to_say_nothing_is_an_empty_answer() -> None:
    assert await perform(FakeEngine(), say_instructions("")) == [ResponseEnded("resp_1")]


async def test_other_instructions_are_the_brains_to_follow() -> None:
    engine = FakeEngine()
    await perform(engine, "Say it in your own words: hello.")
    assert len(engine.brain.requests) == 1
