"""Session: the asyncio manager that joins a person to a model.

It decides nothing. Everything that comes in (server events, microphone frames, playback positions, tool results, your
calls) goes to the pure core in `realtime_agent.core` together with the time, and the actions that the core gives back
are performed: send, play, duck, flush, start a tool, tell you. What all kinds of session share is in `shell.py`.

The audio path is one hop each way and has no coroutine a frame: microphone callback to socket, socket callback to
speaker.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Self

from realtime_agent.agent import Agent
from realtime_agent.config import Settings, core_config, session_config
from realtime_agent.core import actions, inputs
from realtime_agent.core.conversation import HistoryItem
from realtime_agent.core.session import SessionCore
from realtime_agent.core.usage import Usage
from realtime_agent.dial import model_from, user_from
from realtime_agent.errors import (
    DeviceError,
    TransportError,
)
from realtime_agent.events import SessionEvent
from realtime_agent.listening import Listener, Meter
from realtime_agent.protocol import InputAudioBufferAppend, SessionConfig, decode_server, encode
from realtime_agent.protocol.formats import PCM
from realtime_agent.shell import Shell
from realtime_agent.tools import Approve, Tool, ToolOutcome, ToolRegistry, ToolRunner, tool
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.user.base import UserTransport
from realtime_agent.transports.user.simulated import SILENT_SAMPLE

logger = logging.getLogger("realtime_agent")

_PREROLL_FRAMES = 15  # 300 ms: what was heard just before a turn of local detection belongs to it
_LINGER_S = 2.0  # after the person left: so long must all be quiet before the session closes


class Session(Shell[SessionEvent]):
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

    _core: SessionCore

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
        person = user_from(user)
        self._spoken = person is not None
        self._format = person.format if person else PCM
        self._listener = Listener(self._format) if person and self.settings.detects_locally else None
        self._meter = Meter(self._format, lambda: self._user.played if self._user else 0)
        self._silence = SILENT_SAMPLE[self._format.name]
        registry = self._registry(agent)
        self._runner = ToolRunner(registry, approve=approve, context=self, announce=self.say)
        wire = self._wire_config(agent, registry)
        core = SessionCore(core_config(wire, self.settings, self._format, registry))
        super().__init__(core, decode_server, model_from(model), person, event_queue=self.settings.event_queue)
        self._performers |= {
            actions.Play: self._play,
            actions.Duck: self._duck,
            actions.Resume: self._resume,
            actions.Flush: self._flush,
            actions.ReadPosition: self._read_position,
            actions.StartTool: self._start_tool,
            actions.CancelTool: self._cancel_tool,
        }
        self._held_messages: deque[bytes] | None = None
        self._preroll: deque[bytes] = deque(maxlen=_PREROLL_FRAMES)
        self._idle_waiters: list[asyncio.Future[None]] = []
        self._leaving: asyncio.Task[None] | None = None

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
        """Wait until the agent has said everything and no tool is running, or the session is over.

        The last events may still wait to be read then; whoever reads them goes on until `Closed`.
        """
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

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        if self.agent.greeting:
            self.say(self.agent.greeting)
        return self

    async def _prepare(self) -> None:
        if self._listener is not None:
            await self._listener.open()

    async def _let_go(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        if self._listener is not None:
            self._listener.close()
        await self._runner.close()

    # ---- to the core

    def _wire_config(self, agent: Agent, registry: ToolRegistry) -> SessionConfig:
        return session_config(agent, self.settings, self._format, registry.to_wire(), spoken=self._spoken)

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
            audio = self._silence * (len(audio) // len(self._silence))
        self._meter.microphone(audio)
        speech = self._listener.hears_speech(audio) if self._listener is not None else False
        core = self._core
        core.receive(inputs.MicrophoneHeard(self._format.samples(len(audio)), speech), self._loop.time())
        if core.stirred:
            self._perform()
        if not core.uplink_open:
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

    def _message(self, message: bytes) -> None:
        if self._held_messages is not None:
            self._held_messages.append(message)
        else:
            self._receive(message)

    def _lost(self, error: TransportError | None) -> None:
        while self._held_messages is not None:  # what came before the end comes before the end
            self._release_messages()
        super()._lost(error)

    def _stepped(self) -> None:
        if self._idle_waiters and (self._core.idle or self._closing is not None):
            self._wake_idle_waiters()

    def _wake_idle_waiters(self) -> None:
        waiters, self._idle_waiters = self._idle_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # ---- the core's actions

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
