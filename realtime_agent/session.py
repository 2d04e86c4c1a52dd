"""Session: the asyncio manager that joins a person to a model.

It decides nothing. Everything that comes in (server events, microphone frames, playback positions, tool results, your
calls) goes to the pure core in `realtime_agent.core` together with the time, and the actions that the core gives back
are performed here: send, play, duck, flush, start a tool, tell you.

The audio path is one hop each way and has no coroutine a frame: microphone callback to socket, socket callback to
speaker.

    new ──`async with`──▶ opening ──configured, devices open──▶ open ──`close`, hang-up, fault──▶ closing ──▶ closed
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Literal, Self, cast

from realtime_agent.agent import Agent
from realtime_agent.config import Settings, core_config, session_config
from realtime_agent.core import actions, inputs
from realtime_agent.core.conversation import HistoryItem
from realtime_agent.core.session import SessionCore
from realtime_agent.core.usage import Usage
from realtime_agent.dial import model_from, user_from
from realtime_agent.errors import (
    ConnectFailed,
    DeviceError,
    LocalProtocolError,
    RealtimeAgentError,
    RemoteProtocolError,
    TransportError,
)
from realtime_agent.event_queue import EventQueue
from realtime_agent.events import Closed, ErrorRaised, SessionEvent
from realtime_agent.hanging_up import hang_up
from realtime_agent.listening import Listener, Meter
from realtime_agent.protocol import InputAudioBufferAppend, SessionConfig, decode_server, encode
from realtime_agent.protocol.formats import PCM
from realtime_agent.tools import Approve, Tool, ToolOutcome, ToolRegistry, ToolRunner, tool
from realtime_agent.transports.model.base import Model, ModelConnection
from realtime_agent.transports.user.base import UserTransport
from realtime_agent.transports.user.simulated import SILENT_SAMPLE

logger = logging.getLogger("realtime_agent")

_PREROLL_FRAMES = 15  # 300 ms: what was heard just before a turn of local detection belongs to it
_LINGER_S = 2.0  # after the person left: so long must all be quiet before the session closes


class Session:
    """One conversation of one person with one model.

        async with Session(Agent("Be brief."), model="embedded", user="desktop") as session:
            async for event in session:
                print(event)

    Entering it connects, configures the model and starts microphone and speaker; leaving it hangs up. Iterating gives
    the events of `realtime_agent.events` until `Closed`. Who does not iterate loses only events: they wait in a bounded
    queue, and nothing waits for them.

    Args:
        agent: who answers.
        model: "embedded", the address of a Realtime server, the name of a model at OpenAI, or a `Model`.
        user: "desktop", a `UserTransport`, or None for a conversation in writing.
        settings: whose turn it is, and what goes over the wire.
        approve: asked before a tool that needs approval runs; without it such tools are refused.

    Raises (on entering):
        ConfigError: a setting or a name cannot be, or an extra is not installed.
        TransportError: the model cannot be reached (`ConnectFailed`) or refuses the key (`AuthRejected`).
        DeviceError: the microphone, speaker or sound file cannot be used.
    """

    def __init__(
        self,
        agent: Agent,
        *,
        model: str | Model = "embedded",
        user: str | UserTransport | None = "desktop",
        settings: Settings | None = None,
        approve: Approve | None = None,
    ) -> None:
        self.agent = agent
        self.settings = settings or Settings()
        self.muted = False
        """While it is set, the model gets silence instead of the microphone."""
        self._model = model_from(model)
        self._user = user_from(user)
        self._format = self._user.format if self._user else PCM
        self._listener = Listener(self._format) if self._user and self.settings.detects_locally else None
        self._meter = Meter(self._format, lambda: self._user.played if self._user else 0)
        self._silence = SILENT_SAMPLE[self._format.name]
        self._events: EventQueue[SessionEvent] = EventQueue(self.settings.event_queue)
        registry = self._registry(agent)
        self._runner = ToolRunner(registry, approve=approve, context=self, announce=self.say)
        wire = self._wire_config(agent, registry)
        self._core = SessionCore(core_config(wire, self.settings, self._format, registry))
        self._state: Literal["new", "opening", "open", "closing", "closed"] = "new"
        self._connection: ModelConnection | None = None
        self._ready: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._performing = False
        self._held_messages: deque[bytes] | None = None
        self._preroll: deque[bytes] = deque(maxlen=_PREROLL_FRAMES)
        self._idle_waiters: list[asyncio.Future[None]] = []
        self._leaving: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._fault: RealtimeAgentError | None = None  # why it closes, if it is not an ordinary end

    # ---- the conversation, for its owner

    def say(self, text: str) -> None:
        """Have the agent say this, word for word, as soon as it speaks no more."""
        self._tell(inputs.Say(text))

    def send_text(self, text: str) -> None:
        """Write to the agent, as the user; it answers."""
        self._tell(inputs.SendText(text))

    def send_image(self, url: str, text: str | None = None) -> None:
        """Show the agent a picture, as the user; it answers. `url` is a data URI of a PNG or JPEG."""
        self._tell(inputs.SendImage(url, text))

    def interrupt(self) -> None:
        """Stop the agent, as if the user had cut in."""
        self._tell(inputs.Interrupt())

    def commit(self) -> None:
        """End the user's turn (`turns="manual"`): what was heard since the last one is answered."""
        self._tell(inputs.Commit())

    def clear_input(self) -> None:
        """Forget what was heard and is not a turn yet: call it where push-to-talk begins."""
        self._tell(inputs.ClearInput())

    def update(self, agent: Agent) -> None:
        """Go on with another agent, or with the same one changed: instructions, tools, voice.

        The conversation stays. The voice can change only before the agent's first word; later it stays as it is.
        """
        registry = self._registry(agent)
        policies = {one.name: one.policy for one in registry}
        self._tell(inputs.UpdateSession(self._wire_config(agent, registry), tool_policies=policies))
        self.agent, self._runner.registry = agent, registry

    async def wait_idle(self) -> None:
        """Wait until the agent has said everything and no tool is running, or the session is over."""
        while self._state in ("opening", "open") and not self._core.idle:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle_waiters.append(waiter)
            await waiter

    @property
    def history(self) -> Sequence[HistoryItem]:
        """The conversation so far, in order: what was said, what of it was heard, tool calls and their results."""
        return self._core.conversation.items

    @property
    def usage(self) -> Usage:
        """What the conversation used so far: tokens by kind, seconds of audio."""
        return self._core.usage

    @property
    def levels(self) -> tuple[float, float]:
        """How loud the microphone and the agent are just now, in dBFS; -120 is silence. Needs the `audio` extra."""
        return self._meter.levels()

    @property
    def dropped_events(self) -> int:
        """How many events were dropped because nobody read them in time."""
        return self._events.dropped

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionEvent:
        return await self._events.get()

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
            if self._listener is not None:
                await self._listener.open()
            self._check_not_lost()
            if self._user is not None:
                await self._user.open(_UserSide(self))
                if self._closing is not None:
                    await self._user.close()  # it may not have been there yet when the session closed it
            self._check_not_lost()
            self._feed(inputs.Opened())
        except BaseException as error:
            await self.close()
            if self._listener is not None:
                self._listener.close()  # it may have opened after the session closed it
            if isinstance(error, DeviceError) and self._fault is not None:
                raise self._fault from error  # the device was closed under its opening, and this is why
            raise
        if self._state == "opening":
            self._state = "open"
        if self.agent.greeting:
            self.say(self.agent.greeting)
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
        """The core's last action."""
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
        if self._leaving is not None:
            self._leaving.cancel()
        failure = await hang_up(self._user, self._connection, self._runner.close)
        if self._listener is not None:
            self._listener.close()
        self._state = "closed"
        self._events.put(Closed(reason, error or failure, self._core.time_s))
        self._wake_idle_waiters()

    # ---- between the transports and the core

    def _wire_config(self, agent: Agent, registry: ToolRegistry) -> SessionConfig:
        return session_config(agent, self.settings, self._format, registry.to_wire(), spoken=self._user is not None)

    def _registry(self, agent: Agent) -> ToolRegistry:
        """The agent's tools, and one for each agent that it may hand over to."""

        def handoff(other: Agent) -> Tool:
            async def hand_over() -> str:  # async, so that it runs on the session's own loop
                self.update(other)
                return f"You are {other.name} now. Go on with the conversation."

            description = f"Hand the conversation over to {other.name}. {other.handoff_description}".strip()
            return tool(name=other.handoff_name, description=description)(hand_over)

        return ToolRegistry(agent.tools).plus(handoff(other) for other in agent.handoffs)

    def _hear(self, audio: bytes) -> None:
        """One microphone frame."""
        connection = self._connection
        if self._state != "open" or connection is None:
            return
        if self.muted:
            audio = self._silence * len(audio)
        self._meter.microphone(audio)
        speech = self._listener.hears_speech(audio) if self._listener is not None else False
        self._feed(inputs.MicrophoneHeard(self._format.samples(len(audio)), speech))
        if not self._core.uplink_open:
            self._preroll.append(audio)
            return
        while self._preroll:
            connection.send(encode(InputAudioBufferAppend(self._preroll.popleft())))
        connection.send(encode(InputAudioBufferAppend(audio)))

    def _person_left(self, error: DeviceError | None) -> None:
        """The person will say nothing more: what is under way is finished first, except where the device is lost."""
        if error is not None:
            self._feed(inputs.Hangup("device lost", error))
            return
        self._feed(inputs.MicrophoneEnded())
        self._leaving = self._loop.create_task(self._leave())

    async def _leave(self) -> None:
        quiet_since = self._loop.time()
        while self._loop.time() - quiet_since < _LINGER_S:
            await asyncio.sleep(0.1)
            if not self._core.idle:
                quiet_since = self._loop.time()
        self._feed(inputs.Hangup("user left"))

    def _tell(self, event: inputs.Input) -> None:
        if self._state not in ("opening", "open"):
            raise LocalProtocolError(f"The session is {self._state}: enter it with `async with` first, and once.")
        self._feed(event)

    def _receive(self, message: bytes) -> None:
        """One message of the server."""
        try:
            event = decode_server(message)
        except RemoteProtocolError as error:
            self._feed(inputs.MessageRejected(error))
        else:
            self._feed(event)

    def _feed(self, event: inputs.Input) -> None:
        """One thing happened: let the core decide, and do what it wants."""
        if self._closing is not None:
            return
        try:
            self._core.receive(event, self._loop.time())
            self._perform()
        except Exception as error:  # noqa: BLE001 - the supervisor: a bug of ours ends this session, not the program
            self._fail(error)

    def _perform(self) -> None:
        """Do what the core wants. What comes in meanwhile queues up in the core, and its actions come after."""
        if self._performing:
            return
        self._performing = True
        try:
            while batch := self._core.actions():
                for action in batch:
                    _PERFORMERS[type(action)](self, action)
        finally:
            self._performing = False
        self._set_timer()
        if self._state == "opening" and self._core.ready and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        if self._idle_waiters and self._core.idle:
            self._wake_idle_waiters()

    def _set_timer(self) -> None:
        due = self._core.next_timer()
        if due is None or self._state in ("closing", "closed"):
            return
        if self._timer is not None:
            if self._timer_due <= due:  # it fires early at worst, and is set anew then
                return
            self._timer.cancel()
        self._timer, self._timer_due = self._loop.call_at(due, self._on_timer), due

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

    def _wake_idle_waiters(self) -> None:
        waiters, self._idle_waiters = self._idle_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # ---- the core's actions

    def _send(self, action: actions.Send) -> None:
        if self._connection is None:
            return
        try:
            self._connection.send(encode(action.event))
        except LocalProtocolError as error:  # one message that is too large for the way: a picture, mostly
            self._events.put(ErrorRaised(error, self._core.time_s))

    def _play(self, action: actions.Play) -> None:
        if self._user is not None:
            self._user.play(action.audio)
            self._meter.speaker(action.audio)

    def _duck(self, _: actions.Duck) -> None:
        if self._user is not None:
            self._user.duck()

    def _resume(self, _: actions.Resume) -> None:
        if self._user is not None:
            self._user.resume()

    def _flush(self, _: actions.Flush) -> None:
        position = self._user.flush() if self._user is not None else 0
        self._meter.flushed(position)
        self._core.receive(inputs.PlaybackFlushed(position), self._loop.time())

    def _read_position(self, _: actions.ReadPosition) -> None:
        if self._user is not None:
            position = inputs.PlaybackMoved(self._user.played, self._core.audible)
            self._core.receive(position, self._loop.time())

    def _start_tool(self, action: actions.StartTool) -> None:
        def answer(outcome: ToolOutcome) -> None:
            self._feed(inputs.ToolReturned(action.call_id, outcome.output, outcome.error))

        self._runner.start(action.call_id, action.name, action.arguments, answer)
        if self._held_messages is None:
            # The tool runs in the next turn of the loop. What else came in the same packet (the rest of the response)
            # comes after its first step: most tools answer in it, and the model waits for nothing else.
            self._held_messages = deque()
            self._loop.call_soon(self._release_messages)

    def _release_messages(self) -> None:
        held, self._held_messages = self._held_messages, None
        while held:
            if (later := self._messages_held()) is not None:  # another call began: what follows waits for that one
                later.extend(held)
                return
            self._receive(held.popleft())

    def _messages_held(self) -> deque[bytes] | None:
        return self._held_messages  # a method, for mypy takes the field to be None for good once it was set so

    def _cancel_tool(self, action: actions.CancelTool) -> None:
        self._runner.cancel(action.call_id)

    def _emit(self, action: actions.Emit) -> None:
        self._events.put(cast(SessionEvent, action.event))  # the core of a conversation emits no others

    def _end(self, action: actions.Close) -> None:
        self._close(action.reason, action.error)


