"""Lines that the person types, as they come: for the conversation, or as the answer to a question."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TextIO

_MOST_LINES = 100


class Keyboard:
    """Reads lines in a thread of its own, which ends with the program: a blocked read cannot be stopped.

    A line answers the open question (`ask`) if there is one; else it waits for `line`, at most a hundred of them, the
    oldest going first.
    """

    def __init__(self, source: TextIO | None = None) -> None:
        self._source = source or sys.stdin
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue(_MOST_LINES)
        self._question: asyncio.Future[str] | None = None
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    async def line(self) -> str | None:
        """The next line, without its end; None at the end of the input."""
        return await self._lines.get()

    async def ask(self) -> str:
        """The answer to a question that was just printed."""
        self._question = self._loop.create_future()
        try:
            return await self._question
        finally:
            self._question = None

    def _read(self) -> None:
        try:
            for line in self._source:
                self._loop.call_soon_threadsafe(self._take, line.rstrip("\r\n"))
            self._loop.call_soon_threadsafe(self._take, None)
        except RuntimeError:  # the loop is closed: nobody reads any more
            pass

    def _take(self, line: str | None) -> None:
        if line is not None and self._question is not None and not self._question.done():
            self._question.set_result(line)
            return
        if self._lines.full():
            self._lines.get_nowait()
        self._lines.put_nowait(line)
