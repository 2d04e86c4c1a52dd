"""`realtime-agent translate`: what is said, in another language, aloud."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from realtime_agent.dial import desktop_user
from realtime_agent.errors import ConfigError
from realtime_agent.events import Closed, ErrorRaised, SourceText, TranslatedText, TranslationEvent, as_dict
from realtime_agent.translation import TranslationSession
from realtime_agent.transports.user.base import UserTransport

MICROPHONE = "microphone"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateOptions:
    """The options of the command; `cli.app` says what each means."""

    to: str
    source: str = MICROPHONE
    model: str = "embedded"
    output: Path | None = None
    both: Path | None = None
    microphone: str | None = None
    speaker: str | None = None
    headphones: bool = False
    json: bool = False


async def translate(options: TranslateOptions) -> int:
    """Interpret; the exit code.

    Raises:
        RealtimeAgentError: it could not begin, or ended with a fault.
    """
    page = _Page(as_json=options.json)
    async with TranslationSession(options.to, model=options.model, user=_user(options)) as session:
        async for event in session:
            page.show(event)
            if isinstance(event, Closed) and event.error is not None:
                raise event.error
    return 0


def _user(options: TranslateOptions) -> UserTransport:
    if options.source == MICROPHONE:
        if options.output is not None or options.both is not None:
            raise ConfigError("--output and --both go with a sound file: they record what is said to it.")
        return desktop_user(options.microphone, options.speaker, echo_cancellation=not options.headphones)
    if options.microphone is not None or options.speaker is not None:
        raise ConfigError("A sound file takes the place of the microphone; leave out --microphone and --speaker.")
    from realtime_agent.transports.user.wav import WavUser

    return WavUser(Path(options.source), output=options.output, both=options.both)


class _Page:
    """Where the text appears: what was said, and below it what it is in the other language, clause by clause."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._console = Console(highlight=False, soft_wrap=True)
        self._said = ""

    def show(self, event: TranslationEvent) -> None:
        if self._json:
            print(json.dumps(as_dict(event), ensure_ascii=False), flush=True)
            return
        match event:
            case SourceText(delta=delta):
                self._said += delta
            case TranslatedText(delta=delta):
                self._print_said()
                self._console.print(Text(delta.strip(), style="bold"))
            case ErrorRaised(error=error):
                self._console.print(Text(f"error: {error.message}", style="red"))
            case Closed():
                self._print_said()

    def _print_said(self) -> None:
        if self._said.strip():
            self._console.print(Text(self._said.strip(), style="dim"))
        self._said = ""
