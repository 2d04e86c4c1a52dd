"""What one session asks the ear, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from realtime_agent.engine.parts import Transcript
from realtime_agent.errors import EngineError
from realtime_agent.server.core.actions import Heard, HearingFailed, Transcribe
from realtime_agent.server.shell.transcriber import Transcriber


class _Ear:
    """Answers when it is told to; implements `SpeechToText`, `SharedEar` and `SessionEar`."""

    name = "fake"
    rate_hz = 16_000

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes, bool]] = []
        self.cancelled: list[bytes] = []
        self.waits = True
        self.answers: asyncio.Queue[str | EngineError] = asyncio.Queue()

    def for_session(self) -> _Ear:
        return self

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def transcribe(
        self,
        pcm: bytes,
        *,
        rate_hz: int = 0,
        utterance: str = "",
        urgent: bool = True,
        language: str | None = None,
        prompt: str | None = None,
    ) -> Transcript:
        self.asked.append((utterance, pcm, urgent))
        try:
            answer = await self.answers.get()
        except asyncio.CancelledError:
            self.cancelled.append(pcm)
            raise
        if isinstance(answer, EngineError):
            raise answer
        return Transcript(answer)


class _Session:
    def __init__(self) -> None:
        self.ear = _Ear()
        self.heard: list[Heard | HearingFailed] = []
        self.transcriber = Transcriber(self.ear, self.heard.append)
        self.revision = 0

    async def ask(self, item_id: str, pcm: bytes, *, urgent: bool = False) -> None:
        self.revision += 1
        self.transcriber.ask(Transcribe(item_id, self.revision, pcm, 24_000, urgent=urgent))
        await self.settle()

    async def answer(self, text: str | EngineError) -> None:
        self.ear.answers.put_nowait(text)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
async def session() -> AsyncIterator[_Session]:
    session = _Session()
    task = asyncio.create_task(session.transcriber.run())
    yield session
    task.cancel()
    await asyncio.wait((task,))


async def test_a_partial_that_is_not_begun_yields_to_a_newer_one(session: _Session) -> None:
    await session.ask("item", b"a")
    await session.ask("item", b"ab")
    assert session.ear.cancelled == [b"a"]
    await session.answer("words")
    assert session.heard == [Heard("item", 2, "words")]


async def test_a_partial_that_is_begun_is_finished_before_the_next(session: _Session) -> None:
    await session.ask("item", b"a")
    session.ear.waits = False
    await session.ask("item", b"ab")
    await session.ask("item", b"abc")
    assert [pcm for _, pcm, _ in session.ear.asked] == [b"a"]
    await session.answer("words")
    assert session.heard == [Heard("item", 1, "words")]
    assert not session.ear.cancelled


async def test_what_is_urgent_has_the_partial_given_up_and_comes_before_other_items(session: _Session) -> None:
    await session.ask("first", b"a")
    session.ear.waits = False
    await session.ask("second", b"b")
    await session.ask("third", b"c", urgent=True)
    await session.ask("first", b"aa", urgent=True)
    await session.answer("one")
    await session.answer("two")
    asked = [(item, urgent) for item, _, urgent in session.ear.asked]
    assert session.ear.cancelled == [b"a"]
    assert asked[:3] == [("first", False), ("third", True), ("first", True)]


async def test_after_a_slow_partial_the_next_waits_but_nothing_urgent_does(session: _Session) -> None:
    await session.ask("item", b"a")
    session.ear.waits = False
    await asyncio.sleep(0.2)
    await session.answer("words")
    await session.ask("item", b"ab")
    assert len(session.ear.asked) == 1  # a rest as long as the decode took
    await session.ask("item", b"abc", urgent=True)
    assert [pcm for _, pcm, _ in session.ear.asked] == [b"a", b"abc"]


async def test_an_ear_that_has_too_much_to_do_says_so(session: _Session) -> None:
    await session.ask("item", b"a", urgent=True)
    await session.answer(EngineError("The ear has more to do than it can", code="overloaded"))
    assert session.heard == [HearingFailed("item", 1, "The ear has more to do than it can", "overloaded")]
