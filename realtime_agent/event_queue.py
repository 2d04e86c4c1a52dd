"""The events that wait for the reader of a session: bounded, and nothing ever waits for the reader."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from realtime_agent.events import AgentTranscript, AnyEvent, Closed, UserTranscript

EventT = TypeVar("EventT", bound=AnyEvent)


class EventQueue(Generic[EventT]):
    """Holds at most `size` events.

    Overflow rule: when it is half full, a partial transcript takes the place of the one just before it, whose text it
    carries in whole; when it is full, the oldest event goes. `dropped` counts both. `Closed` comes last, so it is
    always kept; it ends the queue.
    """

    def __init__(self, size: int) -> None:
        self._waiting: deque[EventT] = deque()
        self._size = size
        self._news = asyncio.Event()
        self._over = False
        self.dropped = 0

    def put(self, event: EventT) -> None:
        """Add one event; after `Closed` nothing is taken any more."""
        if self._over:
            return
        self._over = isinstance(event, Closed)
        waiting = self._waiting
        if 2 * len(waiting) >= self._size and _continues(event, waiting[-1] if waiting else None):
            waiting.pop()
            self.dropped += 1
        elif len(waiting) >= self._size:
            waiting.popleft()
            self.dropped += 1
        waiting.append(event)
        self._news.set()

    async def get(self) -> EventT:
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


def _continues(event: AnyEvent, last: AnyEvent | None) -> bool:
    """Whether the event is the same transcript, grown."""
    if not isinstance(event, (UserTranscript, AgentTranscript)) or type(last) is not type(event):
        return False
    assert isinstance(last, (UserTranscript, AgentTranscript))
    return last.item_id == event.item_id and not last.final
