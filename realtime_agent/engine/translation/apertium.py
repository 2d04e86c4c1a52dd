"""Apertium (https://apertium.org, 3.8 or later): rule-based translation, offline, from the system's packages.

Debian has it as `apertium` and a package a language pair (`apertium-eng-spa`). One pipeline of its processes a pair is
started when it is first needed and kept: a clause then takes 2 to 5 ms instead of the 150 to 400 that starting costs.
Each request ends with a null, which flushes the pipeline. The command `apertium` itself cannot be used for that: its
shell script puts gawk at both ends, which reads a record ahead, so that each answer comes two requests late. So the
pipeline is asked of `apertium-wblank-mode` and run without. One that hangs or dies is killed with its whole process
group, and the clause is tried once more in a fresh one.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from realtime_agent.engine.translation.apertium_text import from_stream, to_stream
from realtime_agent.engine.translation.languages import short_code
from realtime_agent.engine.translation.translator import LanguagePair
from realtime_agent.errors import EngineError

_MODE = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")
_DEADLINE_S = 5.0
_STARTING_S = 15.0  # the dictionaries are read from disk
_GONE_S = 3.0
_LONGEST_ANSWER_BYTES = 1 << 20
_HIDE_UNKNOWN_MARKS = "-n"  # what `apertium -u` hands to the generator


class ApertiumTranslator:
    """Translates with whatever pairs of Apertium are installed. Implements `Translator`.

    One clause at a time a pair; the others wait. Bound to the event loop that uses it.
    """

    name = "apertium"

    def __init__(
        self, *, program: str = "apertium-wblank-mode", modes: str | Path | None = None, deadline_s: float = _DEADLINE_S
    ) -> None:
        """
        Args:
            program: the command of Apertium's that tells the pipeline of a mode file.
            modes: the folder that lists the installed pairs; by default the one beside Apertium's data.
            deadline_s: the longest that one clause may take.
        """
        self._program = program
        self._modes_dir = Path(modes) if modes is not None else _default_modes()
        self._deadline_s = deadline_s
        self._modes: Mapping[LanguagePair, Path] = {}
        self._pipelines: dict[Path, _Pipeline] = {}

    @property
    def pairs(self) -> Sequence[LanguagePair]:
        return tuple(self._modes)

    @property
    def pids(self) -> tuple[int, ...]:
        """The pipelines that run, by the process that leads each."""
        return tuple(pipeline.pid for pipeline in self._pipelines.values() if pipeline.pid is not None)

    async def start(self) -> None:
        """Look which pairs are installed. Idempotent."""
        if shutil.which(self._program) is not None:
            self._modes = await asyncio.to_thread(installed_modes, self._modes_dir)

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """One sentence or clause. Words that it does not know stay as they are.

        Raises:
            EngineError: this pair is not installed ("unsupported_pair"), or its pipeline failed twice
                ("translator_failed").
        """
        mode = self._modes.get((short_code(source), short_code(target)))
        if mode is None:
            raise EngineError(f"Apertium has no pair {source}-{target} here.", code="unsupported_pair")
        if not any(character.isalnum() for character in text):
            return ""
        pipeline = self._pipelines.setdefault(mode, _Pipeline(self._program, mode, self._deadline_s))
        return from_stream(await pipeline.ask(to_stream(text)), text)

    async def close(self) -> None:
        """End the pipelines. Idempotent; it may be used again."""
        pipelines, self._pipelines = self._pipelines, {}
        await asyncio.gather(*(pipeline.close() for pipeline in pipelines.values()))


def installed_modes(folder: Path) -> dict[LanguagePair, Path]:
    """The pairs whose mode files are in the folder, and those files."""
    found = {}
    for path in sorted(folder.glob("*.mode")):
        names = _MODE.fullmatch(path.stem)
        if names is not None:  # the others are dialects (`spa-eng_US`) and debugging aids
            found[(short_code(names[1]), short_code(names[2]))] = path
    return found


def _default_modes() -> Path:
    return Path(os.environ.get("APERTIUM_DATADIR", "/usr/share/apertium")) / "modes"


class _Pipeline:
    """The processes of one pair: absent until asked, replaced when they fail."""

    def __init__(self, program: str, mode: Path, deadline_s: float) -> None:
        self._program = program
        self._mode = mode
        self._deadline_s = deadline_s
        self._process: asyncio.subprocess.Process | None = None
        self._fresh = True
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def ask(self, request: bytes) -> bytes:
        async with self._turn:
            try:
                return await self._attempt(request)
            except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
                pass  # it hung or died; that need not be the text's fault
            try:
                return await self._attempt(request)
            except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError) as error:
                raise EngineError(
                    f"Apertium failed at {self._mode.stem} ({type(error).__name__}).", code="translator_failed"
                ) from error

    async def close(self) -> None:
        async with self._turn:
            await self._kill()

    async def _attempt(self, request: bytes) -> bytes:
        """One request and its answer. Whatever goes wrong, cancellation too, costs the pipeline: an answer that nobody
        took would be taken for the next one's.
        """
        try:
            if self._process is None:
                await self._start()
            assert self._process is not None
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            async with asyncio.timeout(self._deadline_s + (_STARTING_S if self._fresh else 0.0)):
                self._process.stdin.write(request)
                await self._process.stdin.drain()
                answer = await self._process.stdout.readuntil(b"\0")
        except BaseException:
            await asyncio.shield(self._kill())
            raise
        self._fresh = False
        return answer

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *("sh", "-c", await self._commands(), "apertium", _HIDE_UNKNOWN_MARKS, ""),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LONGEST_ANSWER_BYTES,
            start_new_session=True,  # a group of its own, so that all of the pipeline can be killed
        )
        self._fresh = True

    async def _commands(self) -> str:
        """The pipeline as a line of shell, each of its commands flushing at null."""
        teller = await asyncio.create_subprocess_exec(
            *(self._program, "-z", str(self._mode)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_STARTING_S):
                commands, _ = await teller.communicate()
        finally:
            if teller.returncode is None:
                teller.kill()
                await teller.wait()
        if teller.returncode or not commands.strip():
            raise EOFError("no pipeline")
        return commands.decode()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it is gone by itself
        try:
            async with asyncio.timeout(_GONE_S):
                await process.communicate()
        except (BrokenPipeError, ConnectionResetError):
            await process.wait()
        except TimeoutError:
            pass  # unkillable: the kernel has it
