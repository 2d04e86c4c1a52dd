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


def phrases(text: str) -> tuple[str, ...]:
    """Alternatives, a line each or separated by " | ", the longest first: "good" would win over "good night"."""
    pieces = (piece.strip() for line in text.strip().splitlines() for piece in line.split(" | "))
    return tuple(sorted((piece for piece in pieces if piece), key=len, reverse=True))


def ways(text: str) -> re.Pattern[str]:
    """One pattern out of alternatives, a line each or separated by " | ", for use with `search`."""
    return re.compile(rf"\b(?:{'|'.join(phrases(text))})\b")


def starts(text: str) -> re.Pattern[str]:
    """One pattern out of alternatives, at the beginning of an utterance, for use with `match`."""
    return re.compile(rf"(?:{'|'.join(phrases(text))})\b")


def kinds(table: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Patterns by kind, in order, out of lines like `thanks, starts: thank you | thanks`."""
    found: list[tuple[str, re.Pattern[str]]] = []
    for line in table.strip().splitlines():
        head, _, said = line.partition(":")
        kind, _, place = head.partition(",")
        pattern = _PLACES[place.strip()].format(lead=_LEAD, said="|".join(phrases(said)), tail=_TAIL)
        found.append((kind.strip(), re.compile(pattern)))
    return tuple(found)
