"""The result of a tool call as a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from realtime_agent.engine.brain.numbers import spoken
from realtime_agent.engine.brain.skills import spoken_date, spoken_time
from realtime_agent.engine.brain.vocabulary import ACTIONS, FAINT_WORDS, UNIT_ENDINGS
from realtime_agent.engine.brain.words import listed, sentences, split_name
from realtime_agent.engine.parts import PastCall

_LONGEST_CHARACTERS = 700
_MOST_FIELDS = 6
_MOST_ITEMS = 5
# A field that is the answer in words already.
_SPOKEN_FIELDS = (
    "spoken", "speech", "sentence", "summary", "answer", "text", "message", "description", "reply", "response",
)  # fmt: skip
_VALUE_FIELDS = ("result", "value", "output", "data", "content", "total", "sum")
_DONE = frozenset(
    ("", "ok", "okay", "done", "success", "true", "null", "none", "succeeded", "completed", "{}", "sent", "saved")
)
_TITLE_FIELDS = ("name", "title", "subject", "label", "text", "item", "summary", "product", "city")
_HIDDEN = re.compile(r"(?:^|_)(?:id|uuid|url|uri|href|link|token|hash|ok|success|status_code)$")


def speak_results(calls: Sequence[PastCall]) -> str:
    """What the outputs of one turn's calls say, one after another; calls without output are named as unfinished."""
    said = [speak_result(call) for call in calls if call.output is not None]
    waiting = [noun_of(call.name) or call.name for call in calls if call.output is None]
    if waiting:
        said.append(f"I am still waiting for the {listed(waiting)}.")
    return " ".join(said)


def speak_result(call: PastCall) -> str:
    """The sentence for one call's output. Any output gives a sentence."""
    output = (call.output or "").strip()
    try:
        value: Any = json.loads(output)
    except (ValueError, RecursionError):
        value = output
    problem = _problem(value)
    if problem is not None:
        return f"Sorry, that did not work: {_clause(problem)}." if problem else "Sorry, that did not work."
    if isinstance(value, str):
        return _text(value)
    if value is None or value is True:
        return "Yes." if value and _is_question(call.name) else "Done."
    if value is False:
        return "No."
    if isinstance(value, int | float):
        noun = noun_of(call.name) if _looks_up(call.name) else ""
        return f"The {noun or 'result'} is {spoken(value)}."
    if isinstance(value, list):
        if value and not _looks_up(call.name):
            return f"Done: {listed([_item(item) for item in value[:_MOST_ITEMS]])}."
        return _list(value, noun_of(call.name))
    return _object(value, call)


def noun_of(name: str) -> str:
    """What a tool is about: "get_weather" is "weather"."""
    words = split_name(name)
    nouns = [word for word in words if word not in ACTIONS and word not in FAINT_WORDS]
    return " ".join(nouns)


def _looks_up(name: str) -> bool:
    """Whether the tool, by its name, finds something out rather than does something."""
    first = (split_name(name) or [""])[0]
    return first not in ACTIONS or first in ("search", "find", "look", "lookup", "check", "read", "list")


def _is_question(name: str) -> bool:
    return (split_name(name) or [""])[0] in ("is", "has", "can", "check", "are", "does", "was", "should")


def _problem(value: Any) -> str | None:
    """The reason where the output says that the call failed; "" where it gives none; None where it did not fail."""
    if not isinstance(value, Mapping):
        return None
    error = value.get("error") or value.get("errors")
    if not error and (
        value.get("ok") is False or value.get("success") is False or value.get("status") in ("error", "failed")
    ):
        error = value
    if not error:
        return None
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, Mapping):
        for key in ("message", "detail", "reason", "description", "error", "code"):
            if isinstance(error.get(key), str) and error[key].strip():
                return str(error[key])
        return ""
    return error if isinstance(error, str) else ""


def _clause(text: str) -> str:
    """A reason as the end of a sentence of ours."""
    text = _speakable(text).rstrip(".! ")
    first = text.split(" ", 1)[0]
    lower = first[1:] == first[1:].lower() and first not in ("I",) and not first.endswith("'s")
    return text[:1].lower() + text[1:] if lower else text


def _text(value: str) -> str:
    if value.strip().lower().rstrip(".!") in _DONE:
        return "Done."
    text = _value(value)
    shortened = _shortened(_speakable(text))
    if not shortened:
        return "Done."
    shortened = shortened[:1].upper() + shortened[1:]
    return shortened if shortened[-1] in ".!?…" else f"{shortened}."


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_CHARACTERS:
        return text
    kept = ""
    for sentence in sentences(text):
        if len(kept) + len(sentence) > _LONGEST_CHARACTERS:
            break
        kept = f"{kept} {sentence}".strip()
    return f"{kept or text[:_LONGEST_CHARACTERS].rsplit(' ', 1)[0]}. And there is more.".replace("..", ".")


