"""What transcription and translation sessions are made of: the asyncio shell around a `StreamCore`.

It decides nothing. Microphone frames go straight to the connection; everything else that happens goes to the pure core,
and the core's actions are performed here.

    new ──`async with`──▶ opening ──configured, devices open──▶ open ──the person stops, `close`, a fault──▶ closed
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Literal, Self, cast

from realtime_agent.core import actions, inputs
from realtime_agent.core.stream import StreamCore
from realtime_agent.errors import (
    ConnectFailed,
    DeviceError,
    LocalProtocolError,
    RealtimeAgentError,
    RemoteProtocolError,
    TransportError,
)
from realtime_agent.event_queue import EventQueue, EventT
from realtime_agent.events import Closed
from realtime_agent.hanging_up import hang_up
from realtime_agent.protocol import encode
from realtime_agent.transports.model.base import Model, ModelConnection
from realtime_agent.transports.user.base import UserTransport
from realtime_agent.transports.user.simulated import SILENT_SAMPLE

logger = logging.getLogger("realtime_agent")

_EVENTS = 4096  # that may wait for a slow reader before the oldest are dropped


class StreamSession(Generic[EventT]):
    """A session that is one stream. Use `TranscriptionSession` or `TranslationSession`."""

    def __init__(
        self,
        core: StreamCore,
        decode: Callable[[bytes], Any],
        model: Model,
        user: UserTransport,
    ) -> None:
        """`decode`: reads a message of the server."""
        self.muted = False
        """While it is set, the model gets silence instead of the microphone."""
        self._core = core
        self._decode = decode
        self._model = model
        self._user = user
        self._silence = SILENT_SAMPLE[user.format.name]
        self._events: EventQueue[EventT] = EventQueue(_EVENTS)
        self._state: Literal["new", "opening", "open", "closing", "closed"] = "new"
        self._connection: ModelConnection | None = None
        self._ready: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._performing = False
        self._closing: asyncio.Task[None] | None = None

    @property
    def dropped_events(self) -> int:
        """How many events were dropped because nobody read them in time."""
        return self._events.dropped

    def finish(self) -> None:
        """No more audio: what is left comes, then `Closed`. The same as when the person leaves."""
        self._tell(inputs.MicrophoneEnded())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        return await self._events.get()

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise LocalProtocolError("A session is entered once. Make a new one.")
        self._state = "opening"
        self._loop = asyncio.get_running_loop()
        self._ready = self._loop.create_future()
        try:
            self._connection = await self._model.connect(_ModelSide(self))
            self._feed(inputs.Connected())
            await self._ready
            if self._closing is None:
                self._state = "open"
            self._feed(inputs.Opened())
            await self._user.open(_UserSide(self))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up at once and release everything. Idempotent, and bounded in time."""
        if self._closing is None:
            self._feed(inputs.Hangup("closed"))
        if self._closing is None:  # the core was over already, or never began
            self._close("closed", None)
        assert self._closing is not None
        await asyncio.shield(self._closing)

    # ---- between the transports and the core

    def _tell(self, event: inputs.Input) -> None:
        if self._state != "open":
            raise LocalProtocolError(f"The session is {self._state}: enter it with `async with` first, and once.")
        self._feed(event)

    def _hear(self, audio: bytes) -> None:
        """One microphone frame."""
        if self._connection is None or not self._core.uplink_open:
            return
        if self.muted:
            audio = self._silence * (len(audio) // len(self._silence))
        self._connection.send(encode(self._core.append(audio)))

    def _receive(self, message: bytes) -> None:
        try:
            event = self._decode(message)
        except RemoteProtocolError as error:
            self._feed(inputs.MessageRejected(error))
        else:
            self._feed(event)

    def _person_left(self, error: DeviceError | None) -> None:
        self._feed(inputs.MicrophoneEnded() if error is None else inputs.Hangup("device lost", error))

    def _feed(self, event: Any) -> None:
        """One thing happened: let the core decide, and do what it wants."""
        self._step(lambda now: self._core.receive(event, now))

    def _on_timer(self) -> None:
        self._timer = None
        self._step(self._core.handle_timer)

    def _step(self, step: Callable[[float], None]) -> None:
        if self._closing is not None:
            return
        try:
            step(asyncio.get_running_loop().time())
            self._perform()
        except Exception as error:  # the supervisor: a bug of ours ends this session, not the program
            logger.exception("The session failed, and closes. This is a bug in realtime-agent.")
            words = f"Internal error: {type(error).__name__}."
            self._close("internal error", RealtimeAgentError(words, code="internal"))

    def _perform(self) -> None:
        if self._performing:
            return  # whoever performs goes on with what this step added, in order
        self._performing = True
        try:
            while batch := self._core.actions():
                for action in batch:
                    self._do(action)
        finally:
            self._performing = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._core.next_timer()
        if due is not None and self._closing is None:
            self._timer = self._loop.call_at(due, self._on_timer)
        if self._core.ready and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def _do(self, action: actions.Action) -> None:
        match action:
            case actions.Send(event=event):
                if self._connection is not None:
                    self._connection.send(encode(event))
            case actions.Play(audio=audio):
                self._user.play(audio)
            case actions.Emit(event=event):
                self._events.put(cast(EventT, event))  # a core emits the events of its kind
            case actions.Close(reason=reason, error=error):
                self._close(reason, error)

    # ---- the end

    def _close(self, reason: str, error: RealtimeAgentError | None) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._shut_down(reason, error))

    async def _shut_down(self, reason: str, error: RealtimeAgentError | None) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error or ConnectFailed("The session was closed before it was configured."))
            self._ready.exception()  # taken: whoever opens raises it, and nobody else needs to
        self._state = "closing"
        if self._timer is not None:
            self._timer.cancel()
        failure = await hang_up(self._user, self._connection)
        self._state = "closed"
        self._events.put(cast(EventT, Closed(reason, error or failure, self._core.time_s)))


class _ModelSide:
    """What the connection to the model tells the session."""

    __slots__ = ("_session",)

    def __init__(self, session: StreamSession[Any]) -> None:
        self._session = session

    def on_message(self, message: bytes) -> None:
        self._session._receive(message)

    def on_closed(self, error: TransportError | None) -> None:
        self._session._feed(inputs.Disconnected(error))


class _UserSide:
    """What the way to the person tells the session."""

    __slots__ = ("_session",)

    def __init__(self, session: StreamSession[Any]) -> None:
        self._session = session

    def on_audio(self, audio: bytes) -> None:
        self._session._hear(audio)

    def on_playback(self, position: int, playing: bool) -> None:
        self._session._feed(inputs.PlaybackMoved(position, playing))

    def on_ended(self, error: DeviceError | None) -> None:
        self._session._person_left(error)
