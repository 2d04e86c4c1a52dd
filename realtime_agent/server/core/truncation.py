"""How much of a long conversation the brain still reads (`truncation`).

A brain's context holds so many tokens (`Capabilities.context_tokens`, counted as `usage` counts them). Where
instructions, tools and items come to more, then

| truncation        | effect                                                                                     |
|-------------------|--------------------------------------------------------------------------------------------|
| `auto`            | the oldest items are forgotten until the rest fits                                         |
| `retention_ratio` | the oldest are forgotten until no more than that part of the room is taken                 |
| `disabled`        | nothing is forgotten: the response fails, `context_length_exceeded`                        |

With a ratio, room is made for several turns at once, and in between the brain's prompt only grows: what a prompt cache
lives on. `token_limits.post_instructions` makes the room for items smaller than the context leaves. What was forgotten
stays forgotten, but it stays in the conversation: nothing is deleted for the client.

The newest item is never forgotten, nor the call that it is the output of: a response answers them. If they alone are
too much, the response fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.server.core.conversation import Entry
from realtime_agent.server.core.errors import refusal
from realtime_agent.server.core.settings import Settings
from realtime_agent.server.core.usage import Tokens, entry_tokens, instruction_tokens


@dataclass(frozen=True, slots=True)
class Reading:
    """What the brain reads for one response, and what that counts."""

    entries: list[Entry]
    tokens: Tokens


class ContextWindow:
    """One session's; remembers what was forgotten of its conversation."""

    def __init__(self, limit_tokens: int) -> None:
        """`limit_tokens`: what the brain can read at once."""
        self._limit_tokens = limit_tokens
        self._forgotten: set[str] = set()

    def fit(self, settings: Settings, entries: Sequence[Entry], *, in_conversation: bool) -> Reading:
        """What of these items is read.

        Args:
            settings: of the response.
            entries: the conversation, or the input of one response.
            in_conversation: whether it is the conversation, and forgetting is for good.

        Raises:
            RemoteProtocolError: it does not fit, and may or can not be made to.
        """
        known = [entry for entry in entries if not (in_conversation and entry.id in self._forgotten)]
        instructions = instruction_tokens(settings)
        costs = [entry_tokens(entry) for entry in known]
        room = self._room(settings, instructions.total)
        total = sum(cost.total for cost in costs)
        dropped = 0
        if total > room:
            dropped = self._make_room(settings, known, [cost.total for cost in costs], room)
            kept = _with_its_call(known, dropped)
            costs = [entry_tokens(entry) for entry in kept]
            if sum(cost.total for cost in costs) > room:
                raise _too_long(self._limit_tokens)
            if in_conversation:
                present = {entry.id for entry in entries}
                self._forgotten = (self._forgotten & present) | ({e.id for e in known} - {e.id for e in kept})
            known = kept
        return Reading(known, sum(costs, instructions))

    def _room(self, settings: Settings, instructions: int) -> int:
        room = self._limit_tokens - instructions
        own_limit = settings.truncation.post_instructions
        return room if own_limit is None else min(room, own_limit)

    def _make_room(self, settings: Settings, entries: Sequence[Entry], costs: Sequence[int], room: int) -> int:
        """How many of the oldest are forgotten."""
        if settings.truncation.retention_ratio is None:
            raise _too_long(self._limit_tokens)
        target = int(max(0, room) * settings.truncation.retention_ratio)
        left, dropped = sum(costs), 0
        while left > target and dropped < len(entries) - 1:
            left -= costs[dropped]
            dropped += 1
        return dropped


def _with_its_call(entries: Sequence[Entry], dropped: int) -> list[Entry]:
    """The items from `dropped` on, without outputs whose call is gone; but with the call that the newest answers."""
    newest = entries[-1]
    kept = list(entries[dropped:])
    calls = {entry.call_id for entry in kept if entry.type == "function_call"}
    if newest.type == "function_call_output" and newest.call_id not in calls:
        call = [e for e in entries[:dropped] if e.type == "function_call" and e.call_id == newest.call_id]
        kept, calls = [*call, *kept], calls | {newest.call_id}
    return [entry for entry in kept if entry.type != "function_call_output" or entry.call_id in calls]


def _too_long(limit_tokens: int) -> RemoteProtocolError:
    return refusal(
        f"The conversation and its instructions do not fit into the context of {limit_tokens} tokens.",
        code="context_length_exceeded",
    )
