"""An engine: ear, brain, voice and perhaps a translator, started and closed together and shared by many sessions."""

from __future__ import annotations

import asyncio

from realtime_agent.engine.parts import Brain, SpeechToText, TextToSpeech
from realtime_agent.engine.translation.translator import Translator
from realtime_agent.engine.turn_end import HeuristicTurnEnd, TurnEnd
from realtime_agent.errors import EngineError, LocalProtocolError

START_DEADLINE_S = 60.0
CLOSE_DEADLINE_S = 5.0


class Engine:
    """The parts of an engine. Make your own by passing your own parts; they are closed with it.

    `turn_end` judges for `semantic_vad` whether a turn is over; by default by words and prosody. Without a translator
    there are no translation sessions on it. Nothing is loaded before `start`; after `close` it cannot be started again.
    """

    def __init__(
        self,
        ear: SpeechToText,
        brain: Brain,
        voice: TextToSpeech,
        translator: Translator | None = None,
        *,
        turn_end: TurnEnd | None = None,
    ) -> None:
        self.ear = ear
        self.brain = brain
        self.voice = voice
        self.translator = translator
        self.turn_end = turn_end or HeuristicTurnEnd()
        self._lock = asyncio.Lock()
        self._started = False
        self._closed = False

    @property
    def name(self) -> str:
        """What people call it: its parts' names."""
        return f"{self.ear.name} + {self.brain.name} + {self.voice.name}"

    async def start(self) -> None:
        """Load ear and voice, side by side. Idempotent; bounded in time.

        Raises:
            EngineError: a part cannot be loaded.
            LocalProtocolError: the engine is closed.
        """
        async with self._lock:
            if self._closed:
                raise LocalProtocolError("This engine is closed; make another one.")
            if self._started:
                return
            try:
                async with asyncio.timeout(START_DEADLINE_S):
                    starts = [self.ear.start(), self.voice.start(), self.turn_end.start()]
                    if self.translator is not None:
                        starts.append(self.translator.start())
                    outcomes = await asyncio.gather(*starts, return_exceptions=True)
            except TimeoutError:
                raise EngineError(f"The engine did not start within {START_DEADLINE_S:.0f} s.") from None
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            self._started = True

    async def close(self) -> None:
        """Release everything. Idempotent, bounded in time, safe after a failed start."""
        async with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                async with asyncio.timeout(CLOSE_DEADLINE_S):
                    closes = [self.ear.close(), self.brain.close(), self.voice.close(), self.turn_end.close()]
                    if self.translator is not None:
                        closes.append(self.translator.close())
                    await asyncio.gather(*closes, return_exceptions=True)
            except TimeoutError:
                pass  # the parts were told; a part that hangs must not hang its users


def default_engine() -> Engine:
    """The engine that needs neither key nor network: Moonshine, the embedded brain, Pico; and Apertium, if it is there.

    Raises:
        MissingExtra: the parts are not installed.
    """
    from realtime_agent.engine.brain import EmbeddedBrain
    from realtime_agent.engine.ear import MoonshineEar
    from realtime_agent.engine.translation.apertium import ApertiumTranslator
    from realtime_agent.engine.voice import PicoVoice

    return Engine(MoonshineEar(), EmbeddedBrain(), PicoVoice(), ApertiumTranslator())
