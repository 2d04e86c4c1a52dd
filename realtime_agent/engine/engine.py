"""An engine: an ear, a brain and a voice, started and closed together and shared by many sessions."""

from __future__ import annotations

import asyncio

from realtime_agent.engine.parts import Brain, SpeechToText, TextToSpeech
from realtime_agent.errors import EngineError, LocalProtocolError

START_DEADLINE_S = 60.0
CLOSE_DEADLINE_S = 5.0


class Engine:
    """The three parts of an engine. Make your own by passing your own parts; they are closed with it.

    Nothing is loaded before `start`; after `close` it cannot be started again.
    """

    def __init__(self, ear: SpeechToText, brain: Brain, voice: TextToSpeech) -> None:
        self.ear = ear
        self.brain = brain
        self.voice = voice
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
                    outcomes = await asyncio.gather(self.ear.start(), self.voice.start(), return_exceptions=True)
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
                    await asyncio.gather(
                        self.ear.close(), self.brain.close(), self.voice.close(), return_exceptions=True
                    )
            except TimeoutError:
                pass  # the parts were told; a part that hangs must not hang its users


def default_engine() -> Engine:
    """The engine that needs neither key nor network: Moonshine, the embedded brain, and Pico.

    Raises:
        MissingExtra: the parts are not installed.
    """
    from realtime_agent.engine.brain import EmbeddedBrain
    from realtime_agent.engine.ear import MoonshineEar
    from realtime_agent.engine.voice import PicoVoice

    return Engine(MoonshineEar(), EmbeddedBrain(), PicoVoice())
