"""An engine without models: ear, brain and voice do as they are told, and a detector hears loudness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from realtime_agent.engine.engine import Engine
from realtime_agent.engine.parts import BrainEvent, BrainRequest, Message, SpokenClause, TextDelta, Transcript
from realtime_agent.errors import EngineError

MS_PER_CHARACTER = 40


def loud(duration_ms: float, rate_hz: int = 24_000) -> bytes:
    """PCM that `LoudnessDetector` takes for speech."""
    return b"\x00\x10" * int(rate_hz * duration_ms / 1000)


def quiet(duration_ms: float, rate_hz: int = 24_000) -> bytes:
    return bytes(2 * int(rate_hz * duration_ms / 1000))


class LoudnessDetector:
    """Speech is whatever is not digital silence."""

    def process(self, pcm: bytes) -> bool:
        return any(pcm)


def make_loudness_detector(rate_hz: int, threshold: float) -> LoudnessDetector:
    return LoudnessDetector()


class FakeEar:
    """Hears what the test says. Counts its calls; waits for `gate`; fails once `failure` is set."""

    name = "fake-ear"
    rate_hz = 16_000

    def __init__(self, text: str = "hello there") -> None:
        self.text = text
        self.heard: list[bytes] = []
        self.hints: list[tuple[str | None, str | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.wait_for_gate = True
        self.failure: Exception | None = None
        self.started = self.closed = 0

    async def start(self) -> None:
        self.started += 1

    async def transcribe(self, pcm: bytes, *, language: str | None = None, prompt: str | None = None) -> Transcript:
        self.heard.append(pcm)
        self.hints.append((language, prompt))
        if self.wait_for_gate:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Transcript(self.text)

    async def close(self) -> None:
        self.closed += 1


Script = Callable[[BrainRequest], Sequence[BrainEvent]]


def echo(request: BrainRequest) -> Sequence[BrainEvent]:
    """Repeats the last message."""
    texts = [item.text for item in request.conversation if isinstance(item, Message) and item.role == "user"]
    return [TextDelta(f"You said {texts[-1]}." if texts else "Hello.")]


class FakeBrain:
    """Answers by a script; waits for `gate` after the first event."""

    name = "fake-brain"

    def __init__(self, script: Script = echo) -> None:
        self.script = script
        self.requests: list[BrainRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.running = 0
        self.closed = 0

    async def reply(self, request: BrainRequest) -> AsyncIterator[BrainEvent]:
        self.requests.append(request)
        self.running += 1
        try:
            for event in self.script(request):
                yield event
                await self.gate.wait()
            if self.failure is not None:
                raise self.failure
        finally:
            self.running -= 1

    async def close(self) -> None:
        self.closed += 1


class FakeVoice:
    """A tone, 40 ms a character."""

    name = "fake-voice"
    rate_hz = 16_000
    voices = ("fake",)

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str, float]] = []
        self.fail_at: str | None = None
        self.started = self.closed = 0

    async def start(self) -> None:
        self.started += 1

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpokenClause]:
        self.spoken.append((text, voice, speed))
        if self.fail_at is not None and self.fail_at in text:
            raise EngineError("The voice lost its breath.")
        yield SpokenClause(text, loud(len(text) * MS_PER_CHARACTER / speed, self.rate_hz))

    async def close(self) -> None:
        self.closed += 1


class FakeEngine(Engine):
    """An engine of fakes, its parts at hand."""

    ear: FakeEar
    brain: FakeBrain
    voice: FakeVoice

    def __init__(self, script: Script = echo, *, text: str = "hello there") -> None:
        super().__init__(FakeEar(text), FakeBrain(script), FakeVoice())
