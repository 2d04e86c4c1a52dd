"""Agent: who answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from realtime_agent.errors import ConfigError
from realtime_agent.tools import Tool, tool

HANDOFF_PREFIX = "transfer_to_"


@dataclass(frozen=True)
class Agent:
    """Who answers: instructions, a voice, tools, and other agents to hand over to. Immutable.

    `tools` takes plain functions (sync or async) as well as `Tool`s made with `@tool`.
    `greeting` is said aloud when the session starts.
    `handoffs` are agents that the model may hand the conversation to; each becomes a tool `transfer_to_<name>`, described
    by that agent's `handoff_description`.

    Raises:
        ConfigError: a tool has no schema, or two tools share a name.
    """

    instructions: str = ""
    tools: Sequence[Tool | Callable[..., Any]] = ()
    name: str = "assistant"
    voice: str | None = None
    greeting: str | None = None
    handoffs: Sequence[Agent] = ()
    handoff_description: str = ""
    _tools: tuple[Tool, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        made = tuple(t if isinstance(t, Tool) else tool(t) for t in self.tools)
        names = [t.name for t in made] + [agent.handoff_name for agent in self.handoffs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"Agent {self.name!r} has more than one tool named {', '.join(map(repr, twice))}.")
        object.__setattr__(self, "tools", made)
        object.__setattr__(self, "handoffs", tuple(self.handoffs))
        object.__setattr__(self, "_tools", made)

    @property
    def toolbox(self) -> tuple[Tool, ...]:
        """The tools, each made a `Tool`."""
        return self._tools

    @property
    def handoff_name(self) -> str:
        """The name of the tool that hands over to this agent."""
        return HANDOFF_PREFIX + re.sub(r"[^a-zA-Z0-9_-]+", "_", self.name).strip("_").lower()[:48]

    def with_tools(self, *more: Tool | Callable[..., Any]) -> Agent:
        """The same agent with more tools."""
        return replace(self, tools=(*self.tools, *more))
