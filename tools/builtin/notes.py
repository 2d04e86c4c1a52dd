"""Notes in a plain text file, one a line, that the person can read and edit without us."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path

from realtime_agent.errors import ToolError
from realtime_agent.tools.tool import tool

MAX_NOTES = 500
_MAX_CHARACTERS = 2000


def user_data_folder() -> Path:
    """Where programs keep what belongs to the user, by the custom of the system."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        # XDG Base Directory Specification 0.8: a relative path is to be ignored
        given = os.environ.get("XDG_DATA_HOME", "")
        base = Path(given) if given.startswith("/") else Path.home() / ".local" / "share"
    return base / "realtime-agent"


class Notes:
    """The notes in one file. The file is made, readable by its owner only, with the first note."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()  # tools run in threads, several at a time

    @tool
    def remember_note(self, text: str) -> str:
        """Add a note: remember something, write it down, take or make a note of it.

        Args:
            text: what to write down.
        """
        note = " ".join(text.split())[:_MAX_CHARACTERS]
        if not note:
            raise ToolError("The note is empty.", code="empty_note")
        with self._lock:
            notes = self._read()
            if len(notes) >= MAX_NOTES:
                raise ToolError(f"There are {MAX_NOTES} notes already. Clear them first.", code="too_many")
            self._write([*notes, note])
        return f"Noted: {note}"

    @tool
    def read_notes(self) -> str:
        """Read the notes aloud, tell what was written down."""
        with self._lock:
            notes = self._read()
        if not notes:
            return "There are no notes."
        head = "There is 1 note:" if len(notes) == 1 else f"There are {len(notes)} notes:"
        return "\n".join([head, *(f"{number}. {note}" for number, note in enumerate(notes, 1))])

    @tool(needs_approval=True)
    def clear_notes(self) -> str:
        """Delete all notes, clear the list of notes."""
        with self._lock:
            count = len(self._read())
            if count:
                self._write([])
        return "All notes are deleted." if count else "There are no notes."

    def _read(self) -> list[str]:
        try:
            lines = self.file.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ToolError(f"The notes cannot be read ({error.strerror}).", code="notes_unreadable") from error
        return [line.strip() for line in lines if line.strip()]

    def _write(self, notes: list[str]) -> None:
        # A fresh file put in place of the old one: a crash or a full disk leaves the old notes whole.
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=".notes-")  # mode 0600
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    file.writelines(f"{note}\n" for note in notes)
                os.replace(name, self.file)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ToolError(f"The notes cannot be written ({error.strerror}).", code="notes_unwritable") from error
