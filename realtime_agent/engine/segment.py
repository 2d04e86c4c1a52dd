"""Text into clauses that can be spoken, while the text is still being written. Pure.

A clause ends

- after a sentence's end (`. ! ? …` and what closes a quote or bracket behind it) once white space follows, so that
  `3.5`, `10:30` and `example.com` stay whole; not after an abbreviation, an initial or a list's number;
- at a line's end;
- after a lesser stop (`, ; : ) –`) once white space follows and the clause is long enough to be worth a breath:
  early for the first clause, so that the voice starts, late for the rest, whose melody is better unbroken;
- at a space, where none of these came for too long, and anywhere when not even a space came.

Never before it has a letter or digit to say, unless none comes for very long. Every decision is taken at one character
and looks only at those before it: however the text is cut into deltas, the clauses are the same, and joined they are
the text.
"""

from __future__ import annotations

from collections.abc import Iterator

_ENDS = frozenset(".!?…")
_WIDE_ENDS = frozenset("。！？")  # no white space follows these
_CLOSERS = frozenset("\"'”’»)]}*_")
_STOPS = frozenset(",;:–—)")
_SHORT_FORMS = (
    "mr mrs ms dr prof st sr jr vs eg ie approx fig figs vol pp ca cf al inc ltd corp dept est "
    "gen col sgt capt lt rev hon ave blvd jan feb mar apr jun jul aug sep sept oct nov dec"
)
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split())

FIRST_STOP_CHARACTERS = 16
LATER_STOP_CHARACTERS = 90
FIRST_LONGEST_CHARACTERS = 80
LATER_LONGEST_CHARACTERS = 200
SILENT_LONGEST_CHARACTERS = 400  # of text without a letter or digit


class ClauseSplitter:
    """Cuts a text that arrives in deltas into clauses. One for each reply."""

    __slots__ = ("_ended", "_first", "_pending", "_speakable")

    def __init__(self, *, eager: bool = True) -> None:
        """`eager`: make the first clause short, so that the voice starts early."""
        self._first = eager
        self._pending: list[str] = []
        self._speakable = False  # whether there is a letter or digit in what is pending
        self._ended = False  # whether what is pending stands behind a sentence's end, white space not yet seen

    def feed(self, delta: str) -> list[str]:
        """The clauses that are complete now."""
        clauses = []
        for character in delta:
            self._pending.append(character)
            if self._complete_with(character):
                clauses.append(self._take())
        return clauses

    def flush(self) -> list[str]:
        """What is left at the end of the text: one clause or none. The splitter is then as new, but not eager."""
        return [self._take()] if self._pending else []

    def _complete_with(self, character: str) -> bool:
        if character.isalnum():
            self._speakable = True
        if character in _ENDS or (self._ended and character in _CLOSERS):
            self._ended = True
            return len(self._pending) >= SILENT_LONGEST_CHARACTERS
        ended, self._ended = self._ended, False
        if not self._speakable:
            return len(self._pending) >= SILENT_LONGEST_CHARACTERS
        if character in _WIDE_ENDS or character == "\n":
            return True
        if character.isspace():
            return (ended and self._at_sentence_end()) or self._at_stop() or len(self._pending) >= self._longest
        return len(self._pending) >= 2 * self._longest

    @property
    def _longest(self) -> int:
        return FIRST_LONGEST_CHARACTERS if self._first else LATER_LONGEST_CHARACTERS

    def _at_stop(self) -> bool:
        """Whether the white space just seen follows a lesser stop, far enough into the clause."""
        if len(self._pending) < 2 or self._pending[-2] not in _STOPS:
            return False
        return len(self._pending) > (FIRST_STOP_CHARACTERS if self._first else LATER_STOP_CHARACTERS)

    def _at_sentence_end(self) -> bool:
        """Whether the full stop before the white space just seen really ends a sentence."""
        words = "".join(self._pending[-24:]).split()  # long enough for any abbreviation
        last = words[-1].strip("\"'”’»)]}*_([{“‘«")
        if not last.endswith(".") or last.endswith(".."):
            return True
        word = last[:-1]
        if word.lower() in _ABBREVIATIONS:
            return False
        if word != "I" and all(len(part) == 1 and part.isalpha() for part in word.split(".")):
            return False  # an initial, "p.m.", "U.S.", "e.g."
        return not (word.isdigit() and len(words) == 1 and len(self._pending) <= 8)  # "1. Buy milk"

    def _take(self) -> str:
        clause = "".join(self._pending)
        self._pending.clear()
        self._speakable = self._ended = self._first = False
        return clause


def split_clauses(text: str, *, eager: bool = False) -> Iterator[str]:
    """The clauses of a whole text; joined they are `text`."""
    splitter = ClauseSplitter(eager=eager)
    yield from splitter.feed(text)
    yield from splitter.flush()
