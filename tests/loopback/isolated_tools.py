"""Tools that the worker process tests import, by name, in another process."""

from __future__ import annotations

import asyncio
import ctypes
import datetime
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from realtime_agent.errors import ToolError
from realtime_agent.tools import ToolContext, tool


@tool(isolate=True)
def add(a: int, b: int = 1) -> int:
    return a + b


@tool(isolate=True)
async def tomorrow(day: datetime.date) -> datetime.date:
    await asyncio.sleep(0)
    return day + datetime.timedelta(days=1)


@tool(isolate=True)
def process_id() -> int:
    return os.getpid()


@tool(isolate=True, timeout_s=0.3)
def hang() -> None:
    time.sleep(3600)


@tool(isolate=True, timeout_s=0.3)
def hold_the_lock() -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")


@tool(isolate=True, timeout_s=0.3)
def ignore_signals(pid_file: str) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    Path(pid_file).write_text(str(os.getpid()))
    while True:
        time.sleep(1)


@tool(isolate=True, timeout_s=0.5)
def start_children(pid_file: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    Path(pid_file).write_text(str(child.pid))
    child.wait()


@tool(isolate=True)
def crash() -> None:
    ctypes.string_at(0)


@tool(isolate=True)
def leave() -> None:
    os._exit(3)


@tool(isolate=True)
def huge() -> str:
    return "é" * 50_000_000


@tool(isolate=True)
def not_json() -> object:
    return object()


@tool(isolate=True)
def fail() -> None:
    raise ValueError("password=sesame")


@tool(isolate=True)
def refuse() -> None:
    raise ToolError("The card has expired.", code="card_expired")


@tool(isolate=True)
def speak(context: ToolContext) -> str:
    context.announce("half way")
    return f"{context.call_id} {context.tool_name} {context.session}"


@tool(isolate=True)
def chatter(context: ToolContext) -> None:
    while True:
        context.announce("and another thing")


def plain(a: int) -> int:
    """Made a tool by somebody else."""
    return a * 2


@tool(isolate=True)
def write_into_the_pipe() -> str:
    os.write(1, b"rubbish")
    sys.__stdout__.write("rubbish")  # type: ignore[union-attr]
    return "clean"
