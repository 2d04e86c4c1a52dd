"""How many sessions one core holds, what a session costs, and how fast a tool call comes back, beside bare loops.

One scripted server on the second core; each client in a process of its own, pinned to the first. Microphone frames of
20 ms go up on schedule, audio deltas of 100 ms come down in real time. All is interleaved, every figure a median.

    held    sessions before the 99th percentile of lateness passes 20 ms: how much later than on schedule a frame was
            handed to the socket. The server's own view (when it arrived) is measured beside it.
    cpu     CPU seconds of a session-minute at 1, 10 and 50 sessions.
    tool    function call complete at the server until its output is there, at 10 sessions.
    barge   speech_started at the server until the truncation is there, at 10 sessions.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import random
import struct
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from tests.bench._rig import WARM_UP_S, ScriptedServer, in_child, interleaved, quantile, run_on, table
from tests.bench.bare_loops import FRAME_S, Client

# name: (module, class, event loop)
CLIENTS = {
    "websockets": ("bare_loops", "WebsocketsLoop", "asyncio"),
    "picows": ("bare_loops", "PicowsLoop", "uvloop"),
    "ours": ("our_session", "OurSession", "asyncio"),
    "ours-uvloop": ("our_session", "OurSession", "uvloop"),
    "ours-thread": ("our_session", "OurSessionWithThreads", "asyncio"),
    "pace": ("bare_loops", "PaceOnly", "asyncio"),
}
BASE = "websockets"
LATE_LIMIT_MS = 20.0

Progress = Callable[[str], None]


def microphone(kind: str) -> bytes:
    """Ten seconds of 24 kHz 16-bit audio: `silence`, or a quiet `room` (noise at -50 dBFS)."""
    samples = 24_000 * 10
    if kind == "silence":
        return bytes(2 * samples)
    noise = random.Random(7)
    return struct.pack(f"<{samples}h", *(int(noise.gauss(0, 104)) for _ in range(samples)))


async def client(options: argparse.Namespace) -> dict[str, Any]:
    """The child's side: hold so many sessions for so long."""
    module, name, _ = CLIENTS[options.client]
    make: Callable[[], Client] = getattr(importlib.import_module(f"tests.bench.{module}"), name)
    loop = asyncio.get_running_loop()
    audio = microphone(options.microphone)
    clients = [make() for _ in range(options.sessions)]
    handed: list[array[float]] = [array("d") for _ in clients]
    for one, times in zip(clients, handed, strict=True):
        await one.open(options.url, audio, _stamp(times, loop.time))
    # Microphones do not tick in step.
    starts = [loop.time() + 0.1 + FRAME_S * n / options.sessions for n in range(options.sessions)]
    for one, first_at in zip(clients, starts, strict=True):
        one.start(first_at)
    await asyncio.sleep(WARM_UP_S)
    cpu_at, deltas_at, at = time.process_time(), sum(one.deltas for one in clients), loop.time()
    await asyncio.sleep(options.seconds)
    spent_s, elapsed_s = time.process_time() - cpu_at, loop.time() - at
    deltas = sum(one.deltas for one in clients) - deltas_at
    late = []
    frames = 0
    for first_at, times in zip(starts, handed, strict=True):
        frames += sum(t >= at for t in times)
        late += [t - first_at - k * FRAME_S for k, t in enumerate(times) if t >= at]
        # A frame that is due and was not handed over at all is as late as it is overdue.
        late += [
            at + elapsed_s - first_at - k * FRAME_S
            for k in range(len(times), int((at + elapsed_s - first_at) / FRAME_S))
        ]
    late.sort()
    for one in clients:
        await one.close()
    return {
        "cpu": spent_s / elapsed_s * 60 / options.sessions,
        "late_p50_ms": quantile(late, 0.5) * 1000,
        "late_p99_ms": quantile(late, 0.99) * 1000,
        "frames": frames / (elapsed_s / FRAME_S * options.sessions),
        "deltas": deltas / (elapsed_s / 0.1 * options.sessions),
        "busy": spent_s / elapsed_s,
    }


