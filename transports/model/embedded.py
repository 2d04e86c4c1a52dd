"""The model in this very process: the embedded engine behind the same protocol, byte for byte, without a network."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from realtime_agent.errors import ConnectFailed, EngineError, MissingExtra, PathDead, TransportError
from realtime_agent.transports.model.address import SessionKind
from realtime_agent.transports.model.base import ModelConnection, ModelReceiver

if TYPE_CHECKING:
    from realtime_agent.engine.engine import Engine
    from realtime_agent.server.core.vad_turns import MakeDetector
    from realtime_agent.server.shell.runner import SessionRunner

MAX_UNDELIVERED_BYTES = 64 * 1024 * 1024


class EmbeddedModel:
    """A way to an engine in this process. Immutable; connect as often as you like.

    An engine that you pass is yours: start it (or let `connect` do it) and close it yourself. Without one, the
    default engine is made with the first connection, shared by all, and closed with the last.
    """

    def __init__(
        self,
        engine: Engine | None = None,
        *,
        kind: SessionKind = "realtime",
        make_engine: Callable[[], Engine] | None = None,
        make_detector: MakeDetector | None = None,
    ) -> None:
        """
        Args:
            engine: the engine to use; yours to close.
            kind: the kind of session.
            make_engine: makes the engine where none is passed.
            make_detector: makes the speech detector of a session; the default cascade otherwise.
        """
        self._given = engine
        self._kind: SessionKind = kind
        self._make_engine = make_engine
        self._make_detector = make_detector
        self._own: Engine | None = None
        self._users = 0

    @property
    def name(self) -> str:
        return "embedded"

    async def connect(self, receiver: ModelReceiver) -> ModelConnection:
        """Start the engine if it is not running, and a session on it.

        Raises:
            ConnectFailed: the engine cannot be started.
            MissingExtra: the engine's parts are not installed.
        """
        try:
            from realtime_agent.server.kinds import default_makers
            from realtime_agent.server.shell.runner import SessionRunner, load_default_detector
        except (ModuleNotFoundError, MissingExtra) as missing:
            raise MissingExtra("The embedded model", "engine") from missing

        engine = self._acquire()
        try:
            await engine.start()
            if self._make_detector is None:
                await load_default_detector()
            session = default_makers(self._make_detector)[self._kind](engine, self.name)
        except EngineError as error:
            await self._release()
            raise ConnectFailed(f"The embedded engine did not start: {error.message}") from error
        except BaseException:
            await self._release()
            raise
        connection = _EmbeddedConnection(receiver, self._release)
        connection.open(SessionRunner(session, engine, connection.deliver))
        return connection

    def _acquire(self) -> Engine:
        if self._given is not None:
            return self._given
        if self._own is None:
            from realtime_agent.engine.engine import default_engine

            self._own = (self._make_engine or default_engine)()
        self._users += 1
        return self._own

    async def _release(self) -> None:
        if self._given is not None:
            return
        self._users -= 1
        if not self._users and self._own is not None:
            engine, self._own = self._own, None
            await engine.close()


class _EmbeddedConnection:
    """Two queues of encoded messages between client and session, each emptied by the event loop, in order.

    Neither side is ever called from within its own call. A side that has `MAX_UNDELIVERED_BYTES` waiting gets no
    more: the connection is aborted as `PathDead`, as a socket's would be.
    """

    def __init__(self, receiver: ModelReceiver, release: Callable[[], Awaitable[None]]) -> None:
        self._receiver = receiver
        self._release = release
        self._loop = asyncio.get_running_loop()
        self._runner: SessionRunner | None = None
        self._up: deque[bytes] = deque()
        self._down: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._scheduled = False
        self._ended = False
        self._cleanup: asyncio.Task[None] | None = None

    def open(self, runner: SessionRunner) -> None:
        self._runner = runner
        runner.start()

    def send(self, message: bytes) -> None:
        """Queue a client event."""
        self._queue(self._up, message)

    def deliver(self, message: bytes) -> None:
        """Queue a server event."""
        self._queue(self._down, message)

    async def close(self) -> None:
        """End the session and release the engine. Idempotent."""
        await asyncio.shield(self._end(None))

    def abort(self) -> None:
        """End the session at once."""
        self._end(None)

    def _queue(self, queue: deque[bytes], message: bytes) -> None:
        if self._ended:
            return
        self._waiting_bytes += len(message)
        if self._waiting_bytes > MAX_UNDELIVERED_BYTES:
            self._end(PathDead("The embedded session's queue is full."))
            return
        queue.append(message)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Deliver what waits now; what that causes waits for the next round of the loop."""
        self._scheduled = False
        up, self._up = self._up, deque()
        down, self._down = self._down, deque()
        for message in up:
            if self._ended or self._runner is None:
                return
            self._waiting_bytes -= len(message)
            self._runner.receive(message)
        for message in down:
            if self._ended:
                return
            self._waiting_bytes -= len(message)
            self._receiver.on_message(message)

    def _end(self, error: TransportError | None) -> asyncio.Task[None]:
        if self._cleanup is None:
            self._ended = True
            self._up.clear()
            self._down.clear()
            self._loop.call_soon(self._receiver.on_closed, error)
            self._cleanup = self._loop.create_task(self._clean_up(), name="realtime-agent embedded close")
        return self._cleanup

    async def _clean_up(self) -> None:
        if self._runner is not None:
            await self._runner.close()
        await self._release()
