"""A crowd at the served door: 1000 connections at once, served and refused; 1000 half-open ones beside good ones.

`python -m tests.bench server_connects`. Server and clients each have a process; the clients are bare sockets, so that
what is measured is the server. CPU is the server's, by connection.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COUNT = 1000
KEY = "sk-bench"


@dataclass(frozen=True)
class Served:
    """A server process."""

    process: subprocess.Popen[str]
    port: int

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def rss_mib(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20


def start(websocket: str, max_sessions: int) -> Served:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench._server_process", websocket, str(max_sessions), KEY],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return Served(process, int(process.stdout.readline()))


def request(port: int) -> bytes:
    return (
        f"GET /v1/realtime?model=m HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        f"Authorization: Bearer {KEY}\r\n\r\n"
    ).encode()


async def open_one(port: int, held: list[asyncio.StreamWriter]) -> tuple[int, float]:
    """The status, and the time until the first event or the whole refusal."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    held.append(writer)
    writer.write(request(port))
    status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
    await (reader.readexactly(2) if status == 101 else reader.read())
    return status, time.perf_counter() - began


async def crowd(served: Served, count: int) -> dict[str, Any]:
    held: list[asyncio.StreamWriter] = []
    cpu_s, began = served.cpu_s(), time.perf_counter()
    outcomes = await asyncio.gather(*(open_one(served.port, held) for _ in range(count)))
    took_s = time.perf_counter() - began
    figures = {
        "took_s": round(took_s, 2),
        "statuses": dict(Counter(status for status, _ in outcomes)),
        "p50_ms": round(statistics.median(s for _, s in outcomes) * 1000),
        "p99_ms": round(sorted(s for _, s in outcomes)[int(len(outcomes) * 0.99)] * 1000),
        "server_cpu_ms_each": round((served.cpu_s() - cpu_s) / count * 1000, 2),
        "server_rss_mib": round(served.rss_mib()),
    }
    for writer in held:
        writer.transport.abort()
    await asyncio.sleep(1)
    return figures


async def half_open(served: Served, count: int) -> dict[str, Any]:
    """How long good connections take beside half-open ones, and how long those are held."""
    began = time.perf_counter()
    halves = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(request(served.port)[:60])
        halves.append((reader, writer))
    held: list[asyncio.StreamWriter] = []
    good = [(await open_one(served.port, held))[1] for _ in range(100)]
    await asyncio.gather(*(reader.read() for reader, _ in halves), return_exceptions=True)
    freed_s = time.perf_counter() - began
    for writer in [*held, *(writer for _, writer in halves)]:
        writer.transport.abort()
    return {
        "good_p50_ms": round(statistics.median(good) * 1000, 1),
        "good_p95_ms": round(sorted(good)[95] * 1000, 1),
        "good_max_ms": round(max(good) * 1000, 1),
        "last_freed_after_s": round(freed_s, 1),
    }


def main(argv: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options, _ = parser.parse_known_args(argv)
    count = 100 if options.quick else COUNT
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    figures: dict[str, Any] = {}
    for websocket in ("ours",) if options.quick else ("ours", "websockets-sansio", "wsproto"):
        for max_sessions in (count, 32):
            served = start(websocket, max_sessions)
            try:
                asyncio.run(crowd(served, 100))  # warm
                name = f"{websocket}, room for {max_sessions}"
                figures[name] = asyncio.run(crowd(served, count))
                print(name, figures[name], flush=True)
                if websocket == "ours" and max_sessions == count:
                    figures["half-open"] = asyncio.run(half_open(served, count))
                    print("half-open", figures["half-open"], flush=True)
            finally:
                served.process.terminate()
                served.process.wait()
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
