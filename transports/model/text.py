"""Other people's words in our messages."""

from __future__ import annotations

_LONGEST_CHARACTERS = 200


def printable(text: str) -> str:
    """One short line without control characters: what a peer says must not move anybody's terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST_CHARACTERS else line[: _LONGEST_CHARACTERS - 1] + "…"
