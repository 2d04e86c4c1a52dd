"""Settings of a session that are not the agent's: whose turn it is, and what goes over the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from realtime_agent.agent import Agent
from realtime_agent.core.config import CoreConfig, TurnMode
from realtime_agent.errors import ConfigError
from realtime_agent.protocol import SessionConfig
from realtime_agent.protocol.formats import PCM, AudioFormat
from realtime_agent.tools import Tool


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

    @property
    def detects_locally(self) -> bool:
        """Whether this side listens for speech itself."""
        return self.turns == "local" or (self.duck and self.turns == "server")

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


def session_config(
    agent: Agent, settings: Settings, audio_format: AudioFormat, tools: list[Any], *, spoken: bool
) -> SessionConfig:
    """What `session.update` asks of the server: only what was chosen; the rest is the server's default.

    tools: the agent's tools as the wire has them. spoken: whether the person speaks; else the session is all text.
    """
    wanted: dict[str, Any] = {"type": "realtime", "tools": tools, "tool_choice": "auto"}
    if agent.instructions:
        wanted["instructions"] = agent.instructions
    if settings.max_output_tokens is not None:
        wanted["max_output_tokens"] = settings.max_output_tokens
    wanted["output_modalities"] = ["text"] if settings.text_only or not spoken else ["audio"]
    if spoken:
        wanted["audio"] = {"input": _input(settings, audio_format), "output": _output(agent, settings, audio_format)}
    return SessionConfig.model_validate(wanted)


def _format(audio_format: AudioFormat) -> dict[str, Any]:
    return {"type": "audio/pcm", "rate": audio_format.rate_hz} if audio_format == PCM else {"type": audio_format.name}


def _input(settings: Settings, audio_format: AudioFormat) -> dict[str, Any]:
    transcription = None
    if settings.transcribe is not None:
        transcription = {"model": settings.transcribe} | ({"language": settings.language} if settings.language else {})
    turn_detection = None
    if settings.turns == "server":
        turn_detection = {"type": "server_vad", "create_response": True, "interrupt_response": True}
        if settings.silence_ms is not None:
            turn_detection["silence_duration_ms"] = settings.silence_ms
    return {"format": _format(audio_format), "transcription": transcription, "turn_detection": turn_detection}


def _output(agent: Agent, settings: Settings, audio_format: AudioFormat) -> dict[str, Any]:
    output: dict[str, Any] = {"format": _format(audio_format)}
    if agent.voice is not None:
        output["voice"] = agent.voice
    if settings.speed is not None:
        output["speed"] = settings.speed
    return output


def core_config(
    session: SessionConfig, settings: Settings, audio_format: AudioFormat, tools: Iterable[Tool]
) -> CoreConfig:
    """What the core is told once."""
    config = CoreConfig(
        session=session,
        turn_mode=settings.turns,
        tool_policies={one.name: one.policy for one in tools},
        audio_format=audio_format,
        duck=settings.duck,
        ready_timeout_s=settings.ready_timeout_s,
    )
    return config if settings.silence_ms is None else replace(config, end_silence_ms=settings.silence_ms)
