"""`python -m tests.bench [--quick] [--results FOLDER] [name ...]`: run all benchmarks, or the named ones."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
from pathlib import Path

import tests.bench as package

# They are started by others, and are no benchmarks themselves.
_PARTS = ("scripted_server", "bare_loops", "our_session")


def names() -> list[str]:
    """All benchmarks, by the name of their module."""
    found = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return sorted(name for name in found if not name.startswith("_") and name not in _PARTS)


def run(argv: list[str]) -> None:
    """Run them one after another; a figure is worth most on a machine that does nothing else."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(names())}; default: all")
    parser.add_argument("--quick", action="store_true", help="short runs, to see that everything works")
    parser.add_argument("--results", type=Path, default=None, help="also write each benchmark's figures as JSON here")
    options, rest = parser.parse_known_args(argv)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, {cores} cores"
    print(machine)
    for name in options.names or names():
        print(f"\n=== {name}", flush=True)
        figures = importlib.import_module(f"tests.bench.{name}").main([*(["--quick"] if options.quick else []), *rest])
        if options.results:
            options.results.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"machine": machine, "figures": figures}, indent=1)
            (options.results / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    run(sys.argv[1:])
