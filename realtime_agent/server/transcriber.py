"""The shell around the ear: one decode at a time for a session, and of each item only the newest.

A decode that nobody needs any more is given up for an urgent one of the same item, or the person would wait for both.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from realtime_agent.audio.resample import resample
from realtime_agent.engine.parts import SpeechToText
from realtime_agent.errors import EngineError
from realtime_agent.server.actions import Heard, HearingFailed, Transcribe

logger = logging.getLogger("realtime_agent.server")

DEADLINE_S = 30.0
MAX_WAITING = 64


class Transcriber:
    """Asks the ear, in the order of the items. At most `MAX_WAITING` items wait; one more fails at once."""

    def __init__(
        self, ear: SpeechToText, answer: Callable[[Heard | HearingFailed], None], *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._ear = ear
        self._answer = answer
        self._deadline_s = deadline_s
        self._waiting: dict[str, Transcribe] = {}
        self._wake = asyncio.Event()
        self._decoding: tuple[str, asyncio.Task[Heard | HearingFailed]] | None = None

    def ask(self, wanted: Transcribe) -> None:
        """Transcribe this; an older wish for the same item is forgotten."""
        if wanted.item_id not in self._waiting and len(self._waiting) >= MAX_WAITING:
            self._answer(HearingFailed(wanted.item_id, wanted.revision, "Too much audio is waiting.", "overloaded"))
            return
        self._waiting[wanted.item_id] = wanted
        if wanted.urgent:
            self._give_up(wanted.item_id)
        self._wake.set()

    def stop(self, item_id: str) -> None:
        """Nobody wants to know any more."""
        self._waiting.pop(item_id, None)
        self._give_up(item_id)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            while self._waiting:
                wanted = self._waiting.pop(next(iter(self._waiting)))
                async with asyncio.TaskGroup() as group:
                    decode = group.create_task(self._transcribe(wanted))
                    self._decoding = (wanted.item_id, decode)
                self._decoding = None
                if not decode.cancelled():
                    self._answer(decode.result())
            self._wake.clear()

    def _give_up(self, item_id: str) -> None:
        if self._decoding is not None and self._decoding[0] == item_id:
            self._decoding[1].cancel()

    async def _transcribe(self, wanted: Transcribe) -> Heard | HearingFailed:
        try:
            async with asyncio.timeout(self._deadline_s):
                pcm = wanted.pcm
                if wanted.rate_hz != self._ear.rate_hz:
                    pcm = resample(pcm, wanted.rate_hz, self._ear.rate_hz)
                transcript = await self._ear.transcribe(pcm, language=wanted.language, prompt=wanted.prompt)
            return Heard(wanted.item_id, wanted.revision, transcript.text)
        except EngineError as error:
            return HearingFailed(wanted.item_id, wanted.revision, error.message, error.code)
        except TimeoutError:
            return HearingFailed(wanted.item_id, wanted.revision, "The ear took too long.", "engine_timeout")
        except Exception as error:
            logger.warning("the ear raised %s; its traceback is logged at DEBUG", type(error).__name__)
            logger.debug("the ear raised", exc_info=error)
            return HearingFailed(wanted.item_id, wanted.revision, f"The ear failed ({type(error).__name__}).")
