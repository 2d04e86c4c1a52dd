"""What the benchmarks share: processes pinned to cores, interleaved passes, medians, tables."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
WARM_UP_S = 3.0  # of a session, in which nothing counts: detectors load and adapt


def cores() -> tuple[int | None, int | None]:
    """The core of the client and the core of the server; None where the system cannot pin."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (usable[0], usable[0])


class ScriptedServer:
    """The scripted server as a child process."""

    def __init__(self, *, tls: bool = False) -> None:
        self._tls = tls
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.scripted_server"]
        if self._tls:
            self._folder = tempfile.TemporaryDirectory()
            command += ["--certificate", make_certificate(Path(self._folder.name))]
        if (core := cores()[1]) is not None:
            command += ["--core", str(core)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port: int = self._answer()["port"]
        return self

    def url(self, **wishes: int) -> str:
        """The address that gives a connection these wishes."""
        query = "&".join(f"{k}={v}" for k, v in {"model": 0, **wishes}.items())
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self.port}/v1/realtime?{query}"

    def report(self) -> dict[str, Any]:
        """The figures of all connections since the last report."""
        assert self._process.stdin
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=10)
        if self._folder:
            self._folder.cleanup()


def make_certificate(folder: Path) -> str:
    """A self-signed certificate with its key in one file, by the openssl command."""
    path = folder / "localhost.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    key = folder / "key.pem"
    subprocess.run(
        [*command, "-days", "2", "-keyout", key, "-out", path, *subject], check=True, stderr=subprocess.DEVNULL
    )
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return str(path)


def pin(core: int | None) -> None:
    """Bind this process to one core, before others where that is allowed: a neighbour's work is not what we measure."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        os.nice(-10)
    except (OSError, AttributeError):  # only root may, and not on Windows
        pass


def in_child(module: str, *arguments: str, timeout_s: float = 300) -> dict[str, Any]:
    """Run `python -m tests.bench.<module> <arguments>` pinned to the client's core; its last line is JSON."""
    core = cores()[0]
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=timeout_s,
        preexec_fn=lambda: pin(core),
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def run_on(loop: str, main: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Run on the standard loop or on uvloop."""
    if loop == "uvloop":
        import uvloop

        figures: dict[str, Any] = uvloop.run(main)
        return figures
    return asyncio.run(main)


def interleaved(names: Sequence[str], passes: int, measure: Callable[[str], dict[str, float]]) -> dict[str, Any]:
    """Measure every name once a pass, so that a busy minute of the machine meets all of them; medians and values."""
    values: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    for n in range(passes):
        for name in [*names[n % len(names) :], *names[: n % len(names)]]:
            for what, value in measure(name).items():
                values[name].setdefault(what, []).append(value)
    medians = {name: {what: median(v) for what, v in whats.items()} for name, whats in values.items()}
    return {"medians": medians, "values": values}


def quantile(ordered: Sequence[float], q: float) -> float:
    """Of sorted values; not a number where there are none."""
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else float("nan")


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a title; the first row is the head."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    print(f"\n{title}")
    for n, row in enumerate(rows):
        print(
            "  "
            + "  ".join(
                cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
        )
        if n == 0:
            print("  " + "  ".join("-" * w for w in widths))
    sys.stdout.flush()
