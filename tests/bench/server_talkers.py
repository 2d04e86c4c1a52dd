"""How many people can talk to one server at once, each asking a question every ten seconds, and where that ends.

The embedded engine with its real models, in two settings: sessions in this process, behind the embedded model
(`embedded`), and the real server in a process of its own, behind real sockets (`socket`). All talkers run in this
process, on the same cores. Questions are spoken by the embedded voice and transcribed while they are spoken.

*First audio* is the time from the last audible sample to the first sound of the reply. It holds the 500 ms of silence
by which the server knows that a turn is over; *turn end* is when it says so. *Gap* is by how much the sound of a reply
came later than a player that began with its first sound would have needed it: more than 0 is a stutter.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from realtime_agent.engine.engine import Engine, default_engine
from realtime_agent.errors import ConnectFailed
from realtime_agent.server.core.vad_turns import SpeechDetector
from realtime_agent.server.shell.runner import default_detector
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.model.embedded import EmbeddedModel
from realtime_agent.transports.model.websocket import WebSocketModel
from tests.bench._rig import quantile, table
from tests.bench._talkers import QUESTION_EVERY_S, Figures, Question, Talker, make_questions

REACH_P95_MS = 1000.0
SIZES = (1, 5, 10, 15, 20, 30)
_FULL_AFTER_S = 3.0
_KNOCK_EVERY_S = 0.2
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class _Clock:
    """CPU time of processes, and of the speech detectors among it."""

    def __init__(self, main: int) -> None:
        self._main = main
        self._began = time.monotonic()
        self.vad_s = 0.0
        self._at_start = self._cpu_s()

    def make_detector(self, rate_hz: int, threshold: float) -> SpeechDetector:
        """The default one, with a clock."""
        detector = default_detector(rate_hz, threshold)

        class Timed:
            def process(_, pcm: bytes) -> bool:
                began = time.perf_counter()
                speech = detector.process(pcm)
                self.vad_s += time.perf_counter() - began
                return speech

        return Timed()

    def shares(self) -> dict[str, float]:
        """Of one core, since the start."""
        elapsed_s = time.monotonic() - self._began
        now = self._cpu_s()
        shares = {name: (seconds - self._at_start.get(name, 0.0)) / elapsed_s for name, seconds in now.items()}
        return {**shares, "vad": self.vad_s / elapsed_s}

    def _cpu_s(self) -> dict[str, float]:
        seconds: dict[str, float] = {"main": _process_s(self._main), "ear": 0.0, "voice": 0.0}
        for child in Path(f"/proc/{self._main}/task").glob("*/children"):
            for pid in map(int, child.read_text().split()):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                for name in ("ear", "voice"):
                    if f"{name}_worker".encode() in command:
                        seconds[name] += _process_s(pid)
        return seconds


def _process_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def make_engine(name: str) -> Engine:
    """`embedded`, or a function `module:name` that makes one."""
    if name == "embedded":
        return default_engine()
    module, _, attribute = name.partition(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)()
    return engine


async def _converse(
    models: Sequence[Model], questions: list[Question], seconds: float, figures: Figures, *, transcribe: bool
) -> dict[str, float]:
    """Everybody talks at once. Returns how late this process's event loop was."""
    places = random.Random(len(models))
    until = asyncio.get_running_loop().time() + seconds
    late: list[float] = []
    watching = asyncio.create_task(_watch(late))
    async with asyncio.TaskGroup() as group:
        for index, model in enumerate(models):
            own = questions[index % len(questions) :] + questions[: index % len(questions)]
            offset_s = places.uniform(0.5, min(QUESTION_EVERY_S, seconds / 3))
            group.create_task(Talker(figures, own, until).talk(model, offset_s, transcribe=transcribe))
    watching.cancel()
    late.sort()
    return {"loop_p50_ms": quantile(late, 0.5), "loop_p99_ms": quantile(late, 0.99), "loop_max_ms": late[-1]}


