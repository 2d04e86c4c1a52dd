"""Strings that are written in a way of their own: codes, sums, addresses, time zones, languages."""

from __future__ import annotations

import re
from functools import lru_cache
from zoneinfo import available_timezones

from realtime_agent.engine.brain.arithmetic import calculate
from realtime_agent.engine.brain.numbers import parse_digits
from realtime_agent.engine.brain.times import SECONDS
from realtime_agent.engine.brain.values import Search, Span
from realtime_agent.engine.brain.vocabulary import LANGUAGES
from realtime_agent.engine.brain.words import Utterance

_SYMBOLS = (
    ("to the power of", "**"), ("multiplied by", "*"), ("divided by", "/"), ("plus", "+"), ("minus", "-"),
    ("times", "*"),
    ("modulo", "%"), ("squared", "** 2"), ("cubed", "** 3"),
)  # fmt: skip


def find_code(search: Search) -> str | None:
    """Digits (and single letters) of an order number, a telephone number, a PIN."""
    best: tuple[str, Span] | None = None
    at = 0
    while at < len(search.lows):
        letters, index = "", at
        while index < len(search.lows) and len(search.lows[index]) == 1 and search.lows[index].isalpha():
            lone = not search.lows[index + 1 : index + 2] or len(search.lows[index + 1]) > 1
            if search.lows[index] in ("a", "i") and not letters and lone and not search.answering:
                break
            letters, index = letters + search.lows[index].upper(), index + 1
        digits = parse_digits(search.lows, index)
        end = digits[1] if digits else index
        text = letters + (digits[0] if digits else "")
        if (digits or len(letters) > 2) and search.free((at, end)) and (best is None or len(text) > len(best[0])):
            duration = end < len(search.lows) and search.lows[end] in SECONDS
            best = best if duration else (text, (at, end))
        at = max(end, at + 1)
    if best is None:
        return None
    search.take(best[1])
    return best[0]


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    zones = sorted(available_timezones())
    return {
        zone.rsplit("/", 1)[-1].replace("_", " ").lower(): zone for zone in zones if "/" in zone and "Etc" not in zone
    }


def find_timezone(search: Search) -> str | None:
    """The IANA time zone of a city that is said: "Tokyo" is Asia/Tokyo."""
    zones = _zones()
    for length in (3, 2, 1):
        for at in range(len(search.lows) - length + 1):
            zone = zones.get(" ".join(search.lows[at : at + length]))
            if zone is not None and search.free((at, at + length)):
                search.take((at, at + length))
                return zone
    return None


def find_expression(utterance: Utterance) -> str | None:
    """The sum that the words are, in symbols: "17 + 25"."""
    answer = calculate(utterance.lows)
    if answer is None or not answer.question:
        return None
    text = re.sub(r"the square root of (\S+)", r"\1 ** 0.5", answer.question)
    text = re.sub(r"(\S+) percent of", r"\1 / 100 *", text)
    for words, symbol in _SYMBOLS:
        text = text.replace(words, symbol)
    return re.sub(r"- (?=\d)(?<=^- )", "-", text)


def find_email(search: Search) -> str | None:
    """An address as it is written or said: "anna at example dot com"."""
    lows = search.lows
    if "at" not in lows or "dot" not in lows[lows.index("at") :]:
        found = re.search(r"[\w.+-]+@[\w-]+\.[\w.]+", search.utterance.text)
        return found.group().rstrip(".") if found else None
    at = lows.index("at")
    end = at + 1
    while end < len(lows) and (lows[end] == "dot" or lows[end - 1] in ("dot", "at")):
        end += 1
    start = at - 1
    while (start > 0 and lows[start - 1] in ("dot", "underscore")) or (
        start > 1 and lows[start] in ("dot", "underscore")
    ):
        start -= 1
    search.take((max(start, 0), end))
    names = {"dot": ".", "at": "@", "underscore": "_"}
    return "".join(names.get(low, low) for low in lows[max(start, 0) : end])


def find_url(search: Search) -> str | None:
    """An address as it is written or said: "wikipedia dot org"."""
    text = re.sub(r"\s+(?:dot|point)\s+(?=\w)", ".", search.utterance.said, flags=re.IGNORECASE)
    text = re.sub(r"\s+slash\s+", "/", text, flags=re.IGNORECASE)
    found = re.search(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+(?:/[\w./-]*)?", text)
    if found is None:
        return None
    search.take((0, len(search.lows)))
    return found.group().rstrip(".").lower()


def find_language(search: Search) -> str | None:
    """The English name of a language."""
    for at, low in enumerate(search.lows):
        if low in LANGUAGES and search.free((at, at + 1)):
            search.take((at - 1 if at and search.lows[at - 1] in ("to", "into", "in") else at, at + 1))
            return low.capitalize()
    return None
