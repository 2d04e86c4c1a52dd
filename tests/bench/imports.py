"""What `import realtime_agent` costs: time and memory of a fresh interpreter, beside an empty one."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from tests.bench._rig import ROOT, table

_PROBE = """
import json, resource, sys, time
began = time.perf_counter()
import realtime_agent
seconds = time.perf_counter() - began
optional = "numpy soxr sounddevice moonshine_voice picows httpx typer rich starlette aiortc".split()
heavy = [name for name in optional if name in sys.modules]
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, heavy]))
"""


def main(argv: Sequence[str]) -> dict[str, object]:
    """Medians of several fresh interpreters; the first, which writes bytecode, is not counted."""
    parser = argparse.ArgumentParser(prog="imports")
    parser.add_argument("--quick", action="store_true")
    runs = 3 if parser.parse_args(argv).quick else 11
    probes = [_probe() for _ in range(runs + 1)][1:]
    seconds, memory_mb = median(p[0] for p in probes), median(p[1] for p in probes)
    heavy = probes[0][2]
    table(
        "import realtime_agent",
        [
            ("what", "measured", "reach"),
            ("seconds", f"{seconds:.3f}", "≤ 0.3"),
            ("memory, MB", f"{memory_mb:.0f}", "≤ 40"),
            ("optional packages loaded", ", ".join(heavy) or "none", "none"),
        ],
    )
    return {"seconds": seconds, "memory_mb": memory_mb, "optional_packages": heavy}


def _probe() -> tuple[float, float, list[str]]:
    done = subprocess.run([sys.executable, "-c", _PROBE], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    seconds, memory_mb, heavy = json.loads(done.stdout)
    return seconds, memory_mb, heavy
