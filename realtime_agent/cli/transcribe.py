"""`realtime-agent transcribe`: what is said, in writing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from realtime_agent.dial import desktop_user
from realtime_agent.errors import ConfigError
from realtime_agent.events import Closed, ErrorRaised, TranscriptionEvent, UserTranscript, as_dict
from realtime_agent.transcription import TranscriptionSession

MICROPHONE = "microphone"
_EMBEDDED_SPEED = 4  # of a file: as fast as a laptop's ear keeps up with


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribeOptions:
    """The options of the command; `cli.app` says what each means."""

    source: str = MICROPHONE
    model: str = "embedded"
    language: str | None = None
    prompt: str | None = None
    delay: str | None = None
    speed: int | None = None
    microphone: str | None = None
    json: bool = False


async def transcribe(options: TranscribeOptions) -> int:
    """Write it down; the exit code.

    Raises:
        RealtimeAgentError: it could not begin, or ended with a fault.
    """
    session = TranscriptionSession(
        model=options.model,
        user=desktop_user(options.microphone) if options.source == MICROPHONE else Path(options.source),
        language=options.language,
        prompt=options.prompt,
        delay=options.delay,
        speed=_speed(options),
    )
    with _Page(as_json=options.json) as page:
        async with session:
            async for event in session:
                page.show(event)
                if isinstance(event, Closed) and event.error is not None:
                    raise event.error
    return 0


def _speed(options: TranscribeOptions) -> int:
    if options.source == MICROPHONE:
        if options.speed is not None:
            raise ConfigError("--speed is for files: nobody speaks faster than real time.")
        return 1
    if options.speed is not None:
        return options.speed
    return _EMBEDDED_SPEED if options.model == "embedded" else 1


class _Page:
    """Where the text appears: finished lines are printed for good; at a terminal, the current one grows below them."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._console = Console(highlight=False, soft_wrap=True)
        live = self._console.is_terminal and not as_json
        self._live = Live(console=self._console, refresh_per_second=12, transient=True) if live else None

    def __enter__(self) -> _Page:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, event: TranscriptionEvent) -> None:
        if self._json:
            print(json.dumps(as_dict(event), ensure_ascii=False), flush=True)
            return
        match event:
            case UserTranscript(text=text, final=True):
                self._grow("")
                self._console.print(Text(text))
            case UserTranscript(text=text):
                self._grow(text)
            case ErrorRaised(error=error):
                self._console.print(Text(f"error: {error.message}", style="red"))

    def _grow(self, text: str) -> None:
        if self._live is not None:
            self._live.update(Text(text, style="dim"))
