"""What a tool does beyond its answer: things it wants said, work that goes on; and how tasks are made to end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from realtime_agent.errors import ToolError

logger = logging.getLogger("realtime_agent.tools")

MAX_HELD = 256
_CANCEL_S = 1.0
_CLOSE_S = 0.2


class Background:
    """The other end of `ToolContext`: `announce`, and `go_on` with at most `MAX_HELD` things at a time."""

    def __init__(self, say: Callable[[str], None] | None) -> None:
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def announce(self, text: str) -> None:
        """Pass on what a tool wants said. From any thread; nothing after the close."""
        try:
            self._loop.call_soon_threadsafe(self._announce, text)
        except RuntimeError:
            pass  # the loop is closed

    def _announce(self, text: str) -> None:
        if self._say is None or self._closed:
            return
        try:
            self._say(text)
        except Exception:  # the owner's callback: it may be closing just now
            logger.exception("An announcement of a tool could not be made")

    def hold(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it ends or the session closes. From any thread.

        Raises:
            ToolError: it holds too much already (on the loop; from another thread that is logged).
        """
        try:
            on_loop = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            on_loop = False
        if on_loop:
            self._hold(work)
            return
        try:
            self._loop.call_soon_threadsafe(self._hold_or_log, work)
        except RuntimeError:  # the loop is closed
            work.close()

    def _hold_or_log(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._hold(work)
        except ToolError as error:
            logger.error("Background work of a tool was refused: %s", error)  # noqa: TRY400 (no traceback to show)

    def _hold(self, work: Coroutine[Any, Any, None]) -> None:
        if self._closed or len(self._tasks) >= MAX_HELD:
            work.close()
            raise ToolError("Too much is going on in the background already.", code="tool_busy")
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("Background work of a tool failed", exc_info=error)

    async def close(self) -> None:
        """Cancel everything. Idempotent, bounded."""
        self._closed = True
        await end_tasks(self._tasks)


async def end_tasks(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait, a second at most. One that swallows its cancellation has its coroutine closed under it."""
    waiting = set(tasks)
    if not waiting:
        return
    for task in waiting:
        task.cancel()
    _, waiting = await asyncio.wait(waiting, timeout=_CANCEL_S)
    for task in waiting:
        coroutine = task.get_coro()
        try:
            if coroutine is not None:
                coroutine.close()  # GeneratorExit, which `except Exception` and `except CancelledError` let pass
        except (RuntimeError, ValueError):
            pass  # it swallows even that
        task.cancel()  # wakes it, to find its coroutine closed
    if waiting:
        _, waiting = await asyncio.wait(waiting, timeout=_CLOSE_S)
    if waiting:
        logger.error("%d tasks of tools refuse to end.", len(waiting))
