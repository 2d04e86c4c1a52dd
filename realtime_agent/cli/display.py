"""How a conversation looks in a terminal.

What is settled is printed for good and scrolls away; what still grows (both transcripts, running tools, the levels) is
redrawn below it. Where the output is no terminal, only settled lines are printed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from realtime_agent.events import ErrorRaised, SessionEvent
from realtime_agent.recording.log import ConversationLog, LoggedCall, LoggedTurn

Levels = Callable[[], tuple[float, float]]
Prompt = Callable[[], str | None]

_REDRAWS_HZ = 12
_METER_CELLS = 24
_FLOOR_DBFS = -60.0
_NAME_CELLS = 7


class Display:
    """Shows the events of one session. A context manager; give it every event.

    Args:
        log: the session's log, which has each event before `show`.
        levels: how loud both sides are just now; without it the conversation is a written one.
        prompt: what the person types just now, to be drawn below all else.
        redraws: False where the terminal itself echoes what the person types: it would be overwritten.
        hint: what the person can do.
    """

    def __init__(
        self,
        console: Console,
        log: ConversationLog,
        *,
        levels: Levels | None = None,
        prompt: Prompt | None = None,
        redraws: bool = True,
        hint: str = "",
    ) -> None:
        self._console = console
        self._log = log
        self._levels = levels
        self._level: tuple[float, float] = (_FLOOR_DBFS, _FLOOR_DBFS)
        self._timer: asyncio.TimerHandle | None = None
        self._prompt = prompt
        self._hint = hint
        self._printed = 0
        self._live = (
            Live(get_renderable=self._unsettled, console=console, refresh_per_second=_REDRAWS_HZ, transient=True)
            if console.is_terminal and redraws
            else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self._measure()
        elif self._console.is_terminal:
            self._console.print(self._hint, style="dim")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._print_settled(everything=True)
        if self._timer is not None:
            self._timer.cancel()
        if self._live is not None:
            self._live.stop()

    def show(self, event: SessionEvent) -> None:
        """One event happened; the log has it already."""
        if isinstance(event, ErrorRaised):
            self._console.print(_row("error", Text(event.error.message, style="red"), "red"))
        self._print_settled()

    def _measure(self) -> None:
        """On the event loop, for the session is no thread's but its own; what redraws is a thread of rich."""
        if self._levels is not None:
            self._level = self._levels()
            self._timer = asyncio.get_running_loop().call_later(1 / _REDRAWS_HZ, self._measure)

    def _print_settled(self, *, everything: bool = False) -> None:
        entries = self._log.entries
        while self._printed < len(entries):
            entry = entries[self._printed]
            # A turn nobody writes down settles when the talk has gone on.
            overtaken = any(isinstance(one, LoggedTurn) and one.settled for one in entries[self._printed + 1 :])
            if not (entry.settled or everything or overtaken):
                return
            self._printed += 1
            if isinstance(entry, LoggedCall) or entry.text or entry.start_s is not None:
                self._console.print(_entry(entry))

    def _unsettled(self) -> RenderableType:
        rows: list[RenderableType] = [_entry(entry) for entry in self._log.entries[self._printed :]]
        if self._levels is not None:
            user, agent = self._level
            meters = Table.grid(padding=(0, 3))
            for wraps in (False, False, True):  # the hint
                meters.add_column(no_wrap=not wraps)
            meters.add_row(
                _meter("you", user, "cyan"), _meter("agent", agent, "dark_orange3"), Text(self._hint, style="dim")
            )
            rows.append(Padding(meters, (1, 0, 0, 0)))
        elif self._hint:
            rows.append(Text(self._hint, style="dim"))
        prompt = self._prompt() if self._prompt is not None else None
        if prompt is not None or (self._prompt is not None and self._levels is None):
            rows.append(Text.assemble(("› ", "bold cyan"), prompt or "", ("▌", "cyan")))
        return Group(*rows)


def _entry(entry: LoggedTurn | LoggedCall) -> RenderableType:
    if isinstance(entry, LoggedCall):
        return _call(entry)
    if entry.speaker == "user":
        return _row("you", Text(entry.text or "…"), "cyan")
    text = Text()
    if entry.heard_text is not None and entry.text.startswith(entry.heard_text):
        text.append(entry.heard_text)
        text.append(entry.text[len(entry.heard_text) :], style="dim strike")
        text.append(f"  interrupted after {(entry.heard_ms or 0) / 1000:.1f} s", style="red")
    else:
        text.append(entry.text or "…")
    if entry.latency_s is not None:
        text.append(f"  {entry.latency_s * 1000:.0f} ms", style="green")
    return _row("agent", text, "dark_orange3")


def _call(call: LoggedCall) -> RenderableType:
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}" for name, value in call.arguments.items()
    )
    text = Text(f"{call.name}({arguments})")
    if call.settled:
        text.append(f" → {_short(call.output or '')}", style="red" if call.error else "")
        text.append(f"  {((call.end_s or call.start_s) - call.start_s) * 1000:.0f} ms", style="green")
    else:
        text.append(" …")
    return _row("tool", text, "medium_purple3")


def _row(name: str, text: Text, colour: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_NAME_CELLS, justify="right", style=f"bold {colour}")
    grid.add_column(overflow="fold")
    grid.add_row(name, text)
    return grid


def _meter(name: str, level_dbfs: float, colour: str) -> Text:
    filled = round(_METER_CELLS * max(0.0, min(1.0, 1 - level_dbfs / _FLOOR_DBFS)))
    return Text.assemble(
        (f"{name:>{_NAME_CELLS}} ", "dim"), ("━" * filled, colour), ("━" * (_METER_CELLS - filled), "bright_black")
    )


def _short(text: str, most: int = 200) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
