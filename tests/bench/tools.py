"""What running a tool costs beyond the tool itself, and how fast a hanging one is got rid of."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from realtime_agent.tools import ToolRegistry, ToolRunner, tool
from tests.loopback import isolated_tools

ARGUMENTS = '{"a": 40, "b": 2}'


@tool
async def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@tool(name="add_in_thread")
def add_in_thread(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


async def _each_us(count: int, call: Callable[[int], Awaitable[Any]]) -> float:
    """The median of five rounds, in microseconds a call."""
    rounds = []
    for number in range(5):
        started = time.perf_counter()
        for each in range(count):
            await call(number * count + each)
        rounds.append((time.perf_counter() - started) / count * 1e6)
    return statistics.median(rounds)


async def _on_loop_and_in_threads(count: int) -> dict[str, float]:
    async def bare(number: int) -> None:
        await add.function(**json.loads(ARGUMENTS))

    async def bare_task(number: int) -> None:
        await asyncio.get_running_loop().create_task(add.function(**json.loads(ARGUMENTS)))

    async def bare_thread(number: int) -> None:
        await asyncio.to_thread(add_in_thread.function, **json.loads(ARGUMENTS))

    runner = ToolRunner(ToolRegistry([add, add_in_thread]))
    try:
        return {
            "bare await, us": await _each_us(count, bare),
            "bare task, us": await _each_us(count, bare_task),
            "async tool, us": await _each_us(count, lambda n: runner.run(f"a{n}", "add", ARGUMENTS)),
            "bare to_thread, us": await _each_us(count // 10, bare_thread),
            "plain tool, us": await _each_us(count // 10, lambda n: runner.run(f"t{n}", "add_in_thread", ARGUMENTS)),
        }
    finally:
        await runner.close()


async def _in_processes(count: int) -> dict[str, float]:
    runner = ToolRunner(ToolRegistry([isolated_tools.add, isolated_tools.hang]))
    limit_s = isolated_tools.hang.policy.timeout_s
    try:
        started = time.perf_counter()
        await runner.warm_up()
        figures = {"worker process start, ms": (time.perf_counter() - started) * 1000}
        figures["isolated tool, us"] = await _each_us(count, lambda n: runner.run(f"i{n}", "add", ARGUMENTS))
        late_ms = []
        for number in range(5):
            await runner.run(f"w{number}", "add", ARGUMENTS)  # a fresh worker, if the last one was killed
            outcome = await runner.run(f"h{number}", "hang", "{}")
            late_ms.append((outcome.duration_s - limit_s) * 1000)
        figures["answer of a hanging one after its time, worst of 5, ms"] = max(late_ms)
        return figures
    finally:
        await runner.close()


def main(argv: list[str]) -> dict[str, float]:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tools")
    parser.add_argument("--quick", action="store_true")
    count = 500 if parser.parse_known_args(argv)[0].quick else 5000
    figures = asyncio.run(_on_loop_and_in_threads(count)) | asyncio.run(_in_processes(count // 20))
    for name, value in figures.items():
        print(f"{name:<56}{value:9.1f}")
    return figures
