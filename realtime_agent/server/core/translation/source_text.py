"""What the speaker says, as one running text that only grows.

A transcription gives text item by item, and several items may be under way at once: the end of one is decoded while
the next is being said. Their texts are put end to end in the order in which the items began.

| event           | effect                                                                    |
|-----------------|---------------------------------------------------------------------------|
| an item's text  | of the oldest item: passed on; of another: kept until its turn            |
| an item's end   | of the oldest: its clause is complete, and the next item's text is passed |
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Piece:
    waiting: str = ""
    passed_on: bool = False  # some of it
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Grown:
    """More of the running text. `ends_clause`: somebody paused here."""

    text: str
    ends_clause: bool = False


class SourceText:
    """The running text of one session."""

    def __init__(self) -> None:
        self._pieces: dict[str, _Piece] = {}
        self._begun = False  # whether there was any text yet

    @property
    def waiting(self) -> bool:
        """Whether more text is to come of what was said already."""
        return bool(self._pieces)

    def begin(self, item_id: str) -> None:
        """Somebody began to speak."""
        self._pieces.setdefault(item_id, _Piece())

    def add(self, item_id: str, text: str) -> list[Grown]:
        """More text of an item."""
        self._pieces.setdefault(item_id, _Piece()).waiting += text
        return self._grown()

    def end(self, item_id: str) -> list[Grown]:
        """No more text of an item."""
        self._pieces.setdefault(item_id, _Piece()).ended = True
        return self._grown()

    def _grown(self) -> list[Grown]:
        grown = []
        while self._pieces:
            item_id, piece = next(iter(self._pieces.items()))
            text, piece.waiting = piece.waiting, ""
            if text and not piece.passed_on:
                text = f" {text}" if self._begun else text
                self._begun = piece.passed_on = True
            if piece.ended:
                del self._pieces[item_id]
            if text or piece.ended:
                grown.append(Grown(text, piece.ended))
            if not piece.ended:
                break
        return grown
