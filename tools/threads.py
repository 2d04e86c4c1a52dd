"""Threads for synchronous tools: few, daemonic, and replaceable where one hangs.

A thread cannot be killed. One whose tool has run out of time is abandoned: it is counted, replaced by a fresh one, and
ends by itself when its tool does. The pool belongs to one event loop; only `_serve` runs in the threads, and all book
keeping happens on the loop, so there are no locks.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from realtime_agent.errors import ToolCrashed, ToolError

T = TypeVar("T")

MAX_ABANDONED = 64
_CLOSE_S = 1.0
_numbers = itertools.count(1)


class _Job:
    __slots__ = ("context", "result", "work", "worker")

    def __init__(self, work: Callable[[], Any], result: asyncio.Future[tuple[bool, Any]]) -> None:
        self.work = work
        self.result = result
        self.context = contextvars.copy_context()
        self.worker: _Worker | None = None


class _Worker:
    __slots__ = ("inbox", "thread")

    def __init__(self, serve: Callable[[_Worker], None]) -> None:
        self.inbox: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        # Daemonic: a tool that hangs must not keep the program from ending.
        self.thread = threading.Thread(target=serve, args=(self,), name=f"tool-{next(_numbers)}", daemon=True)
        self.thread.start()


class ThreadPool:
    """Runs blocking functions off the loop, at most `max_threads` at a time; more wait their turn, in order.

    The number of waiting functions is bounded by who calls: `ToolRunner` takes a limited number of calls.
    """

    def __init__(self, max_threads: int) -> None:
        self._max_threads = max_threads
        self._loop = asyncio.get_running_loop()
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._waiting: deque[_Job] = deque()
        self._abandoned: set[_Worker] = set()

    @property
    def abandoned(self) -> int:
        """Threads whose function ran out of time and is still running."""
        return len(self._abandoned)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`, called in a thread. Cancelling returns at once and abandons the thread.

        Raises:
            ToolError: too many threads hang already.
            Exception: what `work` raised.
        """
        job = _Job(work, self._loop.create_future())
        self._give(job)
        try:
            done, value = await job.result
        except asyncio.CancelledError:
            self._abandon(job)
            raise
        if done:
            return value  # type: ignore[no-any-return]
        raise value if isinstance(value, Exception) else ToolCrashed(f"The tool ended with {type(value).__name__}.")

    def close(self) -> None:
        """Let idle threads end, and wait for that: microseconds. Hanging ones are left: they are daemonic."""
        self._waiting.clear()
        self._abandoned |= self._workers - set(self._idle)
        idle, self._idle = self._idle, []
        for worker in self._workers:
            worker.inbox.put(None)
        self._workers.clear()
        for worker in idle:
            worker.thread.join(_CLOSE_S)

    def _give(self, job: _Job) -> None:
        if self._idle:
            worker = self._idle.pop()
        elif len(self._workers) < self._max_threads:
            if len(self._abandoned) >= MAX_ABANDONED:
                job.result.set_result((False, ToolError("Too many tools hang. Try again later.", code="tool_busy")))
                return
            worker = _Worker(self._serve)
            self._workers.add(worker)
        else:
            self._waiting.append(job)
            return
        job.worker = worker
        worker.inbox.put(job)

    def _abandon(self, job: _Job) -> None:
        worker = job.worker
        if worker is None:
            if job in self._waiting:
                self._waiting.remove(job)
            return
        if worker not in self._workers or worker in self._idle:
            return
        self._workers.discard(worker)
        self._abandoned.add(worker)
        worker.inbox.put(None)
        if self._waiting:
            self._give(self._waiting.popleft())

    def _serve(self, worker: _Worker) -> None:
        while (job := worker.inbox.get()) is not None:
            try:
                outcome: tuple[bool, Any] = (True, job.context.run(job.work))
            except BaseException as error:  # noqa: BLE001 (a user's function; the thread must tell, whatever it was)
                outcome = (False, error)
            self._post(self._finished, worker, job, outcome)
            del job, outcome  # an idle thread keeps nothing alive
        self._post(self._abandoned.discard, worker)

    def _post(self, callback: Callable[..., object], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            pass  # the loop is closed: nobody wants to know any more

    def _finished(self, worker: _Worker, job: _Job, outcome: tuple[bool, Any]) -> None:
        if not job.result.done():
            job.result.set_result(outcome)
        if worker not in self._workers:
            return
        if self._waiting:
            job = self._waiting.popleft()
            job.worker = worker
            worker.inbox.put(job)
        else:
            self._idle.append(worker)
