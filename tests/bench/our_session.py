"""Our `Session` as a client of the benchmarks, with all that it does by default.

That is: speech detection, ducking, the account of what was heard, tools with their policies, and the guards of the
connection; over the WebSocket, with a person made of memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realtime_agent import Agent, Session
from realtime_agent.tools import tool
from realtime_agent.transports.model.websocket import WebSocketModel
from realtime_agent.transports.user.memory import MemoryUser
from tests.bench.bare_loops import Frames, Pacer
from tests.bench.bare_loops import lookup as find


@tool
async def lookup(number: int) -> str:
    """Look a number up."""
    return find(number)


@tool(name="lookup")
def lookup_in_a_thread(number: int) -> str:
    """Look a number up."""
    return find(number)


class CountingUser(MemoryUser):
    """Counts what is played."""

    deltas = 0

    def play(self, audio: bytes) -> None:
        self.deltas += 1
        super().play(audio)


class OurSession:
    """One session of ours."""

    tool = lookup

    def __init__(self) -> None:
        self._user = CountingUser(keep_s=0)

    @property
    def deltas(self) -> int:
        return self._user.deltas

    async def open(self, url: str, microphone: bytes, on_frame: Callable[[], None]) -> None:
        frames, push = Frames(microphone), self._user.push

        def speak() -> None:
            push(frames.take())
            on_frame()

        self._pacer = Pacer(speak)
        self._session = Session(Agent("Be brief.", tools=[self.tool]), model=WebSocketModel(url), user=self._user)
        await self._session.__aenter__()
        self._reader = asyncio.create_task(self._read())

    def start(self, first_at: float) -> None:
        self._pacer.start(first_at)

    async def close(self) -> None:
        self._pacer.stop()
        await self._session.close()
        await self._reader

    async def _read(self) -> None:
        async for _ in self._session:
            pass


class OurSessionWithThreads(OurSession):
    """The same with a tool that is no coroutine, and so runs in a thread."""

    tool = lookup_in_a_thread
