"""One WebSocket connection and its session: messages in, events out, and how it ends.

why it ends                              close code
the client leaves                        its own
the server shuts down                    1012, from the listener
a message too large                      1009, from the listener
the session ends by itself (translation) 1000, once all was sent
nothing from the client for `idle_s`     1001
`session_s` are over                     1001, after an `error` event `session_expired`, as OpenAI does
the client takes nothing for `stall_s`   1013
too much waits for the client            1013
the server has a bug                     1011
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from realtime_agent.engine.engine import Engine
from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import SessionUpdate, decode_client, encode
from realtime_agent.protocol.translation import TranslationSessionUpdate
from realtime_agent.server.core.errors import error_event, refusal
from realtime_agent.server.core.session_core import SessionCore
from realtime_agent.server.shell.runner import SessionRunner, random_id
from realtime_agent.server.web.backlog import Backlog, paced
from realtime_agent.server.web.binding import Binding
from realtime_agent.server.web.limits import InputMeter
from realtime_agent.server.web.serve_settings import ServeLimits

logger = logging.getLogger("realtime_agent.server")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_APPEND = "input_audio_buffer.append"
# Printable ASCII written as an escape: no encoder does that with a type's name, but somebody who hides audio may.
_HIDDEN = re.compile(r"\\u00[2-7]")
_LONG = 128 * 1024  # characters: two seconds of PCM, twelve of G.711
_FAREWELL_S = 1.0  # for the last events and the close frame to be taken


@dataclass(frozen=True, slots=True)
class Close:
    """How we end a connection."""

    code: int
    reason: str


class Connection:
    """A session on a WebSocket that has been accepted."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        limits: ServeLimits,
        make_session: Callable[[Engine], SessionCore],
        engine: Engine,
        bound_to: SessionUpdate | TranslationSessionUpdate | None = None,
    ) -> None:
        """
        Args:
            receive, send: ASGI's.
            bound_to: the configuration that the session begins with and whose instructions and tools cannot change.
        """
        self._receive = receive
        self._send = send
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._backlog = Backlog(pace_above_bytes=limits.pace_above_bytes, max_bytes=limits.max_unsent_bytes)
        self._meter = InputMeter(limits, self._loop.time())
        self._verdict: asyncio.Future[Close | None] = self._loop.create_future()
        view = paced(engine, self._backlog)
        session = make_session(view)
        self._binding: Binding | None = None
        if bound_to is not None:
            session.receive(bound_to, self._loop.time())
            session.actions()  # its `session.updated` goes before `session.created`, so nobody gets it
        if isinstance(bound_to, SessionUpdate):  # a translation session has nothing to be kept from its client
            self._binding = Binding(bound_to.session.model_dump(mode="json", exclude_unset=True))
        self._runner = SessionRunner(session, view, self._deliver, self._finish)
        self._finished = False  # the session is over; its last events may still wait

    async def run(self) -> Close | None:
        """Serve until it ends: how we closed it, or None where the client did. Leaves nothing running."""
        reader = self._loop.create_task(self._read(), name="realtime-agent socket reader")
        writer = self._loop.create_task(self._write(), name="realtime-agent socket writer")
        close: Close | None = Close(1012, "The server is shutting down.")
        try:
            self._runner.start()
            close = await self._judged()
        finally:
            reader.cancel()
            await self._runner.close()
            await self._say_goodbye(writer, close)
            await asyncio.wait((reader, writer))
        for task in (reader, writer):
            if not task.cancelled() and task.exception() is not None:
                logger.error("a connection's %s failed", task.get_name(), exc_info=task.exception())
        return close

    async def _judged(self) -> Close | None:
        try:
            async with asyncio.timeout(self._limits.session_s):
                return await self._verdict
        except TimeoutError:
            minutes = round(self._limits.session_s / 60)
            message = f"Your session hit the maximum duration of {minutes} minutes."
            self._refuse(refusal(message, code="session_expired"))
            return Close(1001, message)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._limits.idle_s) as idle:
                while True:
                    message = await self._receive()
                    if message["type"] != "websocket.receive":
                        self._end(None)
                        return
                    now = self._loop.time()
                    idle.reschedule(now + self._limits.idle_s)
                    wait_s = await self._take(message.get("text"), now)
                    if wait_s > 0:
                        idle.reschedule(now + self._limits.idle_s + wait_s)
                        await asyncio.sleep(wait_s)
        except TimeoutError:
            self._end(Close(1001, "Nothing came for too long."))
        except Exception:
            self._end(Close(1011, "The server failed."))
            raise

    async def _take(self, text: str | None, now: float) -> float:
        """Hand one message to the session; how long to wait before the next is read."""
        if text is None:
            self._refuse(RemoteProtocolError("Events are JSON in text frames; this frame was binary."))
            return self._meter.charge(0, audio=False, now=now) or 0.0
        is_audio = _APPEND in text or (len(text) > _LONG and _HIDDEN.search(text) is not None)
        wait_s = self._meter.charge(len(text), audio=is_audio, now=now)
        if wait_s is None:
            message = f"More audio than {self._limits.audio_rate:g} times real time; this append was not taken."
            self._refuse(RemoteProtocolError(message, code="rate_limit_exceeded"))
            return 0.0
        if self._binding is not None and self._forbids(self._binding, text):
            return wait_s
        self._runner.receive(text)
        await self._runner.caught_up()
        return wait_s

    def _forbids(self, binding: Binding, text: str) -> bool:
        try:
            event = decode_client(text)
        except RemoteProtocolError:
            return False  # the session will say what is wrong
        refused = binding.check(event)
        if refused is not None:
            self._refuse(refused, event.event_id)
        return refused is not None

    def _refuse(self, error: RemoteProtocolError, client_event_id: str | None = None) -> None:
        self._deliver(encode(error_event(error, event_id=random_id("event"), client_event_id=client_event_id)))

    def _deliver(self, message: bytes) -> None:
        if not self._backlog.put(message):
            self._end(Close(1013, "Too much waits to be read."))

    async def _write(self) -> None:
        try:
            while True:
                message = await self._backlog.next()
                async with asyncio.timeout(self._limits.stall_s):
                    await self._send({"type": "websocket.send", "text": message.decode()})
                self._backlog.sent(message)
                if self._finished and not self._backlog.size_bytes:
                    self._end(Close(1000, "The session is closed."))
        except TimeoutError:
            self._end(Close(1013, "You do not read what you are sent."))
        except OSError:  # the client is gone, as ASGI servers say
            self._end(None)
        except Exception:
            self._end(Close(1011, "The server failed."))
            raise

    def _finish(self) -> None:
        """The session is over: its last event was just given to be sent."""
        self._finished = True

    def _end(self, close: Close | None) -> None:
        if not self._verdict.done():
            self._verdict.set_result(close)

    async def _say_goodbye(self, writer: asyncio.Task[None], close: Close | None) -> None:
        """Let the last events out, and close, as far as the client takes them."""
        try:
            async with asyncio.timeout(_FAREWELL_S):
                if close is not None and close.code != 1013:
                    await self._backlog.emptied()
                writer.cancel()
                if close is not None:
                    await self._send({"type": "websocket.close", "code": close.code, "reason": close.reason})
        except (TimeoutError, OSError, RuntimeError):  # it takes nothing, is gone, or was closed by the listener
            pass
        finally:
            writer.cancel()
