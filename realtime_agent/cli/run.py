"""Runs a command's coroutine: on uvloop where it is installed, and ended cleanly by Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


def run(main: Coroutine[Any, Any, int]) -> int:
    """The command's exit code."""
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    try:
        import uvloop

        new_loop = uvloop.new_event_loop
    except ImportError:
        pass
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)