_PERFORMERS: dict[type[actions.Action], Callable[[Session, Any], None]] = {
    actions.Send: Session._send,
    actions.Play: Session._play,
    actions.Duck: Session._duck,
    actions.Resume: Session._resume,
    actions.Flush: Session._flush,
    actions.ReadPosition: Session._read_position,
    actions.StartTool: Session._start_tool,
    actions.CancelTool: Session._cancel_tool,
    actions.Emit: Session._emit,
    actions.Close: Session._end,
}


class _ModelSide:
    """What the connection to the model tells the session."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def on_message(self, message: bytes) -> None:
        if self._session._held_messages is not None:
            self._session._held_messages.append(message)
        else:
            self._session._receive(message)

    def on_closed(self, error: TransportError | None) -> None:
        self._session._release_messages()
        self._session._feed(inputs.Disconnected(error))


class _UserSide:
    """What the way to the person tells the session."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def on_audio(self, audio: bytes) -> None:
        try:
            self._session._hear(audio)
        except Exception as error:  # noqa: BLE001 - the supervisor, as in `_feed`: it must not stop the microphone's clock
            self._session._fail(error)

    def on_playback(self, position: int, playing: bool) -> None:
        self._session._feed(inputs.PlaybackMoved(position, playing))

    def on_ended(self, error: DeviceError | None) -> None:
        self._session._person_left(error)
