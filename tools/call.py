"""One tool call: what was asked, who waits for it, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from realtime_agent.errors import ToolError
from realtime_agent.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """The answer to one call. `output` is what the model is told, also where there is an `error`."""

    output: str
    error: ToolError | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that needs approval, for the person to judge. `arguments` are real Python values, defaults included."""

    call_id: str
    name: str
    arguments: Mapping[str, Any]
    description: str


Approve = Callable[[ToolCall], bool | Awaitable[bool]]
OnDone = Callable[[ToolOutcome], None]


class CallUnderWay:
    """A call that is not answered yet. Plain data; `ToolRunner` moves it along."""

    __slots__ = ("arguments", "call_id", "deadline", "listeners", "raw", "started_s", "task", "tool")

    def __init__(
        self, call_id: str, tool: Tool, raw: str, arguments: dict[str, Any], started_s: float, on_done: OnDone
    ) -> None:
        self.call_id = call_id
        self.tool = tool
        self.raw = raw
        self.arguments = arguments
        self.started_s = started_s
        self.listeners: list[OnDone] = [on_done]
        self.task: asyncio.Task[None] | None = None
        self.deadline: asyncio.TimerHandle | None = None
