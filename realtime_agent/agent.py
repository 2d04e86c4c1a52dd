"""Agent: who answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from realtime_agent.errors import ConfigError
from realtime_agent.tools import Tool, ToolRegistry

_HANDOFF_PREFIX = "transfer_to_"


@dataclass(frozen=True)
class Agent:
    """Who answers: instructions, a voice, tools, and other agents to hand over to. Immutable.

    Attributes:
        instructions: what the model is told about itself, in prose.
        tools: plain functions (sync or async), or tools made with `@tool`.
        name: what people and logs call it.
        voice: the model's name of a voice; None for its default.
        greeting: said aloud, word for word, when the session starts.
        handoffs: agents that the model may hand the conversation to; each becomes a tool `transfer_to_<name>`.
        handoff_description: when another agent should hand over to this one.

    Raises:
        ConfigError: a function cannot be a tool, or two tools share a name.
    """

    instructions: str = ""
    tools: Sequence[Tool | Callable[..., Any]] = ()
    name: str = "assistant"
    voice: str | None = None
    greeting: str | None = None
    handoffs: Sequence[Agent] = ()
    handoff_description: str = ""

    def __post_init__(self) -> None:
        registry = ToolRegistry(self.tools)
        object.__setattr__(self, "tools", tuple(registry))
        object.__setattr__(self, "handoffs", tuple(self.handoffs))
        names = [one.name for one in registry] + [other.handoff_name for other in self.handoffs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"Agent {self.name!r} has more than one tool called {', '.join(twice)}.")

    @property
    def handoff_name(self) -> str:
        """The name of the tool by which others hand over to this agent."""
        return _HANDOFF_PREFIX + re.sub(r"[^a-zA-Z0-9_-]+", "_", self.name).strip("_").lower()[:48]

    def with_tools(self, *more: Tool | Callable[..., Any]) -> Agent:
        """The same agent with more tools."""
        return replace(self, tools=(*self.tools, *more))
