"""A few worker processes shared by many: who is served when, and what happens when a worker dies.

Work waits in a `FairQueue`. Work that is not urgent never has all workers, so what a person waits for is begun at once
unless other urgent work is under way. What cannot be begun within `max_wait_s`, going by how fast the workers were
lately, is refused at once: a clear no is worth more than a late yes.

A worker that dies takes with it only what it was working on. It is replaced before it is given more; after
`max_restarts` within a minute, only when some have passed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable

from realtime_agent.engine.fair_queue import FairQueue, QueueFull
from realtime_agent.engine.worker_process import WorkerLost, WorkerProcess, WorkerProgram
from realtime_agent.errors import EngineError

_RESTARTS_WINDOW_S = 60.0
_LOOK_AGAIN_S = 1.0
_NEWEST_SHARE = 0.1  # of the newest measurement in the average


class _Job:
    """A request, and who waits for the answer."""

    __slots__ = ("begun", "cost", "deadline_s", "future", "request")

    def __init__(self, request: bytes, deadline_s: float, cost: float, begun: Callable[[], None] | None) -> None:
        self.request = request
        self.deadline_s = deadline_s
        self.cost = cost
        self.begun = begun
        self.future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def fail(self, error: EngineError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class WorkerPool:
    """Bound to the event loop that started it."""

    def __init__(
        self,
        make_program: Callable[[], WorkerProgram],
        *,
        workers: int,
        max_waiting: int,
        max_wait_s: float = 5.0,
        max_restarts: int = 20,
        displace: bool = False,
    ) -> None:
        """
        Args:
            make_program: what the workers run; called by `start`.
            workers: how many.
            max_waiting: how many requests wait at most; one more fails.
            max_wait_s: how long urgent work may have to wait.
            max_restarts: of all workers, a minute.
            displace: whether urgent work takes the place of other work where the queue is full.
        """
        self._make_program = make_program
        self._worker_count = workers
        self._max_waiting = max_waiting
        self._max_wait_s = max_wait_s
        self._max_restarts = max_restarts
        self._displace = displace
        self._program: WorkerProgram | None = None
        self._queue = self._new_queue()
        self._wake = asyncio.Event()
        self._background = 0  # workers busy with what is not urgent
        self._s_per_cost = 0.0
        self._workers: dict[int, WorkerProcess] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._restarts: deque[float] = deque()
        self._starting = asyncio.Lock()

    @property
    def started(self) -> bool:
        return bool(self._tasks)

    @property
    def pids(self) -> tuple[int, ...]:
        """The worker processes that run."""
        return tuple(worker.pid for worker in self._workers.values() if worker.running)

    async def start(self) -> None:
        """Start the workers, side by side. Idempotent; after `close` it starts anew.

        Raises:
            MissingExtra: what they need is not installed.
            EngineError: one does not start.
        """
        async with self._starting:
            if self._tasks:
                return
            program = self._program = self._make_program()
            starts = [asyncio.create_task(WorkerProcess.start(program)) for _ in range(self._worker_count)]
            try:
                outcomes = await asyncio.gather(*starts, return_exceptions=True)  # and when cancelled, waits as well
            finally:
                self._workers = {number: start.result() for number, start in enumerate(starts) if _succeeded(start)}
                if len(self._workers) < self._worker_count:
                    await self._end_workers()
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            self._queue = self._new_queue()
            self._tasks = [
                asyncio.create_task(self._serve(number), name=f"{program.owner} {number}")
                for number in range(self._worker_count)
            ]

    async def ask(
        self,
        request: bytes,
        *,
        flow: Hashable,
        cost: float,
        urgent: bool,
        deadline_s: float,
        begun: Callable[[], None] | None = None,
    ) -> bytes:
        """A worker's answer. Cancelling this gives up the place in the queue.

        Args:
            request: as the worker wants it.
            flow: who asks: between flows the pool is fair.
            cost: what it costs, in any unit.
            urgent: whether a person waits for it in silence.
            deadline_s: for the worker, once it has begun.
            begun: called when it has.

        Raises:
            WorkerLost: the worker died of it, or there is none; of the program's own class.
            EngineError: not started, too much to do ("overloaded"), closed, or the worker refuses.
        """
        owner = self._program.owner if self._program is not None else "The engine"
        if not self._tasks:
            raise EngineError(f"{owner} is not started", code="not_started")
        if urgent and self._queue.urgent_cost * self._s_per_cost > self._max_wait_s * self._worker_count:
            raise _overloaded(owner)
        job = _Job(request, deadline_s, cost, begun)
        try:
            ticket, displaced = self._queue.push(job, flow=flow, cost=cost, urgent=urgent)
        except QueueFull:
            raise _overloaded(owner) from None
        if displaced is not None:
            displaced.fail(_overloaded(owner))
        self._wake.set()
        try:
            return await job.future  # bounded: every job before it has its deadline, and close() fails what waits
        finally:
            self._queue.discard(ticket)

    async def close(self) -> None:
        """End the workers; what waits fails. Idempotent, and bounded."""
        async with self._starting:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for job in self._queue.drain():
                job.fail(self._closed())
            await self._end_workers()

    def _new_queue(self) -> FairQueue[_Job]:
        return FairQueue(self._max_waiting, displace=self._displace)

    async def _end_workers(self) -> None:
        workers = list(self._workers.values())
        self._workers.clear()
        await asyncio.gather(*(worker.close() for worker in workers))

    async def _serve(self, number: int) -> None:
        """One worker's life: takes a job, answers it, and is replaced when it dies."""
        while True:
            try:
                await self._living(number)
            except EngineError:
                if self.pids:  # others can do what this one would only fail
                    await asyncio.sleep(_LOOK_AGAIN_S)
                    continue
            job, background = await self._next()
            try:
                answer = await self._attempt(number, job)
            except EngineError as error:
                job.fail(error)
            except asyncio.CancelledError:
                job.fail(self._closed())
                raise
            except Exception as error:  # noqa: BLE001 - the supervisor of the worker: the next job may well succeed
                job.fail(EngineError(f"The worker failed ({type(error).__name__})"))
            else:
                if not job.future.done():
                    job.future.set_result(answer)
            finally:
                if background:
                    self._background -= 1
                    self._wake.set()

    async def _next(self) -> tuple[_Job, bool]:
        """The next job, and whether it counts as background work."""
        while True:
            full = self._background >= max(1, self._worker_count - 1)
            urgent = self._queue.pop(urgent_only=True)
            job = urgent if urgent is not None or full else self._queue.pop()
            if job is None:
                self._wake.clear()
                await self._wake.wait()
            elif not job.future.done():
                if urgent is None:
                    self._background += 1
                return job, urgent is None

    async def _attempt(self, number: int, job: _Job) -> bytes:
        worker = await self._living(number)
        if job.begun is not None:
            job.begun()
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            answer = await worker.ask(job.request, job.deadline_s)
        except WorkerLost:
            self._workers.pop(number, None)
            raise
        newest = (loop.time() - started) / job.cost
        self._s_per_cost += _NEWEST_SHARE * (newest - self._s_per_cost)
        return answer

    async def _living(self, number: int) -> WorkerProcess:
        """This worker, a new one where it is dead.

        Raises:
            EngineError: it does not start.
            WorkerLost: too many had to be started lately.
        """
        assert self._program is not None
        worker = self._workers.get(number)
        if worker is not None and worker.running:
            return worker
        now = asyncio.get_running_loop().time()
        while self._restarts and self._restarts[0] < now - _RESTARTS_WINDOW_S:
            self._restarts.popleft()
        if len(self._restarts) >= self._max_restarts:
            raise self._program.lost(f"{self._program.owner}'s process died {len(self._restarts)} times in a minute")
        self._restarts.append(now)
        if dead := self._workers.pop(number, None):
            await dead.kill()  # frees its pipes
        self._workers[number] = worker = await WorkerProcess.start(self._program)
        return worker

    def _closed(self) -> EngineError:
        assert self._program is not None
        return EngineError(f"{self._program.owner} was closed", code="closed")


def _overloaded(owner: str) -> EngineError:
    return EngineError(f"{owner} has more to do than it can", code="overloaded")


def _succeeded(task: asyncio.Task[WorkerProcess]) -> bool:
    return not task.cancelled() and task.exception() is None
