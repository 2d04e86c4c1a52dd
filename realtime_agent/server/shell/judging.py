"""The shell around the judge of turn ends."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable

from realtime_agent.engine.turn_end import TurnEnd
from realtime_agent.errors import EngineError
from realtime_agent.server.core.actions import JudgeTurnEnd, TurnJudged

logger = logging.getLogger("realtime_agent.server")

DEADLINE_S = 2.0  # a later verdict is none: by then the eager have waited for the longest silence


async def judge_turn_end(judge: TurnEnd, wanted: JudgeTurnEnd, answer: Callable[[TurnJudged], None]) -> None:
    """Ask the judge, and answer if there is a verdict."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            complete = await judge.judge(wanted.pcm, wanted.rate_hz, wanted.text)
    except (EngineError, TimeoutError) as error:
        logger.warning("no verdict on the end of a turn (%s)", getattr(error, "code", "deadline"))
        return
    except Exception as error:
        logger.warning("the judge of turn ends raised %s; its traceback is logged at DEBUG", type(error).__name__)
        logger.debug("the judge of turn ends raised", exc_info=error)
        return
    if math.isfinite(complete):
        answer(TurnJudged(wanted.item_id, wanted.revision, complete))
