"""One typed value out of an utterance: numbers, yes and no, choices, days and times, codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from realtime_agent.engine.brain.dates import find_moment
from realtime_agent.engine.brain.numbers import parse_number, parse_ordinal
from realtime_agent.engine.brain.schemas import Leaf
from realtime_agent.engine.brain.times import parse_duration, spoken_duration
from realtime_agent.engine.brain.vocabulary import ALIASES, MONTHS, NO, POINTERS, STOP_WORDS, SWITCHES, YES
from realtime_agent.engine.brain.words import Utterance, distance, slips, split_name, stem

Span = tuple[int, int]


@dataclass(slots=True)
class Search:
    """An utterance in which values are looked for, and the words that are taken already."""

    utterance: Utterance
    now: datetime
    answering: bool = False  # the whole utterance answers a question: a lone "seven" is a time when a time was asked
    used: set[int] = field(default_factory=set)

    @property
    def lows(self) -> tuple[str, ...]:
        return self.utterance.lows

    def free(self, span: Span) -> bool:
        return not any(index in self.used for index in range(*span))

    def take(self, *spans: Span) -> None:
        for span in spans:
            self.used.update(range(*span))


def find_choices(leaf: Leaf, search: Search) -> list[Any]:
    """The enum values that are said, in order of speech; exact words first, an ear's slips where there is none."""
    found: list[tuple[int, Any, Span]] = []
    for fuzzy in (False, True):
        # Longest spoken form first: "living room" before "room".
        for choice in sorted(leaf.choices, key=lambda value: -len(split_name(str(value)))):
            span = _said(_forms(choice), search, fuzzy)
            if span is not None:
                search.take(span)
                found.append((span[0], choice, span))
        if found:
            break
    return [choice for _, choice, _ in sorted(found, key=lambda row: row[0])]


def _forms(choice: Any) -> list[list[str]]:
    words = split_name(str(choice)) or [str(choice).lower()]
    alias = ALIASES.get("".join(words))
    return [words, alias.split()] if alias else [words]


def _said(forms: list[list[str]], search: Search, fuzzy: bool) -> Span | None:
    lows = search.lows
    for form in forms:
        joined = "".join(form)
        for length in dict.fromkeys((len(form), 1, len(form) + 1)):
            for at in range(len(lows) - length + 1):
                if not search.free((at, at + length)):
                    continue
                heard = lows[at : at + length]
                if len(heard) == len(form) and all(stem(a) == stem(b) for a, b in zip(heard, form, strict=True)):
                    return at, at + length
                together = "".join(heard)
                if together == joined:
                    return at, at + length
                if fuzzy and length >= len(form) and not (length == 1 and heard[0] in STOP_WORDS):
                    edits = slips(min(len(together), len(joined)))
                    if together[0] == joined[0] and edits and distance(together, joined) <= edits:
                        return at, at + length
        number = parse_number(tuple(form), 0)
        if number is not None and number[1] == len(form):
            for at in range(len(lows)):
                spoken = parse_number(lows, at)
                if spoken is not None and spoken[0] == number[0] and search.free((at, spoken[1])):
                    return at, spoken[1]
    return None


def find_boolean(leaf: Leaf, search: Search) -> bool | None:
    """Yes or no: as an answer; as on/off where the parameter is a switch; or because its name is said, or denied."""
    lows = search.lows
    if search.answering:
        for index, low in enumerate(lows):
            if low in NO or low in YES:
                search.take((index, index + 1))
                return low in YES
    words = split_name(leaf.name)
    inverted = "off" in words and "on" not in words
    switch = bool(SWITCHES & set(words)) or " off" in leaf.description.lower()
    for index, low in enumerate(lows):
        if switch and low in ("on", "off", "enable", "disable") and not _starts_day(lows, index):
            search.take((index, index + 1))
            return (low in ("on", "enable")) != inverted
    telling = [stem(word) for word in words if word not in STOP_WORDS and word not in SWITCHES]
    for index, low in enumerate(lows):
        if stem(low) in telling:
            search.take((index, index + 1))
            return not set(lows[max(0, index - 2) : index]) & {"not", "no", "without", "non"}
    return None


