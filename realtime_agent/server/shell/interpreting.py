"""The shell around translator and voice: performs one clause of a translation session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from realtime_agent.audio.resample import Resampler
from realtime_agent.engine.engine import Engine
from realtime_agent.errors import EngineError
from realtime_agent.protocol.formats import PCM
from realtime_agent.server.core.actions import ClauseEnded, ClauseSpoken, ClauseTranslated, EngineOutput, Interpret
from realtime_agent.server.shell.speaking import VOICE_DEADLINE_S, bounded

logger = logging.getLogger("realtime_agent.server")

TRANSLATOR_DEADLINE_S = 30.0


async def perform_clause(engine: Engine, wanted: Interpret, answer: Callable[[EngineOutput], None]) -> None:
    """Translate and speak; the last answer is `ClauseEnded`, unless this is cancelled."""
    try:
        await _translate_and_speak(engine, wanted, answer)
        ended = ClauseEnded(wanted.clause_id)
    except EngineError as error:
        ended = ClauseEnded(wanted.clause_id, error.message, error.code)
    except TimeoutError:
        ended = ClauseEnded(wanted.clause_id, "The engine took too long.", "engine_timeout")
    except Exception as error:
        logger.warning("translator or voice raised %s; its traceback is logged at DEBUG", type(error).__name__)
        logger.debug("translator or voice raised", exc_info=error)
        ended = ClauseEnded(wanted.clause_id, f"The engine failed ({type(error).__name__}).")
    answer(ended)


async def _translate_and_speak(engine: Engine, wanted: Interpret, answer: Callable[[EngineOutput], None]) -> None:
    if engine.translator is None:
        raise EngineError("This engine has no translator.", code="unsupported_pair")
    async with asyncio.timeout(TRANSLATOR_DEADLINE_S):
        text = await engine.translator.translate(wanted.text, source=wanted.source, target=wanted.target)
    answer(ClauseTranslated(wanted.clause_id, text))
    resampler = Resampler(engine.voice.rate_hz, PCM.rate_hz)
    async with bounded(engine.voice.speak(text, voice=wanted.voice), VOICE_DEADLINE_S) as pieces:
        async for piece in pieces:
            answer(ClauseSpoken(wanted.clause_id, resampler.process(piece.pcm)))
    answer(ClauseSpoken(wanted.clause_id, resampler.flush()))
