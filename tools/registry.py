"""The tools of one agent, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from realtime_agent.errors import ConfigError, ToolNotFound
from realtime_agent.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from realtime_agent.protocol import FunctionTool


class ToolRegistry:
    """An immutable set of tools with unique names, in the order in which they were given.

    Takes tools and plain functions, which become tools with the usual policy.

    Raises:
        ConfigError: two tools have the same name, or a function cannot be a tool.
    """

    __slots__ = ("_tools",)

    def __init__(self, tools: Iterable[Tool | Callable[..., Any]] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for one in tools:
            made = make_tool(one)
            if made.is_method:
                raise ConfigError(f"{made.name}() is a method: give the tool of an instance, `thing.{made.name}`.")
            if made.name in self._tools:
                raise ConfigError(f"Two tools are called {made.name!r}. Rename one with @tool(name=...).")
            self._tools[made.name] = made

    def __len__(self) -> int:
        return len(self._tools)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def get(self, name: str) -> Tool:
        """The tool of that name.

        Raises:
            ToolNotFound: with the names that there are, so that the model can choose again.
        """
        found = self._tools.get(name)
        if found is None:
            known = ", ".join(self._tools) or "none"
            raise ToolNotFound(f"There is no tool of that name. The tools are: {known}.")
        return found

    def plus(self, tools: Iterable[Tool | Callable[..., Any]]) -> ToolRegistry:
        """A registry with these as well, such as the hand-offs of an agent.

        Raises:
            ConfigError: a name is taken.
        """
        return ToolRegistry((*self, *tools))

    def to_wire(self) -> list[FunctionTool]:
        """All tools as the session config of the Realtime API has them (`session.tools`)."""
        return [one.to_wire() for one in self]
