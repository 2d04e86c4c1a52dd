"""The live display of a conversation."""

from __future__ import annotations

import asyncio
import io
import threading

from rich.console import Console

from realtime_agent.cli.display import Display
from realtime_agent.events import AgentTranscript, TurnEnded, TurnStarted
from realtime_agent.recording import ConversationLog


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80, legacy_windows=False)


async def test_the_session_is_asked_for_its_levels_on_its_own_thread_only() -> None:
    asked: list[threading.Thread] = []
    often = asyncio.Event()

    def levels() -> tuple[float, float]:
        asked.append(threading.current_thread())
        if len(asked) == 3:
            often.set()
        return -20.0, -120.0

    with Display(terminal(), ConversationLog(), levels=levels):
        async with asyncio.timeout(20):
            await often.wait()
    assert set(asked) == {threading.main_thread()}


async def test_what_is_said_is_printed_once_when_it_is_settled() -> None:
    console, log = terminal(), ConversationLog()
    with Display(console, log, redraws=False) as display:
        for event in (
            TurnStarted("agent", "item_1", 1.0, 0.042),
            AgentTranscript("item_1", "Good morning.", "", True, 1.1),
            TurnEnded("agent", "item_1", 2.0),
        ):
            log.add(event)
            display.show(event)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert printed.count("Good morning.") == 1
    assert "42 ms" in printed
