"""The shell around brain and voice: performs one response.

The brain's text is cut into clauses as it comes, each clause is spoken at once, resampled and handed on. There is no
queue between the two: while the voice works, the rest of the brain's answer waits where it comes from, so that
nothing runs ahead of an interruption and there is nothing to bound.

Instructions of the form `Say word for word: "…"` (`protocol/say.py`) ask no brain: a language model would paraphrase,
refuse, or answer. The text itself is the answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from realtime_agent.audio.resample import Resampler
from realtime_agent.engine.engine import Engine
from realtime_agent.engine.parts import BrainEvent, BrainUsage, TextDelta, ToolCallRequest
from realtime_agent.engine.segment import ClauseSplitter
from realtime_agent.engine.sharing import voice_for_response
from realtime_agent.errors import EngineError
from realtime_agent.protocol.say import said_text
from realtime_agent.server.core.actions import (
    EngineOutput,
    ResponseCall,
    ResponseEnded,
    ResponseSpeech,
    ResponseText,
    ResponseUsed,
    StartResponse,
)
from realtime_agent.server.core.input_buffer import from_pcm

logger = logging.getLogger("realtime_agent.server")

BRAIN_DEADLINE_S = 60.0
VOICE_DEADLINE_S = 20.0
CLOSE_DEADLINE_S = 2.0

Answer = Callable[[EngineOutput], None]
_T = TypeVar("_T")


async def perform_response(engine: Engine, start: StartResponse, answer: Answer) -> None:
    """Perform a response until it ends, fails, or this is cancelled; the last answer is `ResponseEnded`."""
    try:
        if start.speaks:
            await _Spoken(engine, start, answer).perform()
        else:
            await _perform_text(engine, start, answer)
        ended = ResponseEnded(start.response_id)
    except EngineError as error:
        ended = ResponseEnded(start.response_id, error.message, error.code)
    except TimeoutError:
        ended = ResponseEnded(start.response_id, "The engine took too long.", "engine_timeout")
    except Exception as error:
        logger.warning("the engine raised %s; its traceback is logged at DEBUG", type(error).__name__)
        logger.debug("brain or voice raised", exc_info=error)
        ended = ResponseEnded(start.response_id, f"The engine failed ({type(error).__name__}).")
    answer(ended)


def _reply(engine: Engine, start: StartResponse) -> AsyncIterator[BrainEvent]:
    dictated = said_text(start.request.instructions)
    return engine.brain.reply(start.request) if dictated is None else _dictated(dictated)


async def _dictated(text: str) -> AsyncIterator[BrainEvent]:
    yield TextDelta(text)


async def _perform_text(engine: Engine, start: StartResponse, answer: Answer) -> None:
    async with bounded(_reply(engine, start), BRAIN_DEADLINE_S) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                answer(ResponseText(start.response_id, event.text))
            else:
                answer(_plain(start.response_id, event))


class _Spoken:
    """One spoken response."""

    def __init__(self, engine: Engine, start: StartResponse, answer: Answer) -> None:
        self._engine = engine
        self._start = start
        self._answer = answer
        self._voice = voice_for_response(engine.voice)
        self._resampler = Resampler(engine.voice.rate_hz, start.format.rate_hz)

    async def perform(self) -> None:
        splitter = ClauseSplitter()
        async with bounded(_reply(self._engine, self._start), BRAIN_DEADLINE_S) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    for clause in splitter.feed(event.text):
                        await self._speak(clause)
                    continue
                if isinstance(event, ToolCallRequest):
                    await self._finish(splitter)
                self._answer(_plain(self._start.response_id, event))
        await self._finish(splitter)

    async def _finish(self, splitter: ClauseSplitter) -> None:
        """Speak what is left of a message, to the last sample."""
        for clause in splitter.flush():
            await self._speak(clause)
        self._hand_on("", self._resampler.flush())

    async def _speak(self, clause: str) -> None:
        spoken = self._voice.speak(clause, voice=self._start.voice, speed=self._start.speed)
        async with bounded(spoken, VOICE_DEADLINE_S) as pieces:
            async for piece in pieces:
                self._hand_on(piece.text, self._resampler.process(piece.pcm))

    def _hand_on(self, text: str, pcm: bytes) -> None:
        if text or pcm:
            self._answer(ResponseSpeech(self._start.response_id, text, from_pcm(pcm, self._start.format)))


def _plain(response_id: str, event: BrainEvent) -> EngineOutput:
    match event:
        case ToolCallRequest(name=name, arguments=arguments):
            return ResponseCall(response_id, name, arguments)
        case BrainUsage(input_tokens=read, output_tokens=written):
            return ResponseUsed(response_id, read, written)
        case TextDelta(text=text):
            return ResponseText(response_id, text)


@asynccontextmanager
async def bounded(source: AsyncIterator[_T], deadline_s: float) -> AsyncIterator[AsyncIterator[_T]]:
    """The same iterator, with a deadline on each step; closed at the end, whatever happens."""

    async def steps() -> AsyncIterator[_T]:
        while True:
            try:
                async with asyncio.timeout(deadline_s):
                    item = await anext(source)
            except StopAsyncIteration:
                return
            yield item

    bounded = steps()
    try:
        yield bounded
    finally:
        for iterator in (bounded, source):
            close = getattr(iterator, "aclose", None)  # an iterator that is no generator need not have it
            if close is not None:
                async with asyncio.timeout(CLOSE_DEADLINE_S):
                    await close()
