"""What waits to be sent to one client: bounded, and felt by the engine before it is full.

Nothing is dropped, because a client counts the samples it got to say where it stopped listening. Instead a response
makes no more speech while more than `pace_above_bytes` wait; of what still comes on top (one clause, and events) no
more than `max_bytes` and one message are kept, and the client is given up.
"""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import AsyncIterator, Sequence

from realtime_agent.engine.engine import Engine
from realtime_agent.engine.parts import SpokenClause, TextToSpeech
from realtime_agent.engine.sharing import voice_for_response

# A voice that waits longer than this goes on: the engine's own deadlines are not for slow clients.
_LONGEST_PAUSE_S = 10.0


class Backlog:
    """Messages on their way out. One writer takes them in turn."""

    def __init__(self, *, pace_above_bytes: int, max_bytes: int) -> None:
        self._pace_above_bytes = pace_above_bytes
        self._max_bytes = max_bytes
        self._messages: deque[bytes] = deque()
        self._size_bytes = 0
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def size_bytes(self) -> int:
        """What waits, with what is being sent."""
        return self._size_bytes

    def put(self, message: bytes) -> bool:
        """Let a message wait, of any size; False where too much waits already, and then it is not kept."""
        if self._size_bytes > self._max_bytes:
            return False
        self._size_bytes += len(message)
        self._messages.append(message)
        self._some.set()
        self._empty.clear()
        if self._size_bytes > self._pace_above_bytes:
            self._room.clear()
        return True

    async def next(self) -> bytes:
        """The next message to send; then call `sent`."""
        while not self._messages:
            self._some.clear()
            await self._some.wait()
        return self._messages.popleft()

    def sent(self, message: bytes) -> None:
        """It is on its way."""
        self._size_bytes -= len(message)
        if self._size_bytes <= self._pace_above_bytes:
            self._room.set()
        if not self._size_bytes:
            self._empty.set()

    async def emptied(self) -> None:
        """Return when nothing waits."""
        await self._empty.wait()

    async def room(self) -> None:
        """Return when little waits, or after ten seconds."""
        if self._room.is_set():
            return
        try:
            async with asyncio.timeout(_LONGEST_PAUSE_S):
                await self._room.wait()
        except TimeoutError:
            pass


class PacedVoice:
    """A voice that draws breath while the listener does not keep up."""

    def __init__(self, voice: TextToSpeech, backlog: Backlog) -> None:
        self._voice = voice
        self._backlog = backlog

    @property
    def name(self) -> str:
        return self._voice.name

    @property
    def rate_hz(self) -> int:
        return self._voice.rate_hz

    @property
    def voices(self) -> Sequence[str]:
        return self._voice.voices

    async def start(self) -> None:
        await self._voice.start()

    def for_response(self) -> PacedVoice:
        """As a new response has it."""
        return PacedVoice(voice_for_response(self._voice), self._backlog)

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpokenClause]:
        clauses = self._voice.speak(text, voice=voice, speed=speed)
        try:
            await self._backlog.room()
            async for clause in clauses:
                yield clause
                await self._backlog.room()
        finally:
            close = getattr(clauses, "aclose", None)  # an iterator that is no generator need not have it
            if close is not None:
                await close()

    async def close(self) -> None:
        """Does nothing: the voice is the engine's."""


def paced(engine: Engine, backlog: Backlog) -> Engine:
    """The same engine, with a voice that waits for this client."""
    view = copy.copy(engine)
    view.voice = PacedVoice(engine.voice, backlog)
    return view
