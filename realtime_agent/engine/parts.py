"""The parts of an engine. Each is a small protocol; write your own by having these methods.

An engine is an ear (`SpeechToText`), a brain (`Brain`) and a voice (`TextToSpeech`). Inside the engine, audio is 16-bit
mono PCM (little-endian bytes) at the part's own `rate_hz`; the server side resamples.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard. `text` is empty where nothing was understood."""

    text: str


class SpeechToText(Protocol):
    """An ear."""

    @property
    def name(self) -> str: ...

    @property
    def rate_hz(self) -> int:
        """The sample rate it wants."""

    async def start(self) -> None:
        """Load what is needed. Idempotent.

        Raises:
            EngineError: the model cannot be loaded.
        """

    async def transcribe(self, pcm: bytes, *, language: str | None = None, prompt: str | None = None) -> Transcript:
        """The text of one utterance, whole or so far; called again and again as it grows.

        Raises:
            EngineError: the ear failed.
        """

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SpokenClause:
    """A piece of speech and the text that it says: the alignment that truncation rests on."""

    text: str
    pcm: bytes


class TextToSpeech(Protocol):
    """A voice."""

    @property
    def name(self) -> str: ...

    @property
    def rate_hz(self) -> int: ...

    @property
    def voices(self) -> Sequence[str]:
        """The names it takes besides OpenAI's thirteen, which it maps to its own."""

    async def start(self) -> None: ...

    def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpokenClause]:
        """Speak one piece of text, clause by clause, as soon as each is ready.

        The clauses' texts joined are `text`. Closing the iterator stops the work.

        Raises:
            EngineError: the voice failed, after its own retries.
        """

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function tool as the model sees it."""

    name: str
    description: str
    parameters: Mapping[str, Any]  # JSON schema of an object


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation as a brain reads it."""

    role: Literal["system", "user", "assistant"]
    text: str
    image_urls: tuple[str, ...] = ()


IDLE_HINT = "The user has not said anything for a while."
"""The system message that a brain reads before a user's message without words, when a session's idle timeout ended."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """A tool call that was made before, and its output once there is one."""

    call_id: str
    name: str
    arguments: str  # JSON
    output: str | None = None


@dataclass(frozen=True, slots=True)
class BrainRequest:
    """All that a brain knows when it answers."""

    instructions: str
    conversation: Sequence[Message | PastCall]
    tools: Sequence[ToolSpec] = ()
    tool_choice: str = "auto"  # "auto", "none", "required", or a tool's name
    max_output_tokens: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallRequest:
    """The brain wants a tool called. `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class BrainUsage:
    """What the answer cost, where the brain knows. The last event of a reply, if it comes."""

    input_tokens: int
    output_tokens: int


BrainEvent = TextDelta | ToolCallRequest | BrainUsage


class Brain(Protocol):
    """A mind: reads the conversation, writes an answer or calls tools."""

    @property
    def name(self) -> str: ...

    def reply(self, request: BrainRequest) -> AsyncIterator[BrainEvent]:
        """Answer as it is written. Closing the iterator stops the work.

        Raises:
            EngineError: the brain failed, or cannot do what was asked (an image, for one that has no eyes).
        """

    async def close(self) -> None: ...
