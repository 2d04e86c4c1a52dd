"""What the person types, as it comes: lines for the conversation, or the answer to a question.

At a terminal the live display is redrawn many times a second, over whatever the terminal echoes. So there the echo is
off, the line is edited here, and the display draws it (`prompt`). Elsewhere (a pipe, a file, Windows) whole lines are
read.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import threading
from typing import Any, TextIO

try:
    import termios
    import tty
except ImportError:  # Windows
    termios = tty = None  # type: ignore[assignment]

_MOST_LINES = 100
_MOST_CHARS = 10_000


class LineEditor:
    """Keys to lines: the few that people need. `text` is the line so far; what is beyond its limit is not taken."""

    def __init__(self) -> None:
        self.text = ""
        self._escape = ""  # a key that sends several characters, so far

    def feed(self, typed: str) -> list[str | None]:
        """The lines that these keys finish; None for the end of the input (Ctrl-D on an empty line)."""
        finished: list[str | None] = []
        for char in typed:
            if self._escape:
                self._take_escape(char)
            elif char in "\r\n":
                finished.append(self.text)
                self.text = ""
            elif char == "\x04" and not self.text:
                finished.append(None)
            else:
                self._edit(char)
        return finished

    def _edit(self, char: str) -> None:
        if char in "\x7f\b":
            self.text = self.text[:-1]
        elif char == "\x15":  # Ctrl-U
            self.text = ""
        elif char == "\x17":  # Ctrl-W
            kept, space, _ = self.text.rstrip().rpartition(" ")
            self.text = kept + space
        elif char == "\x1b":
            self._escape = char
        elif char.isprintable() and len(self.text) < _MOST_CHARS:
            self.text += char

    def _take_escape(self, char: str) -> None:
        self._escape += char
        introduces = len(self._escape) == 2 and char in "[O"
        if "@" <= char <= "~" and not introduces:
            self._escape = ""


class Keyboard:
    """Reads in a thread of its own, which ends with the program: a blocked read cannot be stopped.

    A line answers the open question (`ask`) if there is one; else it waits for `line`, at most a hundred of them, the
    oldest going first. The end of the input answers every question with nothing.

    Args:
        edits: take over a terminal: it echoes no more, and somebody draws `prompt`. `close` gives it back.
        source: where to read.
    """

    def __init__(self, *, edits: bool = False, source: TextIO | None = None) -> None:
        self._source = source or sys.stdin
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue(_MOST_LINES)
        self._question: tuple[str, asyncio.Future[str]] | None = None
        self._ended = False
        self._editor = LineEditor()
        self._terminal: list[Any] | None = None  # its settings as they were
        if edits and termios is not None and self._source.isatty():
            self._terminal = termios.tcgetattr(self._source)
            tty.setcbreak(self._source, termios.TCSANOW)
        self.echoes = self._terminal is None
        work = self._read_lines if self.echoes else self._read_keys
        threading.Thread(target=work, name="keyboard", daemon=True).start()

    @property
    def prompt(self) -> str | None:
        """The question that is open, and what is typed so far; None where there is neither."""
        question, typed = self._question, self._editor.text  # read once: a display draws in a thread of its own
        return f"{question[0]} {typed}" if question is not None else typed or None

    async def line(self) -> str | None:
        """The next line, without its end; None at the end of the input."""
        return await self._lines.get()

    async def ask(self, question: str) -> str:
        """The answer to a question; nothing where the input is at its end."""
        if self._ended:
            return ""
        answer: asyncio.Future[str] = self._loop.create_future()
        self._question = question, answer
        try:
            return await answer
        finally:
            self._question = None

    def close(self) -> None:
        """Leave the terminal as it was. Idempotent."""
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            termios.tcsetattr(self._source, termios.TCSANOW, terminal)

    def _read_lines(self) -> None:
        try:
            for line in self._source:
                self._loop.call_soon_threadsafe(self._take, line.rstrip("\r\n"))
            self._loop.call_soon_threadsafe(self._take, None)
        except RuntimeError:  # the loop is closed: nobody reads any more
            pass

    def _read_keys(self) -> None:
        decoder = codecs.getincrementaldecoder(self._source.encoding or "utf-8")("replace")
        try:
            while True:
                try:
                    typed = os.read(self._source.fileno(), 1024)
                except OSError:  # the terminal is gone
                    typed = b""
                self._loop.call_soon_threadsafe(self._take_keys, decoder.decode(typed) if typed else None)
                if not typed:
                    return
        except RuntimeError:  # the loop is closed
            pass

    def _take_keys(self, typed: str | None) -> None:
        for line in [None] if typed is None else self._editor.feed(typed):
            self._take(line)

    def _take(self, line: str | None) -> None:
        self._ended = self._ended or line is None
        if self._question is not None and not self._question[1].done():
            self._question[1].set_result(line or "")
            if line is not None:
                return
        if self._lines.full():
            self._lines.get_nowait()
        self._lines.put_nowait(line)