def _starts_day(lows: tuple[str, ...], index: int) -> bool:
    """ "On Monday" and "on the third" switch nothing on."""
    if lows[index] != "on":
        return False
    rest = lows[index + 1 :]
    if rest[:1] == ("the",):
        return parse_ordinal(rest, 1) is not None
    return bool(rest) and (rest[0].endswith("day") or rest[0] in MONTHS)


def find_number(leaf: Leaf, search: Search, *, near: bool = False) -> int | float | None:
    """A number that fits; of several the one that stands by the parameter's own words. `near` takes no other."""
    if leaf.unit_s is not None:
        duration = find_duration(search)
        if duration is not None:
            search.take(duration[1])
            return _plain(duration[0] / leaf.unit_s, leaf)
    best: tuple[int, Decimal, Span] | None = None
    own = {stem(word) for word in (*split_name(leaf.name), *leaf.description.lower().split())} - {
        "a",
        "the",
        "of",
        "to",
    }
    at = 0
    while at < len(search.lows):
        number = parse_number(search.lows, at)
        if number is None or (search.lows[at] == "one" and search.lows[max(0, at - 1)] in POINTERS and at > 0):
            at += 1
            continue
        span = (at, number[1])
        at = number[1]
        if not search.free(span) or not leaf.allows(number[0]) or not _whole(leaf, number[0]):
            continue
        around = (*search.lows[max(0, span[0] - 2) : span[0]], *search.lows[span[1] : span[1] + 2])
        closeness = sum(stem(word) in own for word in around if word not in STOP_WORDS)
        if best is None or closeness > best[0]:
            best = closeness, number[0], span
    if best is None or (near and not best[0]):
        return None
    search.take(best[2])
    return _plain(best[1], leaf)


def _whole(leaf: Leaf, number: Decimal) -> bool:
    return leaf.kind != "integer" or number == number.to_integral_value()


def _plain(number: Decimal, leaf: Leaf) -> int | float:
    if leaf.kind == "integer" or number == number.to_integral_value():
        return int(number)
    return float(number)


def find_duration(search: Search) -> tuple[Decimal, Span] | None:
    """The first length of time that is said, in seconds."""
    for at in range(len(search.lows)):
        found = parse_duration(search.lows, at)
        if found is not None and search.free((at, found[1])):
            return found[0], (at, found[1])
    return None


def find_moment_text(leaf: Leaf, search: Search) -> str | None:
    """A date, a time, a date-time (ISO 8601) or a duration in words."""
    if leaf.role == "duration":
        duration = find_duration(search)
        if duration is None:
            return None
        search.take(duration[1])
        return f"PT{int(duration[0])}S" if "iso" in leaf.description.lower() else spoken_duration(duration[0])
    moment = find_moment(search.lows, search.now, bare=search.answering and leaf.role != "date")
    if moment is None:
        return None
    spans: tuple[Span | None, ...] = moment.spans
    if leaf.role == "date":
        spans = (moment.day_span,)
        text = moment.day.isoformat() if moment.day else ""
    elif leaf.role == "time":
        spans = (moment.clock_span,)
        text = moment.time_of_day(search.now).isoformat("minutes")
    else:
        vague = moment.clock is None and moment.exact is None and not moment.part
        when = moment.when(search.now)
        text = when.date().isoformat() if vague else when.isoformat(timespec="seconds")
    said = [span for span in spans if span is not None]
    if not said or not all(search.free(span) for span in said):
        return None
    search.take(*said)
    return text


def temporal_spans(search: Search) -> list[Span]:
    """The words that say when or how long, whoever they are for."""
    spans = list(moment.spans) if (moment := find_moment(search.lows, search.now)) else []
    at = 0
    while at < len(search.lows):
        found = parse_duration(search.lows, at)
        if found is not None:
            start = at - 1 if at and search.lows[at - 1] in ("for", "in", "after", "of") else at
            spans.append((start, found[1]))
            at = found[1]
        else:
            at += 1
    return spans
