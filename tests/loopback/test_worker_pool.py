"""Worker processes shared by many: order, overload, death, and what is left in the end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import realtime_agent.engine.worker_process as worker_process
from realtime_agent.engine.worker_pool import WorkerPool
from realtime_agent.engine.worker_process import WorkerLost, WorkerProcess, WorkerProgram
from realtime_agent.errors import EngineError

_FRAMES_DIR = str(Path(worker_process.__file__).parent)
Ask = Callable[..., Awaitable[bytes]]


def _program(*extra: str, ready_s: float = 15.0) -> WorkerProgram:
    script = Path(__file__).with_name("pool_worker.py")
    return WorkerProgram("The test", script, (_FRAMES_DIR, *extra), isolated=True, ready_s=ready_s)


@asynccontextmanager
async def _pool(workers: int, *, max_waiting: int = 64, max_wait_s: float = 5.0) -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(_program, workers=workers, max_waiting=max_waiting, max_wait_s=max_wait_s)
    await pool.start()
    yield pool
    pids = pool.pids
    await pool.close()
    assert not any(map(_runs, pids))


async def _ask(
    pool: WorkerPool, order: str, *, flow: str = "", cost: float = 1.0, urgent: bool = True, deadline_s: float = 5.0
) -> bytes:
    return await pool.ask(order.encode(), flow=flow, cost=cost, urgent=urgent, deadline_s=deadline_s)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_is_not_urgent_never_has_all_workers() -> None:
    async with _pool(2) as pool:
        background = [asyncio.create_task(_ask(pool, "sleep 0.3", urgent=False, flow=str(n))) for n in range(3)]
        await asyncio.sleep(0.05)
        await _ask(pool, "pid")  # at once, on the worker that was kept for it
        assert not any(task.done() for task in background)
        workers = await asyncio.gather(*background)
        assert len(set(workers)) == 1


async def test_the_one_worker_of_a_pool_serves_everybody() -> None:
    async with _pool(1) as pool:
        assert await _ask(pool, "pid", urgent=False) == await _ask(pool, "pid")


async def test_sessions_are_served_in_turn() -> None:
    async with _pool(1) as pool:
        order: list[str] = []

        async def work(flow: str) -> None:
            await _ask(pool, "sleep 0.01", flow=flow)
            order.append(flow)

        busy = asyncio.create_task(_ask(pool, "sleep 0.1"))
        await asyncio.sleep(0.02)
        async with asyncio.TaskGroup() as group:
            for flow in ("greedy",) * 5 + ("modest",):
                group.create_task(work(flow))
        await busy
        assert order.index("modest") <= 1


async def test_urgent_work_that_would_wait_too_long_is_refused_at_once() -> None:
    async with _pool(1, max_wait_s=0.5) as pool:
        for _ in range(20):
            await _ask(pool, "sleep 0.02", cost=0.1)  # 0.2 s for each unit of cost
        waiting = [asyncio.create_task(_ask(pool, "sleep 0.01", cost=1.0)) for _ in range(10)]
        await asyncio.sleep(0)
        refused = [task for task in waiting if task.done()]
        assert 4 <= len(refused) <= 8
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {error.code for error in outcomes if isinstance(error, EngineError)} == {"overloaded"}


async def test_more_than_may_wait_is_refused_at_once() -> None:
    async with _pool(1, max_waiting=2) as pool:
        busy = asyncio.create_task(_ask(pool, "sleep 0.2"))
        await asyncio.sleep(0.02)
        outcomes = await asyncio.gather(*(_ask(pool, "pid") for _ in range(5)), return_exceptions=True)
        await busy
        assert [isinstance(outcome, EngineError) for outcome in outcomes] == [False, False, True, True, True]


async def test_a_worker_that_dies_costs_one_request_and_is_replaced() -> None:
    async with _pool(2) as pool:
        before = set(pool.pids)
        with pytest.raises(WorkerLost):
            await _ask(pool, "die")
        survivors = {int(await _ask(pool, "sleep 0.05")) for _ in range(4)}
        assert survivors & before
        outcomes = await asyncio.gather(*(_ask(pool, "sleep 0.2", flow=str(n)) for n in range(2)))
        assert len(set(outcomes)) == 2


async def test_a_worker_that_hangs_is_killed_at_its_deadline() -> None:
    async with _pool(1) as pool:
        (hung,) = pool.pids
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(WorkerLost):
            await _ask(pool, "sleep 30", deadline_s=0.2)
        assert loop.time() - started < 2.0
        assert not _runs(hung)
        await _ask(pool, "pid")


async def test_a_refusal_costs_no_worker() -> None:
    async with _pool(1) as pool:
        before = pool.pids
        with pytest.raises(EngineError, match="not this"):
            await _ask(pool, "refuse not this")
        assert await _ask(pool, "pid") == str(before[0]).encode()


async def test_cancelled_requests_give_up_their_places_and_disturb_nobody() -> None:
    async with _pool(1, max_waiting=1) as pool:
        busy = asyncio.create_task(_ask(pool, "sleep 0.2"))
        await asyncio.sleep(0.02)
        for _ in range(3):
            waiting = asyncio.create_task(_ask(pool, "pid"))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait((waiting,))
        busy.cancel()
        assert int(await _ask(pool, "pid")) == pool.pids[0]
        await asyncio.wait((busy,))


async def test_all_workers_dead_at_once_are_replaced_while_work_waits() -> None:
    async with _pool(2) as pool:
        for pid in pool.pids:
            os.kill(pid, signal.SIGKILL)
        outcomes = await asyncio.gather(*(_ask(pool, "pid") for _ in range(6)), return_exceptions=True)
        assert sum(isinstance(outcome, WorkerLost) for outcome in outcomes) <= 2
        assert sum(isinstance(outcome, bytes) for outcome in outcomes) >= 4


async def test_closing_in_the_middle_fails_all_and_is_bounded() -> None:
    async with _pool(2) as pool:
        tasks = [asyncio.create_task(_ask(pool, "sleep 20", deadline_s=30)) for _ in range(4)]
        await asyncio.sleep(0.05)
        pids = pool.pids
        loop = asyncio.get_running_loop()
        started = loop.time()
        await pool.close()
        assert loop.time() - started < 2.0
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [outcome.code for outcome in outcomes if isinstance(outcome, EngineError)] == ["closed"] * 4
        assert not any(map(_runs, pids))


async def test_a_worker_that_is_never_ready_is_an_error_and_is_gone() -> None:
    before = _children()
    with pytest.raises(EngineError, match="does not start"):
        await WorkerProcess.start(_program("mute", ready_s=0.3))
    assert _children() <= before


async def test_a_cancelled_start_leaves_no_process() -> None:
    before = _children()
    pool = WorkerPool(lambda: _program("mute"), workers=2, max_waiting=1)
    starting = asyncio.create_task(pool.start())
    while len(_children() - before) < 2:  # noqa: ASYNC110 - another process has no event for it
        await asyncio.sleep(0.01)
    starting.cancel()
    await asyncio.wait((starting,))
    assert _children() <= before
    assert not pool.started


def _children() -> set[int]:
    """Our child processes that run."""
    return {
        int(pid)
        for children in Path(f"/proc/{os.getpid()}/task").glob("*/children")
        for pid in children.read_text().split()
        if b"pool_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    }
