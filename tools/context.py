"""What a running tool knows of the conversation it runs in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from realtime_agent.errors import ToolError


def _say_nothing(text: str) -> None:
    """Announce where nobody listens: a tool called by hand, in a test."""


def _hold_nothing(work: Coroutine[Any, Any, None]) -> None:
    work.close()
    raise ToolError("This tool needs a running session.", code="tool_unavailable")


@dataclass(frozen=True, slots=True)
class ToolContext:
    """A parameter annotated with `ToolContext` gets one; the model never sees that parameter.

    Attributes:
        call_id: the id of this call, the same in `ToolStarted` and `ToolFinished`.
        tool_name: the name under which the model called.
        session: the session that runs the tool; None in a worker process and where a tool is called by hand.
    """

    call_id: str = ""
    tool_name: str = ""
    session: Any = None
    _announce: Callable[[str], None] = field(default=_say_nothing, repr=False)
    _hold: Callable[[Coroutine[Any, Any, None]], None] = field(default=_hold_nothing, repr=False)

    def announce(self, text: str) -> None:
        """Have the agent say something by itself, as soon as nobody speaks. May be called from any thread.

        It works for as long as the session lives, also after the tool has returned. In an isolated tool it works
        until the tool returns.
        """
        self._announce(text)

    def go_on(self, work: Coroutine[Any, Any, None]) -> None:
        """Go on with something after the tool has returned, such as waiting for a timer. May be called from any thread.

        The session holds the work, logs its failure and cancels it when it closes.

        Raises:
            ToolError: there is no session to hold it, or it holds too much already (from the loop's own thread only).
        """
        self._hold(work)
