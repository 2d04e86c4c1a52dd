"""`realtime-agent talk`: a conversation at the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from realtime_agent.agent import Agent
from realtime_agent.cli.display import Display
from realtime_agent.cli.keyboard import Keyboard
from realtime_agent.cli.tools import tools_from
from realtime_agent.config import Settings
from realtime_agent.dial import desktop_user
from realtime_agent.errors import ConfigError, LocalProtocolError
from realtime_agent.events import Closed, as_dict
from realtime_agent.recording.log import ConversationLog
from realtime_agent.session import Session
from realtime_agent.tools import ToolCall
from realtime_agent.tools.builtin import desktop_tools
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.user.base import UserTransport


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOptions:
    """The options of the command; `cli.app` says what each means."""

    model: str = "embedded"
    instructions: str = ""
    voice: str | None = None
    tools: tuple[str, ...] = ()
    text: bool = False
    input: Path | None = None
    output: Path | None = None
    both: Path | None = None
    microphone: str | None = None
    speaker: str | None = None
    headphones: bool = False
    language: str | None = None
    push_to_talk: bool = False
    json: bool = False
    safety_identifier: str | None = None


async def talk(options: TalkOptions) -> int:
    """Hold the conversation; the exit code.

    Raises:
        RealtimeAgentError: it could not begin, or ended with a fault.
    """
    _check(options)
    agent = Agent(
        options.instructions,
        tools=[*desktop_tools(), *(one for spec in options.tools for one in tools_from(spec))],
        voice=options.voice,
    )
    settings = Settings(turns="manual" if options.push_to_talk else "server", language=options.language)
    desk = _Desk(options)
    try:
        closed = await desk.hold(
            Session(agent, model=_model(options), user=_user(options), settings=settings, approve=desk.approve)
        )
    finally:
        desk.close()
    if closed.error is not None:
        raise closed.error
    return 0


class _Desk:
    """The terminal: what it shows of the conversation, and what the person types into it."""

    def __init__(self, options: TalkOptions) -> None:
        self._options = options
        self._console = Console(highlight=False)
        interactive = sys.stdin.isatty() and self._console.is_terminal and not options.json
        self.keyboard = Keyboard(edits=interactive) if options.text or options.push_to_talk or interactive else None
        self._can_ask = interactive

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.keyboard is not None:
            self.keyboard.close()

    async def hold(self, session: Session) -> Closed:
        """Hold one conversation."""
        async with session:
            typing = asyncio.create_task(self.type(session)) if self.keyboard is not None else None
            try:
                return await self.listen(session)
            finally:
                if typing is not None:
                    typing.cancel()
                    await asyncio.wait([typing])
                    if not typing.cancelled():
                        typing.result()

    async def listen(self, session: Session) -> Closed:
        """Show the session until it is over."""
        if self._options.json:
            return await self._print_json(session)
        log = ConversationLog()
        levels = None if self._options.text else lambda: session.levels
        keyboard = self.keyboard if self.keyboard is not None and not self.keyboard.echoes else None
        display = Display(
            self._console,
            log,
            levels=levels,
            prompt=(lambda: keyboard.prompt) if keyboard is not None else None,
            redraws=keyboard is not None or not self._options.text,
            hint=self._hint(),
        )
        with display:
            async for event in session:
                log.add(event)
                display.show(event)
                if isinstance(event, Closed):
                    return event
        raise AssertionError("a session ends with Closed")

    async def _print_json(self, session: Session) -> Closed:
        async for event in session:
            print(json.dumps(as_dict(event), ensure_ascii=False, default=str), flush=True)
            if isinstance(event, Closed):
                return event
        raise AssertionError("a session ends with Closed")

    def _hint(self) -> str:
        if self._options.push_to_talk:
            return "Enter begins your turn, and ends it · Ctrl-C hangs up"
        return "type, and press Enter · Ctrl-D ends" if self._options.text else "Ctrl-C hangs up"

    async def type(self, session: Session) -> None:
        """Do what the person types, as long as the session takes it."""
        with contextlib.suppress(LocalProtocolError):
            await self._type(session)

    async def _type(self, session: Session) -> None:
        assert self.keyboard is not None
        talking = False
        session.muted = self._options.push_to_talk
        while (line := await self.keyboard.line()) is not None:
            if self._options.push_to_talk:
                talking = not talking
                session.muted = not talking
                if talking:
                    session.interrupt()
                    session.clear_input()
                else:
                    session.commit()
            elif line.strip():
                session.send_text(line)
        if self._options.text:
            await session.wait_idle()
            await session.close()

    async def approve(self, call: ToolCall) -> bool:
        """Ask the person; where nobody can be asked, the answer is no."""
        if not self._can_ask or self.keyboard is None:
            return False
        arguments = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
        question = f"The agent wants to run {call.name}({arguments}). Allow it? [y/N]"
        if self.keyboard.echoes:
            self._console.print(f"  {question} ", end="", markup=False)
        allowed = (await self.keyboard.ask(question)).strip().lower() in ("y", "yes")
        if not self.keyboard.echoes:
            self._console.print(f"  {question} {'yes' if allowed else 'no'}", markup=False)
        return allowed


def _check(options: TalkOptions) -> None:
    if options.input is None and (options.output or options.both):
        raise ConfigError("--output and --both go with --input: they record a conversation with a WAV file.")
    if options.input is not None and (options.text or options.microphone or options.speaker):
        raise ConfigError("--input takes the place of the microphone; leave out --text, --microphone and --speaker.")
    if options.push_to_talk and (options.text or options.input):
        raise ConfigError("--push-to-talk needs the microphone; leave out --text and --input.")


def _model(options: TalkOptions) -> str | Model:
    if options.safety_identifier is None or options.model == "embedded":
        return options.model
    from realtime_agent.transports.model.websocket import WebSocketModel

    return WebSocketModel(options.model, safety_identifier=options.safety_identifier)


def _user(options: TalkOptions) -> UserTransport | None:
    if options.text:
        return None
    if options.input is not None:
        from realtime_agent.transports.user.wav import WavUser

        return WavUser(options.input, output=options.output, both=options.both)
    return desktop_user(options.microphone, options.speaker, echo_cancellation=not options.headphones)
