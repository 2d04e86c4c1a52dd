"""Plain tools run in threads: they never block the loop, and one that hangs is replaced."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from realtime_agent.errors import ToolTimeout
from realtime_agent.tools import ToolRegistry, ToolRunner, tool
from realtime_agent.tools.threads import MAX_ABANDONED, ThreadPool

PATIENCE_S = 10.0


@pytest.fixture
async def release() -> AsyncIterator[threading.Event]:
    """What hanging tools wait for; set at the end, so that no thread outlives its test."""
    before = set(threading.enumerate())
    event = threading.Event()
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join, PATIENCE_S) if thread.name.startswith("tool-") else None


async def test_a_blocking_tool_does_not_stop_the_loop(release: threading.Event) -> None:
    @tool
    def block() -> str:
        end = time.perf_counter() + 0.2
        while time.perf_counter() < end:  # computes, too: the interpreter's lock is shared fairly
            sum(range(1000))
        return "done"

    runner = ToolRunner(ToolRegistry([block]))
    beats: list[float] = []

    async def beat() -> None:
        while True:
            beats.append(time.perf_counter())
            await asyncio.sleep(0.005)

    heart = asyncio.create_task(beat())
    outcome = await runner.run("c1", "block", "{}")
    heart.cancel()
    await runner.close()
    assert outcome.output == "done"
    assert max(after - before for before, after in itertools.pairwise(beats)) < 0.15


async def test_hanging_threads_are_replaced_and_later_calls_still_run(release: threading.Event) -> None:
    @tool(timeout_s=0.05)
    def hang() -> None:
        release.wait(PATIENCE_S)

    @tool
    def work(a: int) -> int:
        return a

    runner = ToolRunner(ToolRegistry([hang, work]), max_threads=2)
    async with asyncio.timeout(PATIENCE_S):
        hung = await asyncio.gather(*(runner.run(f"h{number}", "hang", "{}") for number in range(6)))
        assert [type(outcome.error) for outcome in hung] == [ToolTimeout] * 6
        outcomes = await asyncio.gather(*(runner.run(f"w{n}", "work", json.dumps({"a": n})) for n in range(20)))
        assert [outcome.output for outcome in outcomes] == [str(n) for n in range(20)]
        assert runner.stragglers >= 2
        release.set()
        await runner.close()


async def test_a_call_that_waited_too_long_for_a_thread_never_runs(release: threading.Event) -> None:
    ran: list[int] = []

    @tool(timeout_s=5)
    def hang() -> None:
        release.wait(PATIENCE_S)

    @tool(timeout_s=0.05)
    def work() -> None:
        ran.append(1)

    runner = ToolRunner(ToolRegistry([hang, work]), max_threads=1)
    runner.start("c1", "hang", "{}", lambda outcome: None)
    async with asyncio.timeout(PATIENCE_S):
        outcome = await runner.run("c2", "work", "{}")
        assert isinstance(outcome.error, ToolTimeout)
        release.set()
        assert (await runner.run("c3", "work", "{}")).error is None
    assert ran == [1]
    await runner.close()


async def test_more_work_than_threads_runs_in_order(release: threading.Event) -> None:
    pool = ThreadPool(1)
    done: list[int] = []
    await asyncio.gather(*(pool.run(lambda number=number: done.append(number)) for number in range(50)))  # type: ignore[misc]
    assert done == list(range(50))
    pool.close()


async def test_too_many_hanging_threads_are_refused(release: threading.Event) -> None:
    pool = ThreadPool(1)
    for _ in range(MAX_ABANDONED):
        waiting = asyncio.create_task(pool.run(lambda: release.wait(PATIENCE_S)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert pool.abandoned == MAX_ABANDONED
    with pytest.raises(Exception, match="Too many tools hang"):
        await pool.run(lambda: None)
    release.set()
    async with asyncio.timeout(PATIENCE_S):
        while pool.abandoned:  # noqa: ASYNC110 (threads that end tell nobody)
            await asyncio.sleep(0.002)
        await pool.run(lambda: None)
    pool.close()


async def test_context_variables_reach_the_thread(release: threading.Event) -> None:
    import contextvars

    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")

    @tool
    def ask() -> str:
        return who.get()

    runner = ToolRunner(ToolRegistry([ask]))
    who.set("Ada")
    assert (await runner.run("c1", "ask", "{}")).output == "Ada"
    await runner.close()


def test_a_hanging_thread_does_not_keep_the_program_from_ending(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, threading\n"
        "from realtime_agent.tools import ToolRegistry, ToolRunner, tool\n"
        "@tool(timeout_s=0.05)\n"
        "def hang() -> None:\n"
        "    threading.Event().wait()\n"
        "async def main():\n"
        "    runner = ToolRunner(ToolRegistry([hang]))\n"
        "    print((await runner.run('c1', 'hang', '{}')).error.code)\n"
        "    await runner.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout.strip() == "tool_timeout"