async def _watch(late: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        await asyncio.sleep(0.005)
        late.append((loop.time() - began - 0.005) * 1000)


async def _embedded(
    options: argparse.Namespace, questions: list[Question], size: int, figures: Figures
) -> dict[str, float]:
    engine = make_engine(options.engine)
    await engine.start()
    clock = _Clock(os.getpid())
    models = [EmbeddedModel(engine, make_detector=clock.make_detector)] * size
    late = await _converse(models, questions, options.seconds, figures, transcribe=not options.without_transcripts)
    shares = clock.shares()
    await engine.close()
    return {**late, **shares}


async def _socket(
    options: argparse.Namespace, questions: list[Question], size: int, figures: Figures
) -> dict[str, float]:
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench._talker_server", options.engine, str(size)), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        port = int(await server.stdout.readline())
        clock = _Clock(server.pid)
        model = WebSocketModel(f"ws://127.0.0.1:{port}/v1/realtime")
        knocking = asyncio.create_task(_knock(model, figures))
        transcribe = not options.without_transcripts
        await _converse([model] * size, questions, options.seconds, figures, transcribe=transcribe)
        knocking.cancel()
        await asyncio.wait((knocking,))
        return clock.shares()
    finally:
        server.terminate()
        await server.wait()


async def _knock(model: Model, figures: Figures) -> None:
    """One session too many, again and again: a server that is full says so, and those inside do not notice."""
    await asyncio.sleep(_FULL_AFTER_S)
    while True:
        try:
            await model.connect(Talker(figures, [], 0.0))
            figures.note_error("one too many was let in")
        except ConnectFailed as refused:
            if "503" not in str(refused):
                figures.note_error(f"refused with {refused.code}")
            figures.refused += 1
        await asyncio.sleep(_KNOCK_EVERY_S)


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    questions = await make_questions(24)
    ways: dict[str, Callable[..., Any]] = {"embedded": _embedded, "socket": _socket}
    result: dict[str, Any] = {}
    for way in options.ways.split(","):
        head = ["sessions", "replies", "p50 ms", "p95 ms", "turn end", "p95", "worst gap", "stutters", "refused"]
        rows = [[*head, "ear", "vad", "voice", "main", "loop p99", "errors"]]
        for size in map(int, options.sizes.split(",")):
            figures = Figures()
            shares = await ways[way](options, questions, size, figures)
            entry = _summary(figures, shares)
            result[f"{way}@{size}"] = entry
            rows.append(_row(size, entry))
            print(f"{way} {size}: {entry}", file=sys.stderr, flush=True)
        table(f"{way}: a question every {QUESTION_EVERY_S:g} s each; reach: p95 <= {REACH_P95_MS:g} ms at 10", rows)
    return result


def _summary(figures: Figures, shares: dict[str, float]) -> dict[str, Any]:
    first, turn_end = sorted(figures.first_audio_ms), sorted(figures.turn_end_ms)
    gaps, late = sorted(figures.gaps_ms), sorted(figures.late_ms)
    return {
        "asked": figures.asked,
        "replies": len(first),
        "p50_ms": quantile(first, 0.5),
        "p95_ms": quantile(first, 0.95),
        "turn_end_p50_ms": quantile(turn_end, 0.5),
        "turn_end_p95_ms": quantile(turn_end, 0.95),
        "gap_max_ms": gaps[-1] if gaps else 0.0,
        "stutters": sum(gap > 0 for gap in gaps),
        "refused": figures.refused,
        "talkers_late_p99_ms": quantile(late, 0.99),
        "errors": figures.errors,
        **{name: round(value, 3) for name, value in shares.items()},
    }


def _row(size: int, entry: dict[str, Any]) -> list[str]:
    cells = [f"{entry['p50_ms']:.0f}", f"{entry['p95_ms']:.0f}"]
    cells += [f"{entry['turn_end_p50_ms']:.0f}", f"{entry['turn_end_p95_ms']:.0f}"]
    cells += [f"{entry['gap_max_ms']:.0f}", str(entry["stutters"]), str(entry["refused"])]
    cells += [f"{100 * entry[name]:.0f} %" if name in entry else "" for name in ("ear", "vad", "voice", "main")]
    cells.append(f"{entry['loop_p99_ms']:.1f}" if "loop_p99_ms" in entry else "")
    return [str(size), f"{entry['replies']}/{entry['asked']}", *cells, str(entry["errors"] or "")]


def main(argv: Sequence[str]) -> dict[str, object]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--ways", default="embedded,socket")
    parser.add_argument("--sizes", default=None, help="numbers of sessions, with commas")
    parser.add_argument("--seconds", type=float, default=None, help="of each run")
    parser.add_argument("--engine", default="embedded", help="or module:function, which makes one")
    parser.add_argument("--without-transcripts", action="store_true", help="nobody reads along: no partials")
    options = parser.parse_args(argv)
    options.sizes = options.sizes or ("1,5" if options.quick else ",".join(map(str, SIZES)))
    with contextlib.suppress(OSError):
        os.nice(-10)  # as the other benchmarks: a neighbour's work is not what we measure
    options.seconds = options.seconds or (15.0 if options.quick else 40.0)
    return asyncio.run(_measure(options))


if __name__ == "__main__":
    main(sys.argv[1:])
