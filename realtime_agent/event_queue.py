"""The events that wait for the reader of a session: bounded, and nothing ever waits for the reader."""

from __future__ import annotations

import asyncio
from collections import deque

from realtime_agent.events import AgentTranscript, Closed, SessionEvent, UserTranscript


class EventQueue:
    """Holds at most `size` events.

    Overflow rule: the oldest partial transcript goes (a later one carries the whole text), else the oldest event;
    `dropped` counts them. `Closed` comes last, so it is always kept; it ends the queue.
    """

    def __init__(self, size: int) -> None:
        self._waiting: deque[SessionEvent] = deque()
        self._size = size
        self._news = asyncio.Event()
        self._over = False
        self.dropped = 0

    def put(self, event: SessionEvent) -> None:
        """Add one event; after `Closed` nothing is taken any more."""
        if self._over:
            return
        self._over = isinstance(event, Closed)
        if len(self._waiting) >= self._size:
            self._make_room()
        self._waiting.append(event)
        self._news.set()

    def _make_room(self) -> None:
        for index, waiting in enumerate(self._waiting):
            if isinstance(waiting, (UserTranscript, AgentTranscript)) and not waiting.final:
                del self._waiting[index]
                break
        else:
            self._waiting.popleft()
        self.dropped += 1

    async def get(self) -> SessionEvent:
        """The next event.

        Raises:
            StopAsyncIteration: after `Closed` has been taken.
        """
        while not self._waiting:
            if self._over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()
