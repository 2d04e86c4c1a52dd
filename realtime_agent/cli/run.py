"""Runs a command's coroutine: on uvloop where it is installed, and ended cleanly by Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from realtime_agent.cli.exit_codes import TERMINATED


def run(main: Coroutine[Any, Any, int]) -> int:
    """The command's exit code."""
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    try:
        import uvloop

        new_loop = uvloop.new_event_loop
    except ImportError:
        pass
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_until_terminated(main))


async def _until_terminated(main: Coroutine[Any, Any, int]) -> int:
    """SIGTERM cancels the command, so that it leaves devices, files and the terminal as it found them."""
    task = asyncio.current_task()
    assert task is not None
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        task.cancel()

    try:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    except NotImplementedError:  # Windows has no SIGTERM to speak of
        pass
    try:
        return await main
    except asyncio.CancelledError:
        if terminated:
            return TERMINATED
        raise
