"""Timers. The agent speaks when one is over, whatever was said in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from realtime_agent.errors import ToolError
from realtime_agent.tools.context import ToolContext
from realtime_agent.tools.tool import tool

Unit = Literal["seconds", "minutes", "hours"]

MAX_TIMERS = 32
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
_LONGEST_S = 7 * 24 * 3600


@dataclass(slots=True, eq=False)
class _Timer:
    name: str
    length_s: float
    ends_s: float  # on the loop's clock
    cancelled: asyncio.Event


class Timers:
    """The timers of one agent. They live as long as the session that set them."""

    def __init__(self) -> None:
        self._timers: list[_Timer] = []

    @tool
    async def set_timer(
        self, amount: Annotated[float, Field(gt=0)], context: ToolContext, unit: Unit = "minutes", name: str = ""
    ) -> str:
        """Set a timer, an alarm that rings after some seconds, minutes or hours.

        Args:
            amount: for how many seconds, minutes or hours.
            unit: seconds, minutes or hours.
            name: what the timer is for, such as tea.
        """
        length_s = amount * _SECONDS[unit]
        if length_s > _LONGEST_S:
            raise ToolError("A timer runs for a week at most.", code="too_long")
        if len(self._timers) >= MAX_TIMERS:
            raise ToolError("There are too many timers already. Cancel one first.", code="too_many")
        now_s = asyncio.get_running_loop().time()
        timer = _Timer(name.strip(), length_s, now_s + length_s, asyncio.Event())
        context.go_on(self._ring(timer, context))
        self._timers.append(timer)
        return f"The timer{_named(timer)} is set for {spoken(length_s)}."

    @tool
    async def list_timers(self) -> str:
        """List the timers that are running and tell how much time is left on each."""
        now_s = asyncio.get_running_loop().time()
        if not self._timers:
            return "No timer is running."
        left = [
            f"the timer{_named(timer)} of {spoken(timer.length_s)} has {spoken(max(1, timer.ends_s - now_s))} left"
            for timer in sorted(self._timers, key=lambda timer: timer.ends_s)
        ]
        return "; ".join(left).replace("the", "The", 1) + "."

    @tool
    async def cancel_timer(self, name: str = "") -> str:
        """Cancel a running timer, stop it.

        Args:
            name: the name of the timer; without a name all timers are cancelled.
        """
        wanted = name.strip().lower()
        found = [timer for timer in self._timers if not wanted or timer.name.lower() == wanted]
        if not found:
            return f"No timer is called {name.strip()}." if wanted else "No timer is running."
        for timer in found:
            timer.cancelled.set()
            self._timers.remove(timer)
        return (
            f"The timer{_named(found[0])} is cancelled." if len(found) == 1 else f"{len(found)} timers are cancelled."
        )

    async def _ring(self, timer: _Timer, context: ToolContext) -> None:
        try:
            async with asyncio.timeout_at(timer.ends_s):
                await timer.cancelled.wait()
            return
        except TimeoutError:
            context.announce(f"Your timer{_named(timer) or f' of {spoken(timer.length_s)}'} is over.")
        finally:
            if timer in self._timers:
                self._timers.remove(timer)


def _named(timer: _Timer) -> str:
    return f" for {timer.name}" if timer.name else ""


def spoken(seconds: float) -> str:
    """A length of time as one says it: "2 minutes and 30 seconds"; seconds are left out beside hours."""
    whole = round(seconds)
    if seconds < 1:
        return "less than a second"
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = [(hours, "hour"), (minutes, "minute"), (0 if hours else rest, "second")]
    return " and ".join(f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count)
