"""Settings of a session that are not the agent's: whose turn it is, and what goes over the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from realtime_agent.errors import ConfigError

TurnMode = Literal["server", "local", "manual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a `Session` behaves. The defaults suit a conversation at a desktop.

    turns: who decides when the person has finished.
        "server": the model's server (its `server_vad`). Local detection still ducks the agent's voice at once.
        "local": our own detection; the server's is switched off.
        "manual": push-to-talk; call `commit()` when the person has finished.
    duck: fall silent at the first sign of local speech, and resume if it was a false alarm. Needs the `audio` extra,
        as `turns="local"` does.
    transcribe: the model that writes down what the person says; None for no user transcripts. Servers other than
        OpenAI map the name to what they have.
    language: a hint for that transcription, an ISO 639-1 code.
    text_only: the agent answers in writing. Always so where there is no user transport.
    silence_ms: how long the person must be silent for the turn to end; None for the server's default.
    speed: pace of the voice, 0.25 to 1.5.
    max_output_tokens: a limit for each reply; None for the model's own.
    event_queue: how many events may wait for a slow reader of the session before the oldest are dropped.
    ready_timeout_s: how long the server may take from the connection to a configured session.
    """

    turns: TurnMode = "server"
    duck: bool = True
    transcribe: str | None = "gpt-4o-mini-transcribe"
    language: str | None = None
    text_only: bool = False
    silence_ms: int | None = None
    speed: float | None = None
    max_output_tokens: int | None = None
    event_queue: int = 1024
    ready_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.turns not in ("server", "local", "manual"):
            raise ConfigError(f'turns is "server", "local" or "manual", not {self.turns!r}.')
        if self.speed is not None and not 0.25 <= self.speed <= 1.5:
            raise ConfigError(f"speed goes from 0.25 to 1.5, not {self.speed}.")
        if self.silence_ms is not None and not 0 < self.silence_ms <= 10_000:
            raise ConfigError(f"silence_ms goes from 1 to 10000, not {self.silence_ms}.")
        if self.max_output_tokens is not None and self.max_output_tokens < 1:
            raise ConfigError("max_output_tokens must be at least 1.")
        if self.event_queue < 1:
            raise ConfigError("event_queue must hold at least one event.")
