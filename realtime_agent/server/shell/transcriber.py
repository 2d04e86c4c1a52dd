"""The shell around the ear: one decode at a time for a session, and of each item only the newest.

What an answer of the agent waits for goes first, and has what nobody needs any more given up: a decode of the same item
that is under way, or the person would wait for both. A partial that the ear has not begun yields to a newer one. How
often there are partials is `partial_pace.py`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from realtime_agent.engine.parts import SpeechToText
from realtime_agent.engine.sharing import ear_for_session
from realtime_agent.errors import EngineError
from realtime_agent.server.core.actions import Heard, HearingFailed, Transcribe
from realtime_agent.server.core.partial_pace import PartialPace

logger = logging.getLogger("realtime_agent.server")

DEADLINE_S = 30.0
DEADLINE_SHARE = 0.2  # of the audio's length, besides
MAX_WAITING = 64


class Transcriber:
    """Asks the ear, in the order of the items. At most `MAX_WAITING` items wait; one more fails at once."""

    def __init__(
        self, ear: SpeechToText, answer: Callable[[Heard | HearingFailed], None], *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._ear = ear_for_session(ear)
        self._answer = answer
        self._deadline_s = deadline_s
        self._waiting: dict[str, Transcribe] = {}
        self._wake = asyncio.Event()
        self._decoding: tuple[Transcribe, asyncio.Task[Heard | HearingFailed]] | None = None
        self._pace = PartialPace()

    def ask(self, wanted: Transcribe) -> None:
        """Transcribe this; an older wish for the same item is forgotten."""
        if wanted.item_id not in self._waiting and len(self._waiting) >= MAX_WAITING:
            self._answer(HearingFailed(wanted.item_id, wanted.revision, "Too much audio is waiting.", "overloaded"))
            return
        self._waiting[wanted.item_id] = wanted
        if wanted.urgent or self._ear.waits:
            self._give_up(wanted.item_id)
        self._wake.set()

    def stop(self, item_id: str) -> None:
        """Nobody wants to know any more."""
        self._waiting.pop(item_id, None)
        self._give_up(item_id)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            wanted = await self._next()
            async with asyncio.TaskGroup() as group:
                asked_at = asyncio.get_running_loop().time()
                decode = group.create_task(self._transcribe(wanted))
                self._decoding = (wanted, decode)
            self._decoding = None
            if not decode.cancelled():
                if not wanted.urgent:
                    self._pace.note(asked_at, asyncio.get_running_loop().time())
                self._answer(decode.result())

    async def _next(self) -> Transcribe:
        """What is wanted next: first what is urgent, and the rest when its time has come."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            urgent = (wanted for wanted in self._waiting.values() if wanted.urgent)
            wanted = next(urgent, None) or next(iter(self._waiting.values()), None)
            wait_s = None if wanted is None else self._pace.wait_s(loop.time())
            if wanted is not None and (wanted.urgent or not wait_s):
                return self._waiting.pop(wanted.item_id)
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                pass  # it is time

    def _give_up(self, item_id: str) -> None:
        if self._decoding is not None and self._decoding[0].item_id == item_id:
            self._decoding[1].cancel()

    async def _transcribe(self, wanted: Transcribe) -> Heard | HearingFailed:
        try:
            async with asyncio.timeout(self._deadline_s + DEADLINE_SHARE * len(wanted.pcm) / 2 / wanted.rate_hz):
                transcript = await self._ear.transcribe(
                    wanted.pcm,
                    rate_hz=wanted.rate_hz,
                    utterance=wanted.item_id,
                    urgent=wanted.urgent,
                    language=wanted.language,
                    prompt=wanted.prompt,
                )
            return Heard(wanted.item_id, wanted.revision, transcript.text)
        except EngineError as error:
            return HearingFailed(wanted.item_id, wanted.revision, error.message, error.code)
        except TimeoutError:
            return HearingFailed(wanted.item_id, wanted.revision, "The ear took too long.", "engine_timeout")
        except Exception as error:
            logger.warning("the ear raised %s; its traceback is logged at DEBUG", type(error).__name__)
            logger.debug("the ear raised", exc_info=error)
            return HearingFailed(wanted.item_id, wanted.revision, f"The ear failed ({type(error).__name__}).")