def _speakable(text: str) -> str:
    """Text without what only eyes can read: markdown, addresses, line breaks."""
    text = re.sub(r"https?://[^\s,;)]*[^\s,;).]", "a link", text)
    text = re.sub(r"(?m)^\s*(?:[-*•]|#+|\d+\.)\s+", "", text)
    text = re.sub(r"\*+|_{2,}|`+|(?<!\w)_|_(?!\w)", "", text)
    text = re.sub(r"(?<=[^\s.!?:;,])\s*\n+\s*", ", ", text.strip())
    return " ".join(text.split())


def _list(value: list[Any], noun: str) -> str:
    if not value:
        return f"I found no {noun}." if noun else "I found nothing."
    said = [_item(item) for item in value[:_MOST_ITEMS]]
    more = len(value) - len(said)
    if more:
        said.append(f"{more} more")
    if len(value) == 1:
        return f"I found one: {said[0]}."
    joined = (
        f"{'; '.join(said[:-1])}; and {said[-1]}"
        if any("," in piece or " and " in piece for piece in said)
        else listed(said)
    )
    return f"I found {len(value)}: {joined}."


def _item(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _value(value)
    title = next((key for key in _TITLE_FIELDS if isinstance(value.get(key), str)), None)
    facts = [(key, inner) for key, inner in value.items() if key != title and _tells(key, inner)][:2]
    pieces = [str(value[title])] if title else []
    pieces += [f"{_field_name(key)} {_value(inner, key)}" for key, inner in facts]
    return ", ".join(pieces) or "an entry"


def _object(value: Mapping[str, Any], call: PastCall) -> str:
    if not value:
        return "Done."
    for key in _SPOKEN_FIELDS:
        if isinstance(value.get(key), str) and len(value[key].split()) > 1:
            return _text(value[key])
    if len(value) == 1 or all(
        key in ("ok", "success", "status", "type", "id") or key in _VALUE_FIELDS for key in value
    ):
        for key in _VALUE_FIELDS:
            if key in value:
                return speak_result(
                    PastCall(call.call_id, call.name, call.arguments, json.dumps(value[key], default=str))
                )
    return _facts(value, _arguments(call))


def _arguments(call: PastCall) -> Mapping[str, Any]:
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return {}
    return arguments if isinstance(arguments, Mapping) else {}


def _facts(value: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    asked = {str(inner).lower() for inner in arguments.values()}
    told = [(key, inner) for key, inner in value.items() if _tells(key, inner)]
    fresh = [(key, inner) for key, inner in told if str(inner).lower() not in asked]
    if not fresh:
        return "Done."
    place = next(
        (str(inner) for key, inner in told if key in ("city", "location", "place") and isinstance(inner, str)), ""
    )
    pieces = [f"the {_field_name(key)} is {_value(inner, key)}" for key, inner in fresh if str(inner) != place][
        :_MOST_FIELDS
    ]
    if not pieces:
        return _text(place)
    sentence = f"In {place}, {listed(pieces)}" if place else listed(pieces)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _tells(key: str, value: Any) -> bool:
    """Whether a field is worth saying."""
    return value is not None and value not in ("", [], {}) and not _HIDDEN.search(key) and not key.startswith("_")


def _field_name(key: str) -> str:
    words = split_name(key)
    if len(words) > 1 and words[-1] in UNIT_ENDINGS:
        words = words[:-1]
    return " ".join(words) or key


def _value(value: Any, key: str = "") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        words = split_name(key)
        unit = (
            UNIT_ENDINGS.get(words[-1], "")
            if len(words) > 1 or (words and words[0] in ("percent", "percentage"))
            else ""
        )
        return f"{spoken(value)} {unit}".strip()
    if isinstance(value, str):
        return _moment(value.strip()) or _speakable(value)
    if isinstance(value, Mapping):
        return listed([f"{_field_name(k)} {_value(v, k)}" for k, v in list(value.items())[:3]])[:300]
    if isinstance(value, list):
        return listed([_item(item) for item in value[:_MOST_ITEMS]])[:300]
    return str(value)


def _moment(text: str) -> str | None:
    """A day or time in ISO 8601, as one says it."""
    if not re.match(r"^\d{4}-\d{2}-\d{2}|^\d{2}:\d{2}", text):
        return None
    try:
        if len(text) == 10:
            return spoken_date(datetime.combine(date.fromisoformat(text), time()))
        if text[2] == ":":
            clock = time.fromisoformat(text)
            return spoken_time(datetime.combine(date(2000, 1, 1), clock))
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return f"{spoken_date(moment)} at {spoken_time(moment)}"
