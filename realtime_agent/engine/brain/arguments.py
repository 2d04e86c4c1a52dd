"""A tool's arguments out of an utterance: typed values first, then what stands behind markers, then what is left."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from realtime_agent.engine.brain.codes import (
    find_code,
    find_email,
    find_expression,
    find_language,
    find_timezone,
    find_url,
)
from realtime_agent.engine.brain.matching import Profile
from realtime_agent.engine.brain.phrases import find_name, find_text, proper, split_list, spot, without_answer_lead
from realtime_agent.engine.brain.schemas import Leaf
from realtime_agent.engine.brain.times import SECONDS
from realtime_agent.engine.brain.values import (
    Search,
    find_boolean,
    find_choices,
    find_duration,
    find_moment_text,
    find_number,
    temporal_spans,
)
from realtime_agent.engine.brain.vocabulary import SPOTS
from realtime_agent.engine.brain.words import Utterance

_TEMPORAL = ("date", "time", "datetime", "duration")
_NAMED = ("place", "person", "title")
Values = dict[tuple[str, ...], Any]


@dataclass(slots=True)
class Filling:
    """The values found for a tool, by path. `more` holds further values of one path: as many calls more."""

    values: Values = field(default_factory=dict)
    more: tuple[tuple[str, ...], list[Any]] | None = None

    def missing(self, profile: Profile) -> Leaf | None:
        """The first required leaf without a value."""
        for leaf in profile.leaves:
            if leaf.required and leaf.path not in self.values and not leaf.nullable and not leaf.has_default:
                return leaf
        return None

    def calls(self, profile: Profile) -> list[str]:
        """The arguments of each call, as JSON."""
        variants = [self.values]
        if self.more is not None:
            path, others = self.more
            variants += [{**self.values, path: value} for value in others]
        return [_json(values, profile) for values in variants]


def _json(values: Mapping[tuple[str, ...], Any], profile: Profile) -> str:
    arguments: dict[str, Any] = {}
    for leaf in profile.leaves:
        if leaf.path in values:
            value = values[leaf.path]
        elif leaf.required and leaf.has_default:
            value = leaf.default
        elif leaf.required and leaf.nullable:
            value = None
        else:
            continue
        inner = arguments
        for step in leaf.path[:-1]:
            inner = inner.setdefault(step, {})
        inner[leaf.path[-1]] = value
    return json.dumps(arguments, ensure_ascii=False)


def fill(profile: Profile, utterance: Utterance, now: datetime) -> Filling:
    """All that the utterance says for this tool."""
    search, filling = Search(utterance, now), Filling()
    for step in (_amounts, _choices, _switches, _moments, _numbers, _codes, _names, _texts):
        step(profile, search, filling)
    return filling


def _open(profile: Profile, filling: Filling, wanted: Callable[[Leaf], bool]) -> list[Leaf]:
    """The leaves still without a value, the required ones first."""
    found = [leaf for leaf in profile.leaves if leaf.path not in filling.values and wanted(leaf)]
    return sorted(found, key=lambda leaf: not leaf.required)


def _choices(profile: Profile, search: Search, filling: Filling) -> None:
    for leaf in _open(profile, filling, lambda leaf: bool(leaf.choices)):
        found = find_choices(leaf, search)
        if found:
            filling.values[leaf.path] = found[0]
            if len(found) > 1 and filling.more is None:
                filling.more = leaf.path, found[1:]
        elif leaf.required and len(leaf.choices) == 1:
            filling.values[leaf.path] = leaf.choices[0]
    for leaf in _open(profile, filling, lambda leaf: bool(leaf.item and leaf.item.choices)):
        found = find_choices(leaf.item, search) if leaf.item else []
        if found:
            filling.values[leaf.path] = found


def _amounts(profile: Profile, search: Search, filling: Filling) -> None:
    """A length of time as an amount and a unit of its own: "an hour and a half" is 90 minutes."""
    units = [leaf for leaf in profile.leaves if leaf.choices and all(str(choice) in SECONDS for choice in leaf.choices)]
    amounts = [leaf for leaf in profile.leaves if leaf.kind in ("integer", "number") and leaf.unit_s is None]
    duration = find_duration(search) if units and len(amounts) == 1 else None
    if duration is None:
        return
    seconds, span = duration
    for choice in sorted(units[0].choices, key=lambda unit: -SECONDS[str(unit)]):
        amount = seconds / SECONDS[str(choice)]
        if amount == amount.to_integral_value() and amounts[0].allows(amount):
            filling.values[amounts[0].path], filling.values[units[0].path] = int(amount), choice
            search.take(span)
            return


def _switches(profile: Profile, search: Search, filling: Filling) -> None:
    for leaf in _open(profile, filling, lambda leaf: leaf.kind == "boolean"):
        value = find_boolean(leaf, search)
        if value is not None:
            filling.values[leaf.path] = value


def _moments(profile: Profile, search: Search, filling: Filling) -> None:
    for leaf in _open(profile, filling, lambda leaf: leaf.kind == "string" and leaf.role in _TEMPORAL):
        text = find_moment_text(leaf, search)
        if text is not None:
            filling.values[leaf.path] = text


def _numbers(profile: Profile, search: Search, filling: Filling) -> None:
    leaves = _open(profile, filling, lambda leaf: leaf.kind in ("integer", "number") and not leaf.choices)
    text_too = any(leaf.kind in ("string", "array") and leaf.role == "text" for leaf in profile.leaves)
    for near in (True, False):
        for leaf in leaves:
            if leaf.path in filling.values or (not near and not leaf.required and (text_too or len(leaves) > 1)):
                continue
            # Two numbers are taken as they come, unless words beside them say better.
            value = find_number(leaf, search, near=near and not (leaf.required and len(leaves) == 1))
            if value is not None:
                filling.values[leaf.path] = value
    for leaf in _open(profile, filling, _wants_numbers):
        if leaf.item is not None:
            values = []
            while (value := find_number(leaf.item, search)) is not None:
                values.append(value)
            if values:
                filling.values[leaf.path] = values


def _wants_numbers(leaf: Leaf) -> bool:
    return leaf.item is not None and leaf.item.kind in ("integer", "number") and not leaf.item.choices


def _codes(profile: Profile, search: Search, filling: Filling) -> None:
    for leaf in _open(profile, filling, lambda leaf: leaf.kind == "string" and not leaf.choices):
        value: str | None = None
        if leaf.role == "code":
            value = find_code(search)
        elif leaf.role == "email":
            value = find_email(search)
        elif leaf.role == "url":
            value = find_url(search)
        elif leaf.role == "timezone":
            value = find_timezone(search)
        elif leaf.role == "language":
            value = find_language(search)
        elif leaf.role == "expression":
            value = find_expression(search.utterance)
        if value is not None:
            filling.values[leaf.path] = value


def _names(profile: Profile, search: Search, filling: Filling) -> None:
    for leaf in _open(
        profile, filling, lambda leaf: leaf.kind == "string" and leaf.role in _NAMED and not leaf.choices
    ):
        value = find_name(leaf, search, profile)
        if value is None:
            continue
        parts = re.split(r"\s+and\s+", value) if leaf.role == "place" else [value]
        filling.values[leaf.path] = parts[0]
        also = _and_more(search, profile, leaf) if leaf.role == "place" else []
        if also and filling.more is None:
            filling.more = leaf.path, also


def _and_more(search: Search, profile: Profile, leaf: Leaf) -> list[str]:
    """ "… in Paris and London": the further places, for as many calls."""
    last = max(search.used, default=-1)
    if search.lows[last + 1 : last + 2] != ("and",) or len(search.lows) > last + 6:
        return []
    rest = search.utterance.part(last + 2, len(search.lows))
    if rest.words and rest.words[0].low in ("in", "to", "for"):
        rest = rest.part(1, len(rest.words))
    inner = Search(rest, search.now)
    for span in temporal_spans(inner):
        inner.take(span)
    text = find_text(inner, profile)
    return [proper(text)] if text and len(text.split()) < 4 and leaf.required else []


def _texts(profile: Profile, search: Search, filling: Filling) -> None:
    texts = _open(profile, filling, _takes_text)
    required = [leaf for leaf in texts if leaf.required]
    for leaf in required or texts[:1]:
        if leaf.role == "title" and not leaf.required:
            continue
        if leaf.role in ("place", "person") or (leaf.role not in ("text", "title") and leaf.kind == "string"):
            continue
        if not leaf.required and len(profile.leaves) > 1 and leaf.kind != "array":
            continue
        text = find_text(search, profile)
        if text is None:
            break
        if SPOTS & set(leaf.name.lower().split("_")):
            text = spot(text, profile)
        filling.values[leaf.path] = split_list(text) if leaf.kind == "array" else text
        search.take((0, len(search.lows)))
        return
    # "Weather Paris": no marker, but what is left can only be the place.
    for leaf in required:
        if leaf.role in ("place", "person"):
            text = _left_over(search, profile)
            if text is not None:
                filling.values[leaf.path] = proper(text)
            return


def _left_over(search: Search, profile: Profile) -> str | None:
    for span in temporal_spans(search):
        search.take(span)
    text = find_text(search, profile)
    words = text.split() if text else []
    capital = bool(words) and all(word[:1].isupper() for word in words)
    return text if words and (capital or len(words) <= 2) and len(words) <= 4 and _could_name(text or "") else None


def _could_name(text: str) -> bool:
    return not re.search(
        r"\b(?:like|going|today|now|the|it|there|here|be|me|you|today|outside|is|in|at)\b", text.lower()
    )


def _takes_text(leaf: Leaf) -> bool:
    if leaf.choices or (leaf.item is not None and (leaf.item.choices or leaf.item.kind not in ("string",))):
        return False
    return leaf.kind in ("string", "array")


def add_from_answer(profile: Profile, utterance: Utterance, now: datetime, values: Values) -> Values:
    """The values with what else an answer says: a unit, a day, a choice. What was said before stays."""
    said = fill(profile, utterance, now)
    sure = {leaf.path for leaf in profile.leaves if leaf.choices or leaf.kind == "boolean" or leaf.role in _TEMPORAL}
    return {**{path: value for path, value in said.values.items() if path in sure}, **values}


def fill_answer(profile: Profile, leaf: Leaf, utterance: Utterance, now: datetime) -> Any:
    """The value of one leaf out of the answer to the question for it; None where the answer holds none."""
    search = Search(utterance, now, answering=True)
    if leaf.choices:
        return next(iter(find_choices(leaf, search)), None)
    if leaf.kind == "boolean":
        return find_boolean(leaf, search)
    if leaf.kind in ("integer", "number"):
        return find_number(leaf, search)
    if leaf.kind == "array":
        return _array_answer(profile, leaf, utterance, search)
    if leaf.role in _TEMPORAL:
        return find_moment_text(leaf, search) or (None if leaf.role != "duration" else _text_answer(utterance))
    if leaf.role == "code":
        return find_code(search) or _text_answer(utterance)
    special = {"timezone": find_timezone, "language": find_language, "email": find_email, "url": find_url}.get(
        leaf.role
    )
    if special is not None:
        return special(search) or _text_answer(utterance)
    if leaf.role == "expression":
        return find_expression(utterance)
    text = _text_answer(utterance)
    return proper(text) if text and leaf.role in _NAMED else text


def _array_answer(profile: Profile, leaf: Leaf, utterance: Utterance, search: Search) -> list[Any] | None:
    if leaf.item is not None and leaf.item.choices:
        return find_choices(leaf.item, search) or None
    if _wants_numbers(leaf):
        filling = Filling()
        _numbers(profile, search, filling)
        values = filling.values.get(leaf.path)
        return values if isinstance(values, list) else None
    text = _text_answer(utterance)
    return (split_list(text) or None) if text else None


def _text_answer(utterance: Utterance) -> str | None:
    rest = without_answer_lead(utterance)
    text = rest.cut(0, len(rest.words))
    return re.sub(r"[\s,]+(?:please|thanks|thank you)$", "", text, flags=re.IGNORECASE) or None
