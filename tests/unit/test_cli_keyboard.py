"""What the person types at a terminal: edited by us, drawn by the display, and the terminal given back."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest

from realtime_agent.cli.keyboard import Keyboard, LineEditor

PATIENCE_S = 20.0


@pytest.mark.parametrize(
    ("keys", "lines", "left"),
    [
        ("hello\r", ["hello"], ""),
        ("one\ntwo\nthr", ["one", "two"], "thr"),
        ("helx\x7flo\n", ["hello"], ""),
        ("\x7f\x7fa\n", ["a"], ""),
        ("all wrong\x15right\n", ["right"], ""),
        ("two  words \x17\x17one\n", ["one"], ""),
        ("a\x1b[Db\x1b[3~c\x1bOHd\x1bxe\n", ["abcde"], ""),  # arrows, Delete, Home, Alt-x: not ours
        ("café \N{SNOWMAN}\n", ["café \N{SNOWMAN}"], ""),
        ("a\tb\x00c\n", ["abc"], ""),
        ("\x04", [None], ""),
        ("a\x04b", [], "ab"),
    ],
)
def test_keys_become_lines(keys: str, lines: list[str | None], left: str) -> None:
    whole = LineEditor()
    assert whole.feed(keys) == lines
    assert whole.text == left
    single = LineEditor()
    assert [line for key in keys for line in single.feed(key)] == lines


def test_a_line_has_an_end_to_its_length() -> None:
    editor = LineEditor()
    editor.feed("x" * 100_000)
    assert len(editor.text) == 10_000


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - a terminal sets no event
            await asyncio.sleep(0.001)


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of Windows are read line by line")
class TestAtATerminal:
    @pytest.fixture
    def terminal(self) -> Iterator[tuple[int, TextIO]]:
        """The end where the person types, and the end that the program reads."""
        person, program = os.openpty()
        with os.fdopen(program, "r", encoding="utf-8") as source:
            yield person, source
            os.close(person)  # ends the reading thread, too

    async def test_what_is_typed_is_there_to_be_drawn_before_its_line_is_finished(
        self, terminal: tuple[int, TextIO]
    ) -> None:
        person, source = terminal
        keyboard = Keyboard(edits=True, source=source)
        assert keyboard.prompt is None
        os.write(person, b"caf")
        await until(lambda: keyboard.prompt == "caf")
        os.write(person, "é\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            assert await keyboard.line() == "café"
        keyboard.close()

    async def test_a_question_takes_the_next_line_and_the_end_of_the_input_is_no_answer(
        self, terminal: tuple[int, TextIO]
    ) -> None:
        person, source = terminal
        keyboard = Keyboard(edits=True, source=source)
        asking = asyncio.create_task(keyboard.ask("Really?"))
        await until(lambda: keyboard.prompt == "Really? ")
        os.write(person, b"y\n")
        async with asyncio.timeout(PATIENCE_S):
            assert await asking == "y"
            asking = asyncio.create_task(keyboard.ask("Really?"))
            await until(lambda: keyboard.prompt == "Really? ")
            os.write(person, b"\x04")
            assert await asking == ""
            assert await keyboard.line() is None
            assert await keyboard.ask("And now?") == ""
        keyboard.close()

    async def test_the_terminal_is_given_back_as_it_was(self, terminal: tuple[int, TextIO]) -> None:
        import termios

        _, source = terminal
        before = termios.tcgetattr(source)
        keyboard = Keyboard(edits=True, source=source)
        assert termios.tcgetattr(source) != before
        keyboard.close()
        keyboard.close()
        assert termios.tcgetattr(source) == before
