"""The embedded brain as a part of the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime

from realtime_agent.engine.brain.dialogue import decide
from realtime_agent.engine.brain.tokens import count_tokens
from realtime_agent.engine.brain.words import sentence_deltas
from realtime_agent.engine.parts import BrainEvent, BrainRequest, BrainUsage, Message, TextDelta, ToolCallRequest


def _local_now() -> datetime:
    return datetime.now().astimezone()


class EmbeddedBrain:
    """A rule-based assistant, which says so: small talk, time and date, sums, spelling, stories, and above all tools.

    It keeps no state: all it knows is in the request, and the same request at the same `now` gives the same reply.

    Args:
        now: the clock it tells the time from.
    """

    def __init__(self, *, now: Callable[[], datetime] = _local_now) -> None:
        self._now = now

    @property
    def name(self) -> str:
        return "embedded-rules"

    async def reply(self, request: BrainRequest) -> AsyncIterator[BrainEvent]:
        """Answer sentence by sentence, or with tool calls.

        Raises:
            EngineError: code "image_not_supported" where the person's last message holds an image.
        """
        decision = decide(request, self._now())
        written = 0
        for text in sentence_deltas(decision.text):
            written += count_tokens(text)
            yield TextDelta(text)
        for call in decision.calls:
            written += count_tokens(call.arguments) + count_tokens(call.name)
            yield ToolCallRequest(call.name, call.arguments)
        yield BrainUsage(sum(count_tokens(text) for text in _texts(request)), written)

    async def close(self) -> None:
        """Nothing to let go."""


def _texts(request: BrainRequest) -> Iterable[str]:
    yield request.instructions
    for item in request.conversation:
        if isinstance(item, Message):
            yield item.text
        else:
            yield item.name + item.arguments + (item.output or "")
    for tool in request.tools:
        yield f"{tool.name} {tool.description} {tool.parameters}"
