"""Ways to say a thing, written as lists: each line a kind, where in the utterance it stands, and alternatives."""

from __future__ import annotations

import re

_PLACES = {
    "whole": r"^(?:{lead} )*(?:{said})(?: {tail})*$",
    "starts": r"^(?:{lead} )*(?:{said})\b.*",
    "ends": r".*\b(?:{said})$",
    "anywhere": r".*\b(?:{said})\b.*",
}
_LEAD = r"(?:ok|oh|well|please|just|actually|so|great|no|yes|alright|all right|very)"
_TAIL = r"(?:please|now|thanks|then|again|sorry|sure|for today)"


def ways(text: str) -> re.Pattern[str]:
    """One pattern out of alternatives, a line each or separated by " | ", for use with `search`."""
    return re.compile(rf"\b(?:{_alternatives(text)})\b")


def _alternatives(text: str) -> str:
    pieces = (piece.strip() for line in text.strip().splitlines() for piece in line.split(" | "))
    # The longest first: "good" would otherwise win over "good night".
    return "|".join(sorted((piece for piece in pieces if piece), key=len, reverse=True))


def kinds(table: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Patterns by kind, in order, out of lines like `thanks, starts: thank you | thanks`."""
    found: list[tuple[str, re.Pattern[str]]] = []
    for line in table.strip().splitlines():
        head, _, said = line.partition(":")
        kind, _, place = head.partition(",")
        pattern = _PLACES[place.strip()].format(lead=_LEAD, said=_alternatives(said), tail=_TAIL)
        found.append((kind.strip(), re.compile(pattern)))
    return tuple(found)
