"""The embedded ear: Moonshine in a few guarded worker processes, English, shared fairly by all sessions."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path

from realtime_agent.engine.ear_request import LONGEST_REQUEST_S, Decoded, Tail, make_request, read_answer
from realtime_agent.engine.parts import Transcript
from realtime_agent.engine.worker_pool import WorkerPool
from realtime_agent.engine.worker_process import WorkerLost, WorkerProgram
from realtime_agent.errors import EngineError, MissingExtra

RATE_HZ = 16_000
DEADLINE_S = 20.0
PIECE_DEADLINE_S = 10.0  # decoding the longest takes 0.5 s on an idle core
_COST_OF_ASKING_S = 0.2  # in seconds of sound
_MOST_WORKERS = 4
_SAMENESS_BYTES = 4096


class EarLost(WorkerLost):
    """A worker process of the ear hung or died, twice with the same sound."""

    code = "ear_lost"


class MoonshineEar:
    """English speech to text, offline. Implements `SpeechToText` and `SharedEar`.

    Decodes in worker processes, a piece at a time, fairly between sessions and urgent wishes first. What waits is
    bounded: where more than `max_waiting` wishes wait, or the urgent ones would take longer than `max_wait_s`,
    `transcribe` fails at once with code "overloaded". A cancelled `transcribe` gives up its place; one that has begun
    stops at its next piece. A worker that hangs or dies is replaced, and its piece tried once more.

    The words of an utterance that only grew by silence since it was last transcribed cost next to nothing: ask for
    partials until the end of a turn, and the final text is there when the turn ends.

    Bound to the event loop that started it.
    """

    name = "moonshine-tiny-en"
    rate_hz = RATE_HZ
    reads_prompts = False

    def __init__(
        self,
        *,
        workers: int | None = None,
        max_waiting: int = 64,
        max_wait_s: float = 5.0,
        deadline_s: float = DEADLINE_S,
        piece_deadline_s: float = PIECE_DEADLINE_S,
        max_restarts: int = 20,
    ) -> None:
        """
        Args:
            workers: processes, about 165 MB each; by default one for each core, at least 2 and at most 4.
            max_waiting: wishes that wait at most.
            max_wait_s: the longest that an urgent wish may have to wait for its turn.
            deadline_s: the longest that a piece of sound (12 s at most) may take, with its waiting.
            piece_deadline_s: the longest that a worker may take for it; then it is killed.
            max_restarts: of workers, a minute.
        """
        self._deadline_s = deadline_s
        self._piece_deadline_s = piece_deadline_s
        self._pool = WorkerPool(
            _program,
            workers=workers or min(max(2, os.cpu_count() or 2), _MOST_WORKERS),
            max_waiting=max_waiting,
            max_wait_s=max_wait_s,
            max_restarts=max_restarts,
            displace=True,
        )
        self._own = MoonshineSession(self._pool, deadline_s, piece_deadline_s)

    @property
    def languages(self) -> tuple[str, ...]:
        return ("en",)

    @property
    def pids(self) -> tuple[int, ...]:
        """The worker processes that run."""
        return self._pool.pids

    async def start(self) -> None:
        """Start the workers, which load and warm the model. Idempotent; after `close` it starts anew.

        Raises:
            MissingExtra: moonshine-voice is not installed.
            EngineError: the model cannot be loaded.
        """
        await self._pool.start()

    def for_session(self) -> MoonshineSession:
        """The ear as a new session has it."""
        return MoonshineSession(self._pool, self._deadline_s, self._piece_deadline_s)

    async def transcribe(self, pcm: bytes, *, language: str | None = None, prompt: str | None = None) -> Transcript:
        """The text of one utterance, whole or so far. Less than 100 ms has none. `prompt` is not used.

        Raises:
            EngineError: not started, another language than English ("unsupported_language"), too many wait
                ("overloaded"), too slow ("deadline"), or the model failed.
        """
        return await self._own.transcribe(pcm, rate_hz=RATE_HZ, utterance="", urgent=True, language=language)

    async def close(self) -> None:
        """End the workers; what waits fails. Idempotent, and bounded."""
        await self._pool.close()


class _Utterance:
    """What is known of an utterance that may grow."""

    __slots__ = ("last_bytes", "name", "rate_hz", "settled_bytes", "tail", "texts")

    def __init__(self, name: str, rate_hz: int) -> None:
        self.name = name
        self.rate_hz = rate_hz
        self.settled_bytes = 0
        self.last_bytes = b""  # before the end of what is settled
        self.texts: list[str] = []
        self.tail: Tail | None = None

    def continues(self, name: str, rate_hz: int, pcm: bytes) -> bool:
        """Whether `pcm` is the same utterance, and begins where it began."""
        end = self.settled_bytes
        same_sound = pcm[max(0, end - _SAMENESS_BYTES) : end] == self.last_bytes
        return (self.name, self.rate_hz) == (name, rate_hz) and same_sound

    def settle(self, decoded: Decoded, pcm: bytes) -> None:
        self.texts.append(decoded.text)
        self.settled_bytes += decoded.settled_bytes
        self.last_bytes = pcm[max(0, self.settled_bytes - _SAMENESS_BYTES) : self.settled_bytes]
        self.tail = None


class MoonshineSession:
    """The ear as one session has it. Implements `SessionEar`."""

    def __init__(self, pool: WorkerPool, deadline_s: float, piece_deadline_s: float) -> None:
        self._pool = pool
        self._deadline_s = deadline_s
        self._piece_deadline_s = piece_deadline_s
        self._known: _Utterance | None = None
        self._waits = False

    @property
    def waits(self) -> bool:
        """Whether the text asked for has not been begun."""
        return self._waits

    async def transcribe(
        self,
        pcm: bytes,
        *,
        rate_hz: int,
        utterance: str,
        urgent: bool,
        language: str | None = None,
        prompt: str | None = None,
    ) -> Transcript:
        """The text of an utterance, whole or so far; see `SessionEar`. What is settled is not decoded again.

        Raises:
            EngineError: as for `MoonshineEar.transcribe`.
        """
        if language and not language.lower().startswith("en"):
            raise EngineError("The embedded ear understands English only", code="unsupported_language")
        known, self._known = self._known, None  # nobody else settles the same meanwhile
        if known is None or not known.continues(utterance, rate_hz, pcm):
            known = _Utterance(utterance, rate_hz)
        self._waits = True
        try:
            while (decoded := await self._decode(known, pcm, urgent)).settled_bytes:
                known.settle(decoded, pcm)
            known.tail = decoded.tail
        finally:
            self._waits = False
            self._known = known
        return Transcript(" ".join(filter(None, [*known.texts, decoded.text])))

    async def _decode(self, known: _Utterance, pcm: bytes, urgent: bool) -> Decoded:
        """One piece."""
        longest_bytes = round(LONGEST_REQUEST_S * known.rate_hz) * 2
        sound = pcm[known.settled_bytes : known.settled_bytes + longest_bytes]
        request = make_request(sound, known.rate_hz, known.tail)
        cost = _COST_OF_ASKING_S + len(sound) / 2 / known.rate_hz
        try:
            async with asyncio.timeout(self._deadline_s):
                return read_answer(await self._ask(request, cost, urgent))
        except TimeoutError:
            raise EngineError(f"The ear took longer than {self._deadline_s:g} s", code="deadline") from None

    async def _ask(self, request: bytes, cost: float, urgent: bool) -> bytes:
        deadline_s = self._piece_deadline_s

        async def ask() -> bytes:
            return await self._pool.ask(
                request, flow=self, cost=cost, urgent=urgent, deadline_s=deadline_s, begun=self._note_begun
            )

        try:
            return await ask()
        except EarLost:  # which need not be the sound's fault
            return await ask()

    def _note_begun(self) -> None:
        self._waits = False


def _program() -> WorkerProgram:
    if importlib.util.find_spec("moonshine_voice") is None:
        raise MissingExtra("The embedded ear", "engine")
    return WorkerProgram(
        owner="The ear",
        script=Path(__file__).with_name("ear_worker.py"),
        arguments=(json.dumps(sys.path),),
        environment={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        lost=EarLost,
        ready_s=30.0,
    )
