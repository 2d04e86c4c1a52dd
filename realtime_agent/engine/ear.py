"""The embedded ear: Moonshine in a few threads of its own, English, shared by all sessions."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from realtime_agent.engine.parts import Transcript
from realtime_agent.engine.piece_cache import PieceCache
from realtime_agent.errors import EngineError, MissingExtra, RealtimeAgentError

if TYPE_CHECKING:
    from realtime_agent.engine.moonshine import Moonshine

_Result = TypeVar("_Result")
RATE_HZ = 16_000
_CLOSE_S = 5.0


class _Job:
    """One utterance to be decoded, and who waits for its words."""

    __slots__ = ("dropped", "future", "pcm")

    def __init__(self, pcm: bytes, future: asyncio.Future[str]) -> None:
        self.pcm = pcm
        self.future = future
        self.dropped = False  # nobody waits any more


class MoonshineEar:
    """English speech to text, offline. Implements `SpeechToText`.

    Decodes off the event loop, one utterance a thread, first come first served. What waits is bounded: beyond
    `max_waiting` utterances `transcribe` fails at once with code "overloaded". A cancelled `transcribe` gives up its
    place; one that has begun stops at its next piece.

    The words of an utterance that only grew by silence since it was last transcribed cost nothing: ask for partials
    until the end of a turn, and the final text is there when the turn ends.

    Bound to the event loop that started it.
    """

    name = "moonshine-tiny-en"
    rate_hz = RATE_HZ
    reads_prompts = False

    def __init__(self, *, workers: int = 2, max_waiting: int = 64, deadline_s: float = 20.0) -> None:
        """`workers`: threads, about 120 MB each. `deadline_s`: the longest that one `transcribe` may take."""
        self._worker_count = workers
        self._max_waiting = max_waiting
        self._deadline_s = deadline_s
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()  # guards _waiting and _closing
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._finished: list[asyncio.Future[None]] = []
        self._starting = asyncio.Lock()

    @property
    def languages(self) -> tuple[str, ...]:
        return ("en",)

    async def start(self) -> None:
        """Load the model, once a thread, and warm it. Idempotent; after `close` it starts anew.

        Raises:
            MissingExtra: moonshine-voice is not installed.
            EngineError: the model cannot be loaded.
        """
        async with self._starting:
            if self._threads:
                return
            self._closing = False
            loop = asyncio.get_running_loop()
            cache = PieceCache()
            ready = [loop.create_future() for _ in range(self._worker_count)]
            self._finished = [loop.create_future() for _ in range(self._worker_count)]
            self._threads = [
                threading.Thread(target=self._work, args=(loop, cache, *futures), name=f"ear-{number}", daemon=True)
                for number, futures in enumerate(zip(ready, self._finished, strict=True))
            ]
            for thread in self._threads:
                thread.start()
            outcomes = await asyncio.gather(*ready, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            await self.close()
            raise failures[0]

    async def transcribe(self, pcm: bytes, *, language: str | None = None, prompt: str | None = None) -> Transcript:
        """The text of one utterance, whole or so far. Less than 100 ms has none. `prompt` is not used.

        Raises:
            EngineError: not started, another language than English ("unsupported_language"), too many wait
                ("overloaded"), too slow ("deadline"), or the model failed.
        """
        if language and not language.lower().startswith("en"):
            raise EngineError("The embedded ear understands English only", code="unsupported_language")
        if not self._threads:
            raise EngineError("The ear is not started", code="not_started")
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        job = _Job(pcm, future)
        with self._changed:
            if len(self._waiting) >= self._max_waiting:
                raise EngineError("The ear has more to listen to than it can", code="overloaded")
            self._waiting.append(job)
            self._changed.notify()
        try:
            async with asyncio.timeout(self._deadline_s):
                return Transcript(await future)
        except TimeoutError:
            raise EngineError(f"The ear took longer than {self._deadline_s:g} s", code="deadline") from None
        finally:
            self._drop(job)

    async def close(self) -> None:
        """Stop the threads and free the model; what waits fails. Idempotent, and bounded by one piece's decoding."""
        async with self._starting:
            with self._changed:
                self._closing = True
                dropped = list(self._waiting)
                self._waiting.clear()
                self._changed.notify_all()
            for job in dropped:
                _settle(job.future, "", EngineError("The ear was closed", code="closed"))
            if self._finished:
                await asyncio.wait(self._finished, timeout=_CLOSE_S)
            for thread, finished in zip(self._threads, self._finished, strict=True):
                if finished.done():
                    thread.join()  # its last act was to say so
            self._threads = []
            self._finished = []

    def _drop(self, job: _Job) -> None:
        job.dropped = True
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)

    # In the threads

    def _work(
        self,
        loop: asyncio.AbstractEventLoop,
        cache: PieceCache,
        ready: asyncio.Future[None],
        finished: asyncio.Future[None],
    ) -> None:
        model: Moonshine | None = None
        try:
            model = _load()
            _settle_from_thread(loop, ready, None)
            while (job := self._next()) is not None:
                _answer(model, cache, job, loop)
        except Exception as error:  # noqa: BLE001 - the thread's supervisor: whoever waits must hear of it
            _settle_from_thread(loop, ready, None, error)
        finally:
            if model is not None:
                model.close()
            _settle_from_thread(loop, finished, None)

    def _next(self) -> _Job | None:
        """The next job, or None when the ear closes."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            return None if self._closing else self._waiting.popleft()


def _load() -> Moonshine:
    try:
        from realtime_agent.engine.moonshine import Moonshine
    except ModuleNotFoundError as error:
        raise MissingExtra("The embedded ear", "engine") from error
    model = Moonshine()
    model.warm()
    return model


def _answer(model: Moonshine, cache: PieceCache, job: _Job, loop: asyncio.AbstractEventLoop) -> None:
    try:
        text = model.transcribe(job.pcm, cache, lambda: job.dropped)
    except RealtimeAgentError as error:
        _settle_from_thread(loop, job.future, "", error)
    except Exception as error:  # noqa: BLE001 - the thread's supervisor: one bad utterance must not deafen the rest
        _settle_from_thread(loop, job.future, "", EngineError(f"The ear failed ({type(error).__name__})"))
    else:
        _settle_from_thread(loop, job.future, text)


def _settle(future: asyncio.Future[_Result], result: _Result, error: BaseException | None = None) -> None:
    if future.done():
        return  # cancelled, or too late
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _settle_from_thread(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[_Result],
    result: _Result,
    error: BaseException | None = None,
) -> None:
    try:
        loop.call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:
        pass  # the loop is closed: nobody waits
