"""The embedded voice: SVOX Pico in guarded worker processes, shared fairly by all sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Sequence
from dataclasses import replace

from realtime_agent.engine.parts import SpokenClause
from realtime_agent.engine.pauses import set_pauses
from realtime_agent.engine.sanitise import harden, sanitise
from realtime_agent.engine.segment import split_clauses
from realtime_agent.engine.voice_process import SpeechRequest, VoiceHung, voice_program
from realtime_agent.engine.voices import FASTEST, OWN_VOICES, SLOWEST, find_voice
from realtime_agent.engine.worker_pool import WorkerPool
from realtime_agent.errors import EngineError

RATE_HZ = 16_000
DEADLINE_S = 2.0
DEADLINE_PER_CHARACTER_S = 0.005  # Pico needs 0.0003 at its own pace
_AHEAD_S = 1.0  # who has less to listen to is served first
_COST_OF_ASKING = 20  # in characters


class PicoVoice:
    """Text to speech, offline, in six languages. Implements `TextToSpeech` and `SharedVoice`.

    Each response has one clause at a time in the queue of all, and those whose listeners would soon hear nothing go
    first: first clauses before later ones, and long texts do not hold up others. What waits is bounded: beyond
    `max_waiting` clauses `speak` fails at once with code "overloaded". A worker that hangs or dies is replaced, and its
    clause tried once more in the plainest form; more than `max_restarts` a minute and the voice fails with code
    "voice_hung" until some have passed.

    Bound to the event loop that started it.
    """

    name = "pico"
    rate_hz = RATE_HZ

    def __init__(
        self, *, workers: int = 2, max_waiting: int = 128, max_restarts: int = 20, deadline_s: float = DEADLINE_S
    ) -> None:
        """`workers`: processes, about 15 MB each; one speaks 200 times faster than real time, two survive a hang."""
        self._deadline_s = deadline_s
        self._pool = WorkerPool(voice_program, workers=workers, max_waiting=max_waiting, max_restarts=max_restarts)

    @property
    def voices(self) -> Sequence[str]:
        return OWN_VOICES

    @property
    def pids(self) -> tuple[int, ...]:
        """The worker processes that run."""
        return self._pool.pids

    async def start(self) -> None:
        """Start the workers. Idempotent; after `close` it starts anew.

        Raises:
            MissingExtra: py-nanotts is not installed.
            EngineError: a worker does not start.
        """
        await self._pool.start()

    def for_response(self) -> ResponseVoice:
        """The voice as a new response has it."""
        return ResponseVoice(self)

    def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpokenClause]:
        """Speak clause by clause; `speed` is held between 0.25 and 1.5. What cannot be said has no PCM.

        Raises:
            EngineError: not started, no such voice ("unknown_voice"), too many wait ("overloaded"), or the voice failed
                twice at one clause ("voice_hung").
        """
        return self.for_response().speak(text, voice=voice, speed=speed)

    async def spoken(self, request: SpeechRequest, *, flow: Hashable, urgent: bool) -> bytes:
        """The sound of one clause, as the worker makes it: int16 little-endian, mono, 16 kHz."""
        plain = harden(request.text)
        try:
            return await self._ask(request, flow, urgent)
        except VoiceHung:
            pass  # or it died, which need not be the text's fault
        except EngineError as error:
            if plain == request.text or error.code != EngineError.code:
                raise
        return await self._ask(replace(request, text=plain), flow, urgent)

    async def close(self) -> None:
        """End the workers; what waits fails. Idempotent, and bounded."""
        await self._pool.close()

    async def _ask(self, request: SpeechRequest, flow: Hashable, urgent: bool) -> bytes:
        return await self._pool.ask(
            request.encode(),
            flow=flow,
            cost=_COST_OF_ASKING + len(request.text) / request.speed,
            urgent=urgent,
            deadline_s=self._deadline_s + DEADLINE_PER_CHARACTER_S * len(request.text) / request.speed,
        )


class ResponseVoice:
    """The voice as one response has it: it knows how much its listener still has to listen to."""

    name = PicoVoice.name
    rate_hz = RATE_HZ
    voices = OWN_VOICES

    def __init__(self, voice: PicoVoice) -> None:
        self._voice = voice
        self._heard_until: float | None = None  # when what was spoken so far will have been heard

    async def start(self) -> None:
        await self._voice.start()

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpokenClause]:
        chosen = find_voice(voice)
        speed = min(max(speed, SLOWEST), FASTEST)
        for clause in split_clauses(text):
            pcm = b""
            if words := sanitise(clause, language=chosen.language):
                request = SpeechRequest(words, chosen.base, speed=speed * chosen.pace, pitch=chosen.pitch)
                spoken = await self._voice.spoken(request, flow=self, urgent=self._is_urgent())
                pcm = set_pauses(spoken, clause, speed=speed)
                self._note(len(pcm) / 2 / RATE_HZ)
            yield SpokenClause(clause, pcm)

    async def close(self) -> None:
        """Does nothing: the voice is the engine's."""

    def _is_urgent(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._heard_until is None or self._heard_until - now < _AHEAD_S

    def _note(self, duration_s: float) -> None:
        now = asyncio.get_running_loop().time()
        self._heard_until = max(now, self._heard_until or now) + duration_s
