"""The embedded voice: SVOX Pico in guarded worker processes, shared by all sessions."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from realtime_agent.engine.parts import SpokenClause
from realtime_agent.engine.pauses import set_pauses
from realtime_agent.engine.sanitise import harden, sanitise
from realtime_agent.engine.segment import split_clauses
from realtime_agent.engine.voice_process import SpeechRequest, VoiceHung, VoiceProcess
from realtime_agent.engine.voices import FASTEST, OWN_VOICES, SLOWEST, find_voice
from realtime_agent.errors import EngineError

RATE_HZ = 16_000
DEADLINE_S = 2.0
DEADLINE_PER_CHARACTER_S = 0.005  # Pico needs 0.0003 at its own pace
_RESTARTS_WINDOW_S = 60.0


class _Job:
    """One clause to be spoken, and who waits for it."""

    __slots__ = ("future", "request")

    def __init__(self, request: SpeechRequest, future: asyncio.Future[bytes]) -> None:
        self.request = request
        self.future = future


class PicoVoice:
    """Text to speech, offline, in six languages. Implements `TextToSpeech`.

    Each `speak` has one clause at a time in the queue of all: long texts do not hold up others. What waits is bounded:
    beyond `max_waiting` clauses `speak` fails at once with code "overloaded". A worker that hangs or dies is replaced,
    and its clause tried once more in the plainest form; more than `max_restarts` a minute and the voice fails with code
    "voice_hung" until some have passed.

    Bound to the event loop that started it.
    """

    name = "pico"
    rate_hz = RATE_HZ

    def __init__(
        self, *, workers: int = 1, max_waiting: int = 128, max_restarts: int = 20, deadline_s: float = DEADLINE_S
    ) -> None:
        """`workers`: processes, about 15 MB each; one speaks 200 times faster than real time."""
        self._worker_count = workers
        self._max_restarts = max_restarts
        self._deadline_s = deadline_s
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue(max_waiting)
        self._workers: dict[int, VoiceProcess] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._restarts: deque[float] = deque()
        self._starting = asyncio.Lock()

    @property
    def voices(self) -> Sequence[str]:
        return OWN_VOICES

    @property
    def pids(self) -> tuple[int, ...]:
        """The worker processes that run."""
        return tuple(worker.pid for worker in self._workers.values() if worker.running)

    async def start(self) -> None:
        """Start the workers. Idempotent; after `close` it starts anew.

        Raises:
            MissingExtra: py-nanotts is not installed.
            EngineError: a worker does not start.
        """
        async with self._starting:
            if self._tasks:
                return
            try:
                for number in range(self._worker_count):
                    self._workers[number] = await VoiceProcess.start()
            except BaseException:
                await self._end_workers()
                raise
            self._tasks = [
                asyncio.create_task(self._serve(number), name=f"voice-{number}") for number in range(self._worker_count)
            ]

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpokenClause]:
        """Speak clause by clause; `speed` is held between 0.25 and 1.5. What cannot be said has no PCM.

        Raises:
            EngineError: not started, no such voice ("unknown_voice"), too many wait ("overloaded"), or the voice failed
                twice at one clause ("voice_hung").
        """
        chosen = find_voice(voice)
        speed = min(max(speed, SLOWEST), FASTEST)
        for clause in split_clauses(text):
            pcm = b""
            if words := sanitise(clause, language=chosen.language):
                request = SpeechRequest(words, chosen.base, speed=speed * chosen.pace, pitch=chosen.pitch)
                pcm = set_pauses(await self._spoken(request), clause, speed=speed)
            yield SpokenClause(clause, pcm)

    async def close(self) -> None:
        """End the workers; what waits fails. Idempotent, and bounded."""
        async with self._starting:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            while not self._jobs.empty():
                _fail(self._jobs.get_nowait(), EngineError("The voice was closed", code="closed"))
            await self._end_workers()

    async def _end_workers(self) -> None:
        workers = list(self._workers.values())
        self._workers.clear()
        await asyncio.gather(*(worker.close() for worker in workers))

    async def _spoken(self, request: SpeechRequest) -> bytes:
        if not self._tasks:
            raise EngineError("The voice is not started", code="not_started")
        job = _Job(request, asyncio.get_running_loop().create_future())
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull:
            raise EngineError("The voice has more to say than it can", code="overloaded") from None
        return await job.future  # bounded: every job before it has its deadline, and close() fails what waits

    async def _serve(self, number: int) -> None:
        """One worker's life: takes a job, answers it, and is replaced when it dies."""
        while True:
            job = await self._jobs.get()
            if job.future.done():
                continue  # nobody waits any more
            try:
                pcm = await self._attempts(number, job.request)
            except EngineError as error:
                _fail(job, error)
            except asyncio.CancelledError:
                _fail(job, EngineError("The voice was closed", code="closed"))
                raise
            except Exception as error:  # noqa: BLE001 - the supervisor of the worker: the next job may well succeed
                _fail(job, EngineError(f"The voice failed ({type(error).__name__})"))
            else:
                if not job.future.done():
                    job.future.set_result(pcm)

    async def _attempts(self, number: int, request: SpeechRequest) -> bytes:
        plain = harden(request.text)
        try:
            return await self._attempt(number, request)
        except VoiceHung:
            pass  # or it died, which need not be the text's fault
        except EngineError:
            if plain == request.text:
                raise
        return await self._attempt(number, replace(request, text=plain))

    async def _attempt(self, number: int, request: SpeechRequest) -> bytes:
        worker = self._workers.get(number)
        if worker is None or not worker.running:
            worker = await self._replace(number)
        deadline_s = self._deadline_s + DEADLINE_PER_CHARACTER_S * len(request.text) / request.speed
        try:
            return await worker.speak(request, deadline_s)
        except VoiceHung:
            self._workers.pop(number, None)
            raise

    async def _replace(self, number: int) -> VoiceProcess:
        now = asyncio.get_running_loop().time()
        while self._restarts and self._restarts[0] < now - _RESTARTS_WINDOW_S:
            self._restarts.popleft()
        if len(self._restarts) >= self._max_restarts:
            raise VoiceHung(f"The voice's process died {len(self._restarts)} times within a minute")
        self._restarts.append(now)
        if dead := self._workers.pop(number, None):
            await dead.kill()  # frees its pipes
        self._workers[number] = worker = await VoiceProcess.start()
        return worker


def _fail(job: _Job, error: EngineError) -> None:
    if not job.future.done():
        job.future.set_exception(error)
