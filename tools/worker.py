"""Worker processes for isolated tools: started fresh (no fork), re-used while they behave, killed where they do not.

The other end is `worker_main.py`. Both talk in frames over the child's standard input and output:

    1 byte kind, 4 bytes length (big endian), that many bytes of UTF-8

    to the child:    S setup (JSON)   L load a function (JSON)   C call (JSON)
    from the child:  R ready, after S and after L   O output of the tool   E error (JSON)   A announcement

What comes from the child is not trusted: lengths are limited, and nothing but text is taken from it. A worker that
breaks the rules, dies, or is cancelled while it works is killed with everything it has started.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from realtime_agent.errors import (
    ToolArgumentsInvalid,
    ToolCrashed,
    ToolDenied,
    ToolError,
    ToolNotFound,
    ToolResultInvalid,
)
from realtime_agent.tools.tool import Tool
from realtime_agent.tools.worker_main import HEADER, WORKER_VARIABLE

logger = logging.getLogger("realtime_agent.tools")

_START_S = 20.0  # to start Python and import the tool's module, on a busy machine
_END_S = 1.0
_MAX_NOTE_BYTES = 65_536  # errors and announcements
_MAX_ANNOUNCEMENTS = 32  # a call
_KINDS = {one.code: one for one in (ToolCrashed, ToolArgumentsInvalid, ToolResultInvalid, ToolDenied, ToolNotFound)}
_MAIN = "__mp_main__"  # what `__main__` is called in the child, as multiprocessing does


class WorkerPool:
    """At most `max_workers` processes, one call each at a time; further calls wait for a free one."""

    def __init__(self, max_workers: int) -> None:
        self._free = asyncio.Semaphore(max_workers)
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._closed = False

    async def call(
        self,
        tool: Tool,
        call_id: str,
        arguments: str,
        start_clock: Callable[[], None],
        announce: Callable[[str], None],
    ) -> str:
        """The output of one call. `start_clock` is called when the worker has the function and begins.

        Cancelling kills the worker at once.

        Raises:
            ToolError: what the tool raised.
            ToolCrashed: the worker died, broke the rules, or could not be started.
        """
        try:
            async with asyncio.timeout(_START_S):
                await self._free.acquire()
        except TimeoutError:
            raise ToolError("All workers are busy. Try again later.", code="tool_busy") from None
        try:
            worker = await self._ready(tool)
            try:
                start_clock()
                output = await worker.call(tool, call_id, arguments, announce)
            except BaseException as error:
                if isinstance(error, ToolError) and not isinstance(error, WorkerLost):
                    self._idle.append(worker)
                else:
                    await self._discard(worker)
                raise
            self._idle.append(worker)
            return output
        finally:
            self._free.release()

    async def warm_up(self, tool: Tool) -> None:
        """Have one worker ready.

        Raises:
            ToolError: it cannot be started.
        """
        if not self._all:
            self._idle.append(await self._ready(tool))

    async def close(self) -> None:
        """Kill all workers. Idempotent, bounded."""
        self._closed = True
        self._idle.clear()
        for worker in self._all:
            worker.kill()
        for worker in list(self._all):
            await self._discard(worker)

    async def _ready(self, tool: Tool) -> Worker:
        """A worker that has imported the tool."""
        target = _address(tool)
        worker = self._idle.pop() if self._idle else await self._start()
        try:
            async with asyncio.timeout(_START_S):
                await worker.load(target)
        except TimeoutError:
            await self._discard(worker)
            raise ToolCrashed(f"The tool's module could not be loaded within {_START_S:g} seconds.") from None
        except BaseException:
            await self._discard(worker)
            raise
        return worker

    async def _start(self) -> Worker:
        if self._closed:
            raise ToolError("The session is over.", code="tool_cancelled")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the folder of the script holds modules of ours, with names that others have too
            str(Path(__file__).with_name("worker_main.py")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # its children are killed with it, and Ctrl-C is ours to handle
            env={**os.environ, WORKER_VARIABLE: "1"},
        )
        worker = Worker(process)
        self._all.add(worker)
        return worker

    async def _discard(self, worker: Worker) -> None:
        worker.kill()
        await worker.ended()
        self._all.discard(worker)  # last: where this is cancelled, close() finds the worker and waits again


class WorkerLost(ToolCrashed):
    """The worker process is gone, or can no longer be used."""


class Worker:
    """One process. Methods are called one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._loaded: set[str] = set()

    async def load(self, target: Mapping[str, Any]) -> None:
        """Have the function imported.

        Raises:
            ToolCrashed: it cannot be.
        """
        name = json.dumps(target)
        if name in self._loaded:
            return
        await self._send(b"L", {**target, "sys_path": sys.path})
        kind, payload = await self._read(_MAX_NOTE_BYTES)
        if kind != b"R":
            raise WorkerLost(_error(payload).message if kind == b"E" else "The worker process broke the rules.")
        self._loaded.add(name)

    async def call(self, tool: Tool, call_id: str, arguments: str, announce: Callable[[str], None]) -> str:
        """Call the loaded function.

        Raises:
            ToolError: what it raised.
            WorkerLost: the process died or broke the rules.
        """
        limit = tool.policy.max_output_bytes
        await self._send(
            b"C",
            {
                **_address(tool),
                "call_id": call_id,
                "name": tool.name,
                "arguments": arguments,
                "max_output_bytes": limit,
            },
        )
        for _ in range(_MAX_ANNOUNCEMENTS + 1):
            kind, payload = await self._read(max(limit, _MAX_NOTE_BYTES))
            if kind == b"O":
                return payload
            if kind == b"E":
                raise _error(payload)
            if kind != b"A":
                break
            announce(payload)
        raise WorkerLost("The worker process broke the rules.")

    def kill(self) -> None:
        """Kill the process and what it started, now."""
        if self._process.returncode is not None:
            return
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        except (ProcessLookupError, PermissionError):
            pass

    async def ended(self) -> None:
        """Wait until the process is gone and its pipes are closed; bounded."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_S):
                await self._process.wait()
                if self._process.stdout is not None:
                    await self._process.stdout.read()  # to its end, which lets asyncio close the pipe
                await asyncio.sleep(0)
        except TimeoutError:
            logger.error("Worker process %d does not die.", self._process.pid)  # noqa: TRY400 (no traceback to show)

    async def _send(self, kind: bytes, message: Mapping[str, Any]) -> None:
        payload = json.dumps(message).encode()
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(HEADER.pack(kind, len(payload)) + payload)
            await stdin.drain()
        except ConnectionError:
            raise await self._lost() from None

    async def _read(self, limit: int) -> tuple[bytes, str]:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            kind, length = HEADER.unpack(await stdout.readexactly(HEADER.size))
            if length > limit:
                raise WorkerLost("The worker process sent more than it may.")
            return kind, (await stdout.readexactly(length)).decode("utf-8", "replace")
        except (asyncio.IncompleteReadError, ConnectionError):
            raise await self._lost() from None

    async def _lost(self) -> WorkerLost:
        self.kill()
        await self.ended()
        code = self._process.returncode
        if code is not None and code < 0 and code != -signal.SIGKILL:
            return WorkerLost(f"The tool crashed its process ({signal.Signals(-code).name}).")
        return WorkerLost(f"The tool ended its process (exit code {code}).")


def _error(payload: str) -> ToolError:
    try:
        told = json.loads(payload)
        kind, message = _KINDS.get(told["code"]), str(told["message"])
        return kind(message) if kind is not None else ToolError(message, code=str(told["code"]))
    except (ValueError, KeyError, TypeError):
        return WorkerLost("The worker process broke the rules.")


def _address(tool: Tool) -> dict[str, str]:
    """Where the child finds the function.

    Raises:
        ToolError: nowhere.
    """
    if os.environ.get(WORKER_VARIABLE):
        # A script without `if __name__ == "__main__":` would start itself again and again.
        raise ToolError("An isolated tool cannot be called inside a worker process.", code="tool_unavailable")
    function = tool.function
    address = {"module": function.__module__, "function": function.__qualname__}
    if function.__module__ != "__main__":
        return address
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return {**address, "module": spec.name, "run_name": _MAIN}
    path = getattr(main, "__file__", None)
    if path is None:
        raise ToolError("An isolated tool must be written in a file.", code="tool_unavailable")
    return {**address, "path": str(Path(path).resolve()), "run_name": _MAIN}