def _stamp(times: array[float], clock: Callable[[], float]) -> Callable[[], None]:
    def stamp() -> None:
        times.append(clock())

    return stamp


class Rig:
    """Runs a client against the server and puts both views together."""

    def __init__(self, server: ScriptedServer, options: argparse.Namespace) -> None:
        self._server = server
        self._microphone: str = options.microphone

    def run(self, name: str, sessions: int, seconds: float, **wishes: int) -> dict[str, Any]:
        """One trial."""
        url = self._server.url(**wishes)
        size = ["--sessions", str(sessions), "--seconds", str(seconds), "--microphone", self._microphone]
        figures = in_child("sessions", "--client", name, "--url", url, *size, timeout_s=120 + seconds)
        seen = self._server.report()
        return figures | {"server_late_p99_ms": seen["late_p99_ms"]} | {k: seen[k] for k in ("tool_ms", "truncate_ms")}


def hold(rig: Rig, names: Sequence[str], seconds: float, limit: int, progress: Progress) -> dict[str, float]:
    """For each client the largest number of sessions on time; all searches go on in turns."""
    low = dict.fromkeys(names, 0)
    high: dict[str, int | None] = dict.fromkeys(names)
    searching = list(names)
    while searching:
        for name in list(searching):
            top = high[name]
            trial = min(limit, max(100, low[name] * 2)) if top is None else (low[name] + top) // 20 * 10
            figures = rig.run(name, trial, seconds, downlink_ms=100)
            on_time = figures["late_p99_ms"] <= LATE_LIMIT_MS and figures["frames"] > 0.98 and figures["deltas"] > 0.95
            progress(
                f"{name}: {trial} sessions, p99 {figures['late_p99_ms']:.1f} ms"
                f" (server {figures['server_late_p99_ms']:.1f}), core {figures['busy']:.0%} busy"
                f" {'held' if on_time else 'lost'}"
            )
            if on_time:
                low[name] = trial
            else:
                high[name] = trial
            top = high[name]
            if low[name] >= limit or (top is not None and top - low[name] <= max(10, top // 12)):
                searching.remove(name)
    return {name: float(n) for name, n in low.items()}


def main(argv: Sequence[str]) -> dict[str, object]:
    """Run all four measurements, or (with --client) one trial."""
    parser = argparse.ArgumentParser(prog="sessions")
    parser.add_argument("--quick", action="store_true", help="one short pass")
    parser.add_argument("--only", choices=["held", "cpu", "tool", "barge"], help="one of the four")
    parser.add_argument("--clients", default=None, help="comma-separated; default: all that go with the measurement")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--limit", type=int, default=2000, help="no more sessions than this")
    parser.add_argument("--microphone", choices=["room", "silence"], default="room")
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=None, help="of each trial")
    options, _ = parser.parse_known_args(argv)
    if options.client:
        options.seconds = options.seconds or 2.0
        print(json.dumps(run_on(CLIENTS[options.client][2], client(options))))
        return {}
    passes = 1 if options.quick else options.passes
    seconds = options.seconds or (2.0 if options.quick else 6.0)
    wanted = options.clients.split(",") if options.clients else None
    results: dict[str, object] = {}
    with ScriptedServer() as server:
        rig = Rig(server, options)
        for what, measure in (("held", _held), ("cpu", _cpu), ("tool", _tool), ("barge", _barge)):
            if options.only in (None, what):
                results[what] = measure(rig, passes, seconds, wanted, options)
    return results


def _progress(line: str) -> None:
    print(f"    {line}", file=sys.stderr, flush=True)


def _names(wanted: list[str] | None, *default: str) -> list[str]:
    return [name for name in wanted if name in CLIENTS] if wanted else list(default)


def _held(
    rig: Rig, passes: int, seconds: float, wanted: list[str] | None, options: argparse.Namespace
) -> dict[str, Any]:
    names = _names(wanted, "websockets", "picows", "ours", "ours-uvloop")
    rounds = [hold(rig, names, seconds, options.limit, _progress) for _ in range(passes)]
    medians = {name: median(r[name] for r in rounds) for name in names}
    base = medians.get(BASE)
    rows = [["sessions held on one core", "sessions", f"ratio to {BASE}", "reach"]]
    for name, n in medians.items():
        reach = ">= 2.00" if name.startswith("ours") else ""
        rows.append([name, f"{n:,.0f}", f"{n / base:.2f}" if base else "", reach])
    table(f"Full duplex until p99 uplink lateness > {LATE_LIMIT_MS:g} ms", rows)
    return {"medians": medians, "rounds": rounds}


def _cpu(
    rig: Rig, passes: int, seconds: float, wanted: list[str] | None, options: argparse.Namespace
) -> dict[str, Any]:
    names = _names(wanted, "websockets", "picows", "ours", "ours-uvloop", "pace")
    sizes = (1, 10, 50)

    def measure(name: str) -> dict[str, float]:
        figures = {n: rig.run(name, n, seconds, downlink_ms=100) for n in sizes}
        return {f"{what}@{n}": f[what] for n, f in figures.items() for what in ("cpu", "late_p99_ms")}

    result = interleaved(names, passes, measure)
    medians = result["medians"]
    base = medians.get(BASE)
    head = ["CPU s of a session-minute", *(cell for n in sizes for cell in (f"N={n}", "ratio"))]
    rows = [[*head, "reach", "p99 late @50, ms"]]
    for name, m in medians.items():
        cells = [
            cell
            for n in sizes
            for cell in (f"{m[f'cpu@{n}']:.3f}", f"{m[f'cpu@{n}'] / base[f'cpu@{n}']:.2f}" if base else "")
        ]
        reach = "<= 0.90" if name.startswith("ours") else ""
        rows.append([name, *cells, reach, f"{m['late_p99_ms@50']:.1f}"])
    table("CPU of a full-duplex session", rows)
    return result


def _tool(
    rig: Rig, passes: int, seconds: float, wanted: list[str] | None, options: argparse.Namespace
) -> dict[str, Any]:
    names = _names(wanted, "websockets", "picows", "ours", "ours-uvloop", "ours-thread")
    return _round_trip(
        rig, names, passes, seconds, "tool_ms", "Tool call complete to its output on the wire", "<= 1.00", tool_ms=200
    )


def _barge(
    rig: Rig, passes: int, seconds: float, wanted: list[str] | None, options: argparse.Namespace
) -> dict[str, Any]:
    names = _names(wanted, "websockets", "picows", "ours", "ours-uvloop")
    title = "speech_started to the truncation on the wire"
    return _round_trip(rig, names, passes, seconds, "truncate_ms", title, "", downlink_ms=100, speech_ms=500)


def _round_trip(
    rig: Rig, names: Sequence[str], passes: int, seconds: float, what: str, title: str, reach: str, **wishes: int
) -> dict[str, Any]:
    def measure(name: str) -> dict[str, float]:
        values = sorted(rig.run(name, 10, seconds, **wishes)[what])
        return {"count": len(values), "p50_ms": quantile(values, 0.5), "p99_ms": quantile(values, 0.99)}

    result = interleaved(names, passes, measure)
    medians = result["medians"]
    base = medians.get(BASE)
    rows = [["10 sessions", "p50 ms", "ratio", "p99 ms", "ratio", "samples", "reach (p50)"]]
    for name, m in medians.items():
        ratios = [f"{m[q] / base[q]:.2f}" if base else "" for q in ("p50_ms", "p99_ms")]
        cells = [f"{m['p50_ms']:.3f}", ratios[0], f"{m['p99_ms']:.3f}", ratios[1], f"{m['count']:.0f}"]
        rows.append([name, *cells, reach if name.startswith("ours") else ""])
    table(title, rows)
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
