"""One voice worker process: started, asked with a deadline, killed when it does not answer."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import struct
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from realtime_agent.errors import EngineError, MissingExtra

_WORKER = Path(__file__).with_name("voice_worker.py")
_LENGTH = struct.Struct("!I")
_ANSWER = struct.Struct("!cI")
_READY_S = 15.0  # a cold disk and a busy machine; warm it takes 0.05 s
_GONE_S = 3.0
_LONGEST_ANSWER_BYTES = 64 * 1024 * 1024
_WORKERS_OWN_MARGIN_S = 1.0
# Pico reads memory that it never wrote. With this, glibc hands it zeroed pages each time: the same text then always
# gives the same sound, and hangs always or never. (Measured: three different sounds in 40 without, one with.)
_FRESH_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "131072"}


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What the worker is to say. `text` is not sanitised here."""

    text: str
    voice: str
    speed: float = 1.0
    pitch: float = 1.0
    volume: float = 0.5


class VoiceHung(EngineError):
    """The worker process did not answer in time, or died; it has been killed."""

    code = "voice_hung"


class VoiceProcess:
    """A running worker. One request at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
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
    async def start(cls) -> VoiceProcess:
        """Start a worker and wait until it can speak.

        Raises:
            MissingExtra: py-nanotts is not installed.
            EngineError: it does not start.
        """
        package = importlib.util.find_spec("py_nanotts")
        if package is None or package.origin is None:
            raise MissingExtra("The embedded voice", "engine")
        package_dir = str(Path(package.origin).parent.parent)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_WORKER), package_dir),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=os.environ | _FRESH_MEMORY,
            )
        except OSError as error:
            raise EngineError(f"The voice's process does not start: {error}") from error
        worker = cls(process)
        try:
            async with asyncio.timeout(_READY_S):
                await worker._answer()
        except (TimeoutError, asyncio.IncompleteReadError, EngineError) as error:
            await worker.kill()
            raise EngineError("The voice's process does not start: it says nothing") from error
        except asyncio.CancelledError:
            await worker.kill()
            raise
        return worker

    async def speak(self, request: SpeechRequest, deadline_s: float) -> bytes:
        """The PCM of the request: int16 little-endian, mono, 16 kHz.

        Not to be cancelled: the answer would stand in the pipe. Kill it instead.

        Raises:
            VoiceHung: no answer within `deadline_s`; the process is gone.
            EngineError: the voice refuses this text; the process lives.
        """
        body = json.dumps(asdict(request) | {"deadline_s": deadline_s + _WORKERS_OWN_MARGIN_S}).encode()
        try:
            async with asyncio.timeout(deadline_s):
                self._requests.write(_LENGTH.pack(len(body)) + body)
                await self._requests.drain()
                return await self._answer()
        except TimeoutError as error:
            await self.kill()
            raise VoiceHung(f"The voice did not answer within {deadline_s:.1f} s") from error
        except (asyncio.IncompleteReadError, OSError) as error:
            await self.kill()
            raise VoiceHung("The voice's process died") from error

    async def close(self) -> None:
        """Let the worker end, kill it if it does not. Idempotent."""
        self._requests.close()
        try:
            async with asyncio.timeout(0.5):
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
            raise VoiceHung("The voice's process talks nonsense")
        body = await self._answers.readexactly(length)
        if status != b"+":
            raise EngineError(f"The voice refuses this text: {body.decode('utf-8', 'replace')[:200]}")
        return body
