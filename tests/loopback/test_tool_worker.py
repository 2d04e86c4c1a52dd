"""Isolated tools: real processes that hang, crash and misbehave."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from realtime_agent.errors import (
    ToolArgumentsInvalid,
    ToolCancelled,
    ToolCrashed,
    ToolError,
    ToolResultInvalid,
    ToolTimeout,
)
from realtime_agent.tools import Tool, ToolOutcome, ToolRegistry, ToolRunner, tool
from tests.loopback import isolated_tools

PATIENCE_S = 30.0
TOOLS = [each for each in vars(isolated_tools).values() if isinstance(each, Tool)]


@pytest.fixture
async def runner() -> AsyncIterator[ToolRunner]:
    made = ToolRunner(ToolRegistry([*TOOLS, tool(isolate=True)(isolated_tools.plain)]), max_workers=2)
    yield made
    await made.close()
    assert made.stragglers == 0


async def run(runner: ToolRunner, name: str, call_id: str = "", **arguments: Any) -> ToolOutcome:
    async with asyncio.timeout(PATIENCE_S):
        return await runner.run(call_id or f"{name}{time.perf_counter_ns()}", name, json.dumps(arguments))


def alive(pid: int) -> bool:
    try:
        # A zombie is dead: it waits for its parent to look.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until_dead(pid: int, within_s: float = 1.0) -> bool:
    deadline = time.perf_counter() + within_s
    while alive(pid) and time.perf_counter() < deadline:  # noqa: ASYNC110 (another process)
        await asyncio.sleep(0.002)
    return not alive(pid)


async def test_results_cross_the_process_as_they_would_from_a_thread(runner: ToolRunner) -> None:
    assert (await run(runner, "add", a=1)).output == "2"
    assert (await run(runner, "tomorrow", day="2026-11-20")).output == '"2026-11-21"'
    assert (await run(runner, "plain", a=4)).output == "8"
    assert (await run(runner, "write_into_the_pipe")).output == "clean"


async def test_a_worker_is_used_again_and_is_not_this_process(runner: ToolRunner) -> None:
    first, second = await run(runner, "process_id"), await run(runner, "process_id")
    assert first.output == second.output != str(os.getpid())


async def test_two_calls_have_two_workers_and_a_third_waits(runner: ToolRunner) -> None:
    outcomes = await asyncio.gather(*(run(runner, "process_id") for _ in range(6)))
    assert all(outcome.error is None for outcome in outcomes)
    assert len({outcome.output for outcome in outcomes}) <= 2


async def test_a_hanging_worker_is_killed_when_its_time_is_over(runner: ToolRunner) -> None:
    pid = int((await run(runner, "process_id")).output)
    outcome = await run(runner, "hang")
    assert isinstance(outcome.error, ToolTimeout)
    assert outcome.duration_s < 0.3 + 0.5
    assert await until_dead(pid)
    assert (await run(runner, "add", a=1)).output == "2", "the next call has a fresh worker"


async def test_a_worker_that_ignores_signals_is_killed_too(runner: ToolRunner, tmp_path: Path) -> None:
    outcome = await run(runner, "ignore_signals", pid_file=str(tmp_path / "pid"))
    assert isinstance(outcome.error, ToolTimeout)
    assert await until_dead(int((tmp_path / "pid").read_text()))


async def test_what_a_tool_has_started_is_killed_with_it(runner: ToolRunner, tmp_path: Path) -> None:
    outcome = await run(runner, "start_children", pid_file=str(tmp_path / "pid"))
    assert isinstance(outcome.error, ToolTimeout)
    assert await until_dead(int((tmp_path / "pid").read_text()))


async def test_a_crash_is_a_typed_error_and_the_next_call_works(runner: ToolRunner) -> None:
    outcome = await run(runner, "crash")
    assert isinstance(outcome.error, ToolCrashed)
    assert "SIGSEGV" in outcome.output
    assert (await run(runner, "add", a=1)).output == "2"


async def test_leaving_without_goodbye_is_a_typed_error(runner: ToolRunner) -> None:
    outcome = await run(runner, "leave")
    assert isinstance(outcome.error, ToolCrashed)
    assert "exit code 3" in outcome.output


async def test_a_huge_result_is_cut_before_it_crosses(runner: ToolRunner) -> None:
    outcome = await run(runner, "huge")
    assert outcome.error is None
    assert len(outcome.output.encode()) <= 32_768


async def test_errors_keep_their_type_and_their_secrets(runner: ToolRunner) -> None:
    assert isinstance((await run(runner, "not_json")).error, ToolResultInvalid)
    assert isinstance((await run(runner, "add", a="x")).error, ToolArgumentsInvalid)
    failed = await run(runner, "fail")
    assert isinstance(failed.error, ToolCrashed)
    assert "sesame" not in failed.output
    refused = await run(runner, "refuse")
    assert refused.error is not None
    assert (refused.error.code, refused.error.message) == ("card_expired", "The card has expired.")
    assert type(refused.error) is ToolError


async def test_announcements_come_through_and_the_session_does_not() -> None:
    heard: list[str] = []
    runner = ToolRunner(ToolRegistry(TOOLS), announce=heard.append, context=object())
    try:
        assert (await run(runner, "speak", "c1")).output == "c1 speak None"
        assert heard == ["half way"]
    finally:
        await runner.close()


async def test_a_worker_that_floods_us_is_killed(runner: ToolRunner) -> None:
    outcome = await run(runner, "chatter")
    assert isinstance(outcome.error, ToolCrashed)
    assert "rules" in outcome.output


async def test_cancelling_kills_the_worker(runner: ToolRunner, tmp_path: Path) -> None:
    answers: list[ToolOutcome] = []
    pid_file = tmp_path / "pid"
    runner.start("c1", "start_children", json.dumps({"pid_file": str(pid_file)}), answers.append)
    async with asyncio.timeout(PATIENCE_S):
        while not (pid_file.exists() and pid_file.read_text()):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.002)
    runner.cancel("c1")
    assert await until_dead(int(pid_file.read_text()))
    assert [type(answer.error) for answer in answers] == [ToolCancelled]


async def test_close_kills_workers_and_leaves_no_descriptor_open() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    await (await asyncio.create_subprocess_exec(sys.executable, "-c", "")).wait()  # what asyncio itself keeps
    before = descriptors()
    runner = ToolRunner(ToolRegistry(TOOLS))
    pid = int((await run(runner, "process_id")).output)
    waiting = asyncio.create_task(run(runner, "hang"))
    await asyncio.sleep(0)
    await runner.close()
    assert isinstance((await waiting).error, ToolCancelled)
    assert await until_dead(pid)
    assert descriptors() <= before


async def test_a_warm_worker_is_there_before_the_first_call(runner: ToolRunner) -> None:
    await runner.warm_up()
    await runner.warm_up()
    started = time.perf_counter()
    assert (await run(runner, "add", a=1)).output == "2"
    assert time.perf_counter() - started < 1.0


async def test_the_loop_goes_on_while_a_tool_holds_the_interpreter(runner: ToolRunner) -> None:
    await runner.warm_up()
    longest_s, last_s = 0.0, time.perf_counter()

    async def beat() -> None:
        nonlocal longest_s, last_s
        while True:
            await asyncio.sleep(0.005)
            now_s = time.perf_counter()
            longest_s, last_s = max(longest_s, now_s - last_s), now_s

    heart = asyncio.create_task(beat())
    outcome = await run(runner, "hold_the_lock")
    heart.cancel()
    assert isinstance(outcome.error, ToolTimeout)
    assert longest_s < 0.25  # a thread with the same regular expression stops the loop for hours


SCRIPT = """
import asyncio, sys
from realtime_agent.tools import ToolRegistry, ToolRunner, tool

@tool(isolate=True)
def double(a: int) -> int:
    return a * 2

async def main():
    runner = ToolRunner(ToolRegistry([double]))
    print((await runner.run("c1", "double", '{"a": 21}')).output)
    await runner.close()

%s
"""


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ('if __name__ == "__main__":\n    asyncio.run(main())', "42"),
        # Without the guard the worker starts the script again: it must neither hang nor multiply.
        ("asyncio.run(main())", "42"),
    ],
)
def test_a_tool_may_be_written_in_the_script_that_runs(tmp_path: Path, ending: str, expected: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT % ending)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout.strip() == expected


def test_the_worker_dies_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    ending = "async def go():\n    import os\n    runner = ToolRunner(ToolRegistry([double]))\n"
    ending += '    await runner.run("c1", "double", \'{"a": 1}\')\n'
    ending += "    print(next(iter(runner._workers._all))._process.pid, flush=True)\n    os._exit(0)\n"
    ending += 'if __name__ == "__main__":\n    asyncio.run(go())'
    script.write_text(SCRIPT % ending)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert asyncio.run(until_dead(int(done.stdout)))
