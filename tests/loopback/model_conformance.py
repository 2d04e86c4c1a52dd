"""What every way to a model must do, run over each of them: `await check_model_transport(maker)`.

`maker()` is an async context manager that gives a `Model` whose other end is up: one that greets with `session.created`
and answers `session.update` with `session.updated`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from realtime_agent.errors import TransportError
from realtime_agent.transports.model.base import Model

UPDATE = b'{"type":"session.update","session":{"type":"realtime","instructions":"Be brief."}}'

PATIENCE_S = 5.0


class Recorder:
    """A `ModelReceiver` that keeps what it gets, and lets a test wait for it, never longer than `PATIENCE_S`."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.closed: list[TransportError | None] = []
        self.after_the_end = 0
        self._changed = asyncio.Event()

    def on_message(self, message: bytes) -> None:
        self.after_the_end += bool(self.closed)
        self.messages.append(message)
        self._changed.set()

    def on_closed(self, error: TransportError | None) -> None:
        self.closed.append(error)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; it may depend on this recorder only."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def event(self, type: str) -> dict[str, Any]:
        """The first event of this type, waited for."""
        await self.until(lambda: any(type in self._types(m) for m in self.messages))
        found: dict[str, Any] = next(json.loads(m) for m in self.messages if type in self._types(m))
        return found

    async def end(self) -> TransportError | None:
        """How the connection ended, waited for."""
        await self.until(lambda: bool(self.closed))
        return self.closed[0]

    @staticmethod
    def _types(message: bytes) -> tuple[str, ...]:
        event = json.loads(message)
        return (event["type"],) if isinstance(event, dict) and "type" in event else ()


async def check_model_transport(maker: Callable[[], AbstractAsyncContextManager[Model]]) -> None:
    """Run all that every transport must do."""
    async with maker() as model:
        assert model.name
        assert model.name in repr(model) or repr(model)
        await _talks(model)
        await _says_nothing_before_connect_returns(model)
        await _closes_once(model)
        await _aborts_once(model)
        await _serves_two_at_once(model)
        await _closes_with_an_answer_on_its_way(model)


async def _talks(model: Model) -> None:
    recorder = Recorder()
    connection = await model.connect(recorder)
    created = await recorder.event("session.created")
    assert created["session"]["type"] == "realtime"
    assert all(isinstance(message, bytes) for message in recorder.messages)
    connection.send(UPDATE)
    await recorder.event("session.updated")
    assert recorder.closed == []
    await connection.close()


async def _says_nothing_before_connect_returns(model: Model) -> None:
    recorder = Recorder()
    connection = await model.connect(recorder)
    assert recorder.messages == []
    await recorder.event("session.created")
    await connection.close()


async def _closes_once(model: Model) -> None:
    recorder = Recorder()
    connection = await model.connect(recorder)
    await recorder.event("session.created")
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(connection.close(), connection.close())
        await connection.close()
    connection.abort()
    connection.send(UPDATE)
    assert await recorder.end() is None
    assert recorder.closed == [None]
    assert recorder.after_the_end == 0


async def _aborts_once(model: Model) -> None:
    recorder = Recorder()
    connection = await model.connect(recorder)
    await recorder.event("session.created")
    connection.abort()
    connection.abort()
    connection.send(UPDATE)
    assert await recorder.end() is None
    await connection.close()
    assert recorder.closed == [None]
    assert recorder.after_the_end == 0


async def _serves_two_at_once(model: Model) -> None:
    first, second = Recorder(), Recorder()
    one, two = await model.connect(first), await model.connect(second)
    await first.event("session.created")
    await second.event("session.created")
    one.abort()
    assert await first.end() is None
    two.send(UPDATE)
    await second.event("session.updated")
    assert second.closed == []
    await two.close()


async def _closes_with_an_answer_on_its_way(model: Model) -> None:
    recorder = Recorder()
    connection = await model.connect(recorder)
    await recorder.event("session.created")
    connection.send(UPDATE)
    await connection.close()
    assert await recorder.end() is None
    assert recorder.closed == [None]
    assert recorder.after_the_end == 0
