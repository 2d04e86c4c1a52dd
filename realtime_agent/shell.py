"""The asyncio shell around a pure core: it dials and opens, feeds what happens, performs what is decided, and hangs up.

    new ──`async with`──▶ opening ──configured, devices open──▶ open ──`close`, hang-up, fault──▶ closing ──▶ closed

It decides nothing. Everything that comes in goes to the core together with the time; the actions that the core gives
back are performed in order, and what comes in meanwhile waits for its turn in the core. A bug of ours in any callback
ends this one session, with an error, and not the program.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, Self, cast

from realtime_agent.core import actions, inputs
from realtime_agent.errors import (
    ConnectFailed,
    DeviceError,
    LocalProtocolError,
    RealtimeAgentError,
    RemoteProtocolError,
    TransportError,
)
from realtime_agent.event_queue import EventQueue, EventT
from realtime_agent.events import Closed, ErrorRaised
from realtime_agent.hanging_up import hang_up
from realtime_agent.protocol import encode
from realtime_agent.transports.model.base import Model, ModelConnection
from realtime_agent.transports.user.base import UserTransport

logger = logging.getLogger("realtime_agent")


class Core(Protocol):
    """What a shell is around; see `realtime_agent.core.session`."""

    @property
    def ready(self) -> bool: ...
    @property
    def time_s(self) -> float: ...
    def receive(self, event: Any, now: float, /) -> None: ...
    def actions(self) -> list[actions.Action]: ...
    def next_timer(self) -> float | None: ...
    def handle_timer(self, now: float, /) -> None: ...


class Shell(Generic[EventT]):
    """What every kind of session has in common: opening, closing, iterating, and the way to and from its core."""

    def __init__(
        self,
        core: Core,
        decode: Callable[[bytes], Any],
        model: Model,
        user: UserTransport | None,
        *,
        event_queue: int,
    ) -> None:
        """`decode` reads a message of the server; `event_queue` is how many events may wait for a slow reader."""
        self._decode = decode
        self._model = model
        self._user = user
        self._events: EventQueue[EventT] = EventQueue(event_queue)
        self._performers: dict[type[actions.Action], Callable[[Any], None]] = {
            actions.Send: self._send,
            actions.Play: self._play,
            actions.Emit: self._emit,
            actions.Close: self._end,
        }
        self._core = core
        self._state: Literal["new", "opening", "open", "closing", "closed"] = "new"
        self._connection: ModelConnection | None = None
        self._ready: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._performing = False
        self._closing: asyncio.Task[None] | None = None
        self._fault: RealtimeAgentError | None = None  # why it closes, if it is not an ordinary end

    @property
    def dropped_events(self) -> int:
        """How many events were dropped because nobody read them in time."""
        return self._events.dropped

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        return await self._events.get()

    # ---- what a kind of session adds

    def _hear(self, audio: bytes) -> None:
        """One microphone frame."""
        raise NotImplementedError

    def _person_left(self, error: DeviceError | None) -> None:
        """The person will say nothing more, or the device is lost."""
        raise NotImplementedError

    async def _prepare(self) -> None:
        """The model is ready: what must be there before the devices open."""

    async def _let_go(self) -> None:
        """The person's side is closed, the connection not yet: what else must be released. Bounded by the caller."""

    def _stepped(self) -> None:
        """The core has done something."""

    # ---- opening and closing

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise LocalProtocolError("A session is entered once. Make a new one for a new conversation.")
        self._state = "opening"
        self._loop = asyncio.get_running_loop()
        self._ready = self._loop.create_future()
        try:
            self._connection = await self._model.connect(_ModelSide(self))
            self._feed(inputs.Connected())
            await self._ready
            self._check_not_lost()
            await self._prepare()
            self._check_not_lost()
            if self._user is not None:
                await self._user.open(_UserSide(self))
                if self._closing is not None:
                    await self._user.close()  # it may not have been there yet when the session closed it
            self._check_not_lost()
            self._feed(inputs.Opened())
        except BaseException as error:
            await self.close()
            if isinstance(error, DeviceError) and self._fault is not None:
                raise self._fault from error  # the device was closed under its opening, and this is why
            raise
        if self._state == "opening":
            self._state = "open"
        return self

    def _check_not_lost(self) -> None:
        if self._closing is not None:
            raise self._fault or ConnectFailed("The session was closed while it opened.")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up and release everything. Idempotent, and bounded in time."""
        if self._closing is None:
            self._feed(inputs.Hangup("closed"))
        if self._closing is None:  # the core was over already, or never began
            self._close("closed", None)
        assert self._closing is not None
        await asyncio.shield(self._closing)

    def _close(self, reason: str, error: RealtimeAgentError | None) -> None:
        if self._closing is None:
            self._fault = error
            self._closing = asyncio.get_running_loop().create_task(self._shut_down(reason, error))

    async def _shut_down(self, reason: str, error: RealtimeAgentError | None) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error or ConnectFailed("The session was closed before it was configured."))
            self._ready.exception()  # taken: whoever opens raises it, and nobody else needs to
        self._state = "closing"
        if self._timer is not None:
            self._timer.cancel()
        failure = await hang_up(self._user, self._connection, self._let_go)
        self._state = "closed"
        self._events.put(cast(EventT, Closed(reason, error or failure, self._core.time_s)))
        self._stepped()

    # ---- to the core

    def _tell(self, event: inputs.Input) -> None:
        """The session's owner wants something."""
        if self._state not in ("opening", "open"):
            raise LocalProtocolError(f"The session is {self._state}: enter it with `async with` first, and once.")
        self._feed(event)

    def _message(self, message: bytes) -> None:
        """One message of the server came in."""
        self._receive(message)

    def _lost(self, error: TransportError | None) -> None:
        """The connection is over."""
        self._feed(inputs.Disconnected(error))

    def _receive(self, message: bytes) -> None:
        try:
            event = self._decode(message)
        except RemoteProtocolError as error:
            self._feed(inputs.MessageRejected(error))
        else:
            self._feed(event)

    def _feed(self, event: Any) -> None:
        """One thing happened: let the core decide, and do what it wants."""
        if self._closing is not None:
            return
        try:
            self._core.receive(event, self._loop.time())
            self._perform()
        except Exception as error:  # noqa: BLE001 - the supervisor: a bug of ours ends this session, not the program
            self._fail(error)

    def _on_timer(self) -> None:
        self._timer = None
        try:
            self._core.handle_timer(self._loop.time())
            self._perform()
        except Exception as error:  # noqa: BLE001 - the supervisor, as in `_feed`
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        logger.error("The session failed, and closes. This is a bug in realtime-agent.", exc_info=error)
        self._close("internal error", RealtimeAgentError(f"Internal error: {type(error).__name__}.", code="internal"))

    # ---- from the core

    def _perform(self) -> None:
        if self._performing:
            return  # whoever performs goes on with what this added, in order
        self._performing = True
        try:
            while batch := self._core.actions():
                for action in batch:
                    self._performers[type(action)](action)
        finally:
            self._performing = False
        self._set_timer()
        if self._state == "opening" and self._core.ready and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        self._stepped()

    def _set_timer(self) -> None:
        due = self._core.next_timer()
        if due is None or self._closing is not None:
            return
        if self._timer is not None:
            if self._timer_due <= due:  # it fires early at worst, and is set anew then
                return
            self._timer.cancel()
        self._timer, self._timer_due = self._loop.call_at(due, self._on_timer), due

    def _send(self, action: actions.Send) -> None:
        if self._connection is None:
            return
        try:
            self._connection.send(encode(action.event))
        except LocalProtocolError as error:  # one message that is too large for the way: a picture, mostly
            self._events.put(cast(EventT, ErrorRaised(error, self._core.time_s)))

    def _play(self, action: actions.Play) -> None:
        if self._user is not None:
            self._user.play(action.audio)

    def _emit(self, action: actions.Emit) -> None:
        self._events.put(cast(EventT, action.event))  # a core emits the events of its kind

    def _end(self, action: actions.Close) -> None:
        self._close(action.reason, action.error)


class _ModelSide:
    """What the connection to the model tells the session."""

    __slots__ = ("_session",)

    def __init__(self, session: Shell[Any]) -> None:
        self._session = session

    def on_message(self, message: bytes) -> None:
        self._session._message(message)

    def on_closed(self, error: TransportError | None) -> None:
        self._session._lost(error)


class _UserSide:
    """What the way to the person tells the session."""

    __slots__ = ("_session",)

    def __init__(self, session: Shell[Any]) -> None:
        self._session = session

    def on_audio(self, audio: bytes) -> None:
        try:
            self._session._hear(audio)
        except Exception as error:  # noqa: BLE001 - the supervisor: it must not stop the microphone's clock
            self._session._fail(error)

    def on_playback(self, position: int, playing: bool) -> None:
        self._session._feed(inputs.PlaybackMoved(position, playing))

    def on_ended(self, error: DeviceError | None) -> None:
        self._session._person_left(error)
