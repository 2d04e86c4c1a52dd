"""A worker process: started, asked one thing at a time with a deadline, killed when it does not answer.

Ear and voice call C and C++ that can crash and loop for ever, so they live in processes of their own. A worker is a
script (`worker_frames.py` is its side of the pipes). It answers once to say that it is ready, then once a request, and
ends when its input does. It also ends by itself at the deadline of a request that nobody is there to enforce.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from realtime_agent.errors import EngineError

_REQUEST = struct.Struct("!Id")  # length, and the deadline in seconds
_ANSWER = struct.Struct("!cI")
_GONE_S = 3.0
_CLOSE_S = 0.5
_LONGEST_ANSWER_BYTES = 64 * 1024 * 1024
_WORKERS_OWN_MARGIN_S = 1.0


class WorkerLost(EngineError):
    """A worker process did not answer in time, or died; it is gone."""

    code = "worker_lost"


@dataclass(frozen=True, slots=True)
class WorkerProgram:
    """What a worker runs.

    Attributes:
        owner: whose worker it is, for messages: "The voice".
        script: its path.
        arguments: of the script.
        isolated: it needs no packages but those whose folders it is told, and starts faster without.
        environment: added to ours.
        lost: what is raised where it is lost.
        ready_s: the longest that it may take to start: a cold disk and a busy machine.
    """

    owner: str
    script: Path
    arguments: tuple[str, ...] = ()
    isolated: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    lost: type[WorkerLost] = WorkerLost
    ready_s: float = 15.0


class WorkerProcess:
    """A running worker. One request at a time."""

    def __init__(self, program: WorkerProgram, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._program = program
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    @classmethod
    async def start(cls, program: WorkerProgram) -> WorkerProcess:
        """Start a worker and wait until it is ready.

        Raises:
            EngineError: it does not start, or says that it cannot work.
        """
        process = await _spawn(program)
        worker = cls(program, process)
        try:
            async with asyncio.timeout(program.ready_s):
                await worker._answer()
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            await worker.kill()
            raise EngineError(f"{program.owner}'s process does not start: it says nothing") from error
        except BaseException:  # it says why it cannot work, or we are cancelled
            await worker.kill()
            raise
        return worker

    async def ask(self, request: bytes, deadline_s: float) -> bytes:
        """The answer to a request.

        Not to be cancelled: the answer would stand in the pipe. Kill it instead.

        Raises:
            WorkerLost: no answer within `deadline_s`; the process is gone. Of the program's own class.
            EngineError: the worker refuses this request; the process lives.
        """
        program = self._program
        try:
            async with asyncio.timeout(deadline_s):
                self._requests.write(_REQUEST.pack(len(request), deadline_s + _WORKERS_OWN_MARGIN_S) + request)
                await self._requests.drain()
                return await self._answer()
        except TimeoutError as error:
            await self.kill()
            raise program.lost(f"{program.owner} did not answer within {deadline_s:.1f} s") from error
        except (asyncio.IncompleteReadError, OSError) as error:
            await self.kill()
            raise program.lost(f"{program.owner}'s process died") from error

    async def close(self) -> None:
        """Let the worker end, kill it if it does not. Idempotent."""
        self._requests.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._process.wait()
        except TimeoutError:
            pass
        await self.kill()

    async def kill(self) -> None:
        """End the process now and free its pipes. Idempotent."""
        if self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                pass  # it ended by itself just now
        self._requests.close()
        try:
            async with asyncio.timeout(_GONE_S):
                await self._answers.read()
                await self._process.wait()
        except TimeoutError:
            pass  # in the kernel's hands

    async def _answer(self) -> bytes:
        status, length = _ANSWER.unpack(await self._answers.readexactly(_ANSWER.size))
        if length > _LONGEST_ANSWER_BYTES:
            await self.kill()
            raise self._program.lost(f"{self._program.owner}'s process talks nonsense")
        body = await self._answers.readexactly(length)
        if status != b"+":
            raise EngineError(f"{self._program.owner} refuses: {body.decode('utf-8', 'replace')[:300]}")
        return body


async def _spawn(program: WorkerProgram) -> asyncio.subprocess.Process:
    flags = ("-I", "-S") if program.isolated else ("-I",)
    spawning = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(sys.executable, *flags, str(program.script), *program.arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | program.environment,
        )
    )
    try:
        return await asyncio.shield(spawning)
    except OSError as error:
        raise EngineError(f"{program.owner}'s process does not start: {error}") from error
    except asyncio.CancelledError:
        # Cancelled half way, asyncio would leave the process and its pipes to the garbage collector.
        await WorkerProcess(program, await spawning).kill()
        raise
