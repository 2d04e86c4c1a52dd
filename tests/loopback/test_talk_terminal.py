"""`realtime-agent talk --text` as a person at a terminal meets it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.importorskip("moonshine_voice")
termios = pytest.importorskip("termios")

PATIENCE_S = 50.0
ROOT = Path(__file__).parents[2]


class Terminal:
    """A terminal with the command in it: type, and read what is on it."""

    def __init__(self, person: int, program: int, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._person, self._program = person, program
        self._shown = ""
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(person, self._read)

    def _read(self) -> None:
        self._shown += os.read(self._person, 65_536).decode("utf-8", "replace")
        self._news.set()

    def type(self, keys: str) -> None:
        self._shown = ""
        os.write(self._person, keys.encode())

    async def see(self, pattern: str) -> None:
        """Wait until this has come since the last `type`."""
        async with asyncio.timeout(PATIENCE_S):
            while not re.search(pattern, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._shown)):
                self._news.clear()
                await self._news.wait()

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._program)[3] & termios.ECHO)

    @property
    def shown(self) -> str:
        return self._shown

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._person)
        os.close(self._person)
        os.close(self._program)


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    person, program = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.cli_program", "talk", "--text",
        stdin=program, stdout=program, stderr=program, cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "XDG_DATA_HOME": str(tmp_path)},
    )  # fmt: skip
    terminal = Terminal(person, program, process)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        terminal.close()


async def test_what_is_typed_stays_in_sight_and_ctrl_c_gives_the_terminal_back(terminal: Terminal) -> None:
    await terminal.see("› ")
    assert not terminal.echoes()
    terminal.type("what is two plus")
    await terminal.see("› what is two plus")
    terminal.type(" three\r")
    await terminal.see(r"agent.*\b(5|five)\b")
    terminal.type("half a")
    await terminal.see("› half a")
    terminal.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(PATIENCE_S):
        assert await terminal.process.wait() == 130
    assert terminal.echoes()
    assert "Traceback" not in terminal.shown


async def test_a_dangerous_tool_is_asked_about_and_the_end_of_the_input_hangs_up(terminal: Terminal) -> None:
    await terminal.see("› ")
    terminal.type("delete all my notes\r")
    await terminal.see(r"Allow it\? \[y/N\]")
    terminal.type("n\r")
    await terminal.see("did not approve")
    terminal.type("\x04")
    async with asyncio.timeout(PATIENCE_S):
        assert await terminal.process.wait() == 0
    assert terminal.echoes()


async def test_sigterm_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    await terminal.see("Ctrl-D")
    terminal.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        assert await terminal.process.wait() == 143
    assert terminal.echoes()
    assert "Traceback" not in terminal.shown
