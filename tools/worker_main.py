"""The child of `worker.py`: a process that imports tools by name and calls them, one after the other.

Run as a script, so that it starts without importing anything of ours but what a tool's own module needs.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import struct
import sys
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, BinaryIO

HEADER = struct.Struct(">cI")
WORKER_VARIABLE = "REALTIME_AGENT_TOOL_WORKER"

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_SIGKILL = 9


def main() -> None:
    """Serve until the parent is gone."""
    _die_with_parent()
    output, source = _take_pipes()
    write_lock = threading.Lock()

    def send(kind: bytes, payload: str) -> None:
        data = payload.encode("utf-8", "replace")
        with write_lock:  # announcements may come from any thread of the tool
            output.write(HEADER.pack(kind, len(data)) + data)
            output.flush()

    requests: SimpleQueue[tuple[bytes, dict[str, Any]]] = SimpleQueue()
    threading.Thread(target=_read, args=(source, requests), daemon=True).start()
    tools: dict[str, Any] = {}
    while True:
        kind, request = requests.get()
        key = f"{request.get('path') or request['module']}:{request['function']}"
        if kind == b"L":
            _answer(send, partial(_load, request, tools, key))
        else:
            _answer(send, partial(_call, request, tools[key], send))


def _die_with_parent() -> None:
    """Also where a tool holds the interpreter's lock, so that no thread of ours notices."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Our pipes, out of the tool's reach: what it prints goes to standard error, and it reads nothing."""
    source = os.fdopen(os.dup(0), "rb")
    output = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return output, source


def _read(source: BinaryIO, requests: SimpleQueue[tuple[bytes, dict[str, Any]]]) -> None:
    while True:
        header = source.read(HEADER.size)
        if len(header) < HEADER.size:
            os._exit(0)  # the parent is gone
        kind, length = HEADER.unpack(header)
        requests.put((kind, json.loads(source.read(length))))


def _answer(send: Callable[[bytes, str], None], work: Callable[[], tuple[bytes, str]]) -> None:
    try:
        kind, payload = work()
    except BaseException as error:  # noqa: BLE001 (a user's module or function; the parent is told whatever it was)
        kind, payload = b"E", _told(error)
    send(kind, payload)


def _told(error: BaseException) -> str:
    code, message = getattr(error, "code", None), getattr(error, "message", None)
    if type(error).__module__ == "realtime_agent.errors" or _is_tool_error(error):
        return json.dumps({"code": str(code), "message": str(message)})
    import traceback

    traceback.print_exception(error)  # to standard error, for the developer; the model hears only the type
    return json.dumps({"code": "tool_crashed", "message": f"The tool failed ({type(error).__name__})."})


def _is_tool_error(error: BaseException) -> bool:
    errors = sys.modules.get("realtime_agent.errors")
    return errors is not None and isinstance(error, errors.ToolError)


def _load(request: dict[str, Any], tools: dict[str, Any], key: str) -> tuple[bytes, str]:
    sys.path[:] = request["sys_path"]
    if "path" in request:
        names = runpy.run_path(request["path"], run_name=request["run_name"])
    elif "run_name" in request:
        names = runpy.run_module(request["module"], run_name=request["run_name"], alter_sys=True)
    else:
        names = vars(importlib.import_module(request["module"]))
    from realtime_agent.tools.tool import make_tool

    tools[key] = make_tool(names[request["function"]])
    return b"R", ""


def _call(request: dict[str, Any], tool: Any, send: Callable[[bytes, str], None]) -> tuple[bytes, str]:
    from realtime_agent.tools.context import ToolContext
    from realtime_agent.tools.results import encode_result

    values = tool.arguments.read(request["arguments"])
    if tool.arguments.context_parameter is not None:
        values[tool.arguments.context_parameter] = ToolContext(
            request["call_id"], request["name"], None, lambda text: send(b"A", str(text))
        )
    value = tool.function(**values)
    if tool.is_async:
        import asyncio

        async def wait() -> Any:
            return await value

        value = asyncio.run(wait())
    return b"O", encode_result(value, request["max_output_bytes"])


if __name__ == "__main__":
    main()
