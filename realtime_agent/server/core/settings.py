"""The session's configuration as the machines read it: small, frozen, complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from realtime_agent.engine.parts import ToolSpec
from realtime_agent.protocol.formats import PCM, AudioFormat
from realtime_agent.server.core.transcription.agreement import Delay

# OpenAI's names; an engine's voice maps each to one of its own.
OPENAI_VOICES = (
    "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar",
)  # fmt: skip

DEFAULT_CONTEXT_TOKENS = 32_000  # as gpt-realtime's; a brain that knows better has `context_tokens`

Eagerness = Literal["low", "medium", "high"]
Field = Literal["near_field", "far_field"]  # how far the person is from the microphone


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the engine can do, as far as the protocol lets a client ask for it.

    Attributes:
        voices: the voices' names besides OpenAI's.
        languages: the languages the ear hears, as ISO-639-1 codes; empty where it does not say.
        reads_prompts: whether the ear makes use of a prompt.
        context_tokens: what the brain can read at once, as `usage` counts it.
    """

    voices: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    reads_prompts: bool = True
    context_tokens: int = DEFAULT_CONTEXT_TOKENS


@dataclass(frozen=True, slots=True)
class NoiseSettings:
    """How the input is cleaned before turns are found in it (`audio/noise.py`)."""

    field: Field
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class TruncationSettings:
    """What happens when the conversation outgrows the brain's context (`truncation.py`).

    `retention_ratio` is what part of the room is still taken afterwards; None where nothing may be forgotten.
    `post_instructions`: tokens that the items may come to; None for what the context leaves.
    """

    retention_ratio: float | None = 1.0
    post_instructions: int | None = None


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """How the server finds the person's turns. `eagerness` is set for semantic VAD and then rules the silence."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None
    create_response: bool = True
    interrupt_response: bool = True
    eagerness: Eagerness | None = None


@dataclass(frozen=True, slots=True)
class TranscriptionSettings:
    """That the client wants to read what the person says, hints for the ear, and how long text waits (None: usual)."""

    language: str | None = None
    prompt: str | None = None
    delay: Delay | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All that rules a session, or, with the overrides of a `response.create`, one response."""

    instructions: str = ""
    speaks: bool = True
    input_format: AudioFormat = PCM
    output_format: AudioFormat = PCM
    voice: str = "alloy"
    speed: float = 1.0
    noise: NoiseSettings | None = None
    turns: TurnSettings | None = field(default_factory=TurnSettings)
    transcription: TranscriptionSettings | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: int | None = None
    truncation: TruncationSettings = field(default_factory=TruncationSettings)
