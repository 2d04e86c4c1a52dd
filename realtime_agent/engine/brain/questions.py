"""Asking back for what a tool needs and was not said."""

from __future__ import annotations

import re

from realtime_agent.engine.brain.numbers import spoken
from realtime_agent.engine.brain.schemas import Leaf
from realtime_agent.engine.brain.words import listed, sentences, split_name

_UNIT_WORDS = ("seconds", "minutes", "hours", "days", "weeks")
_SUFFIXES = frozenset(("s", "ms", "min", "h", "id", "c", "f", "km", "kg"))


def label(leaf: Leaf) -> str:
    """What to call a parameter: the words of its name, or of its description where the name says nothing."""
    words = [word for word in split_name(leaf.name) if word not in _SUFFIXES or leaf.name == "id"]
    if leaf.role == "code" and leaf.name.endswith("id") and words and "id" not in words:
        words.append("number")
    name = " ".join(words)
    if len(name) < 3 or name in ("value", "query", "input", "arg", "args", "param", "data"):
        first = (sentences(leaf.description) or [""])[0].strip().rstrip(".").lower()
        first = re.sub(r"^(?:the|a|an)\s+", "", first)
        if first and len(first.split()) <= 6:
            return first
    return name or "value"


def _told(leaf: Leaf) -> str:
    """The question that the description is already: "for how many minutes", "what to write down"."""
    first = (sentences(leaf.description) or [""])[0].strip().rstrip(".?").lower()
    if leaf.choices or len(first) > 60:
        return ""
    if re.match(r"(?:for )?how (?:many|much|long|far|old|often)\b", first):
        return f"{first[:1].upper()}{first[1:]}?"
    found = re.match(r"(what|who|whom|where|which \w+) to (\w.*?)(?:,.*)?$", first)
    return f"{found.group(1).capitalize()} should I {found.group(2)}?" if found else ""


def question_for(leaf: Leaf) -> str:
    """The question that asks for a parameter."""
    told = _told(leaf)
    if told:
        return told
    name = label(leaf)
    item = leaf.item if leaf.kind == "array" else None
    choices = leaf.choices or (item.choices if item else ())
    if choices:
        said = [" ".join(split_name(str(choice))) or str(choice) for choice in choices]
        if len(said) > 7:
            return f"Which {name}? For example {listed(said[:4], 'or')}."
        return f"Which {name}: {listed(said, 'or')}?"
    if leaf.kind == "boolean":
        return f"{name[:1].upper()}{name[1:]}: yes or no?"
    if leaf.kind in ("integer", "number"):
        last = name.split()[-1]
        counted = last in _UNIT_WORDS or (leaf.kind == "integer" and (last.endswith("s") or last == "people"))
        question = f"How many {last}?" if counted else f"What {name} should I use?"
        if leaf.minimum is not None and leaf.maximum is not None:
            question = f"{question[:-1]}, from {spoken(leaf.minimum)} to {spoken(leaf.maximum)}?"
        return question
    if item is not None:
        return f"Which {name}?"
    fixed = {"date": "For which day?", "time": "At what time?", "datetime": "When?", "duration": "For how long?",
             "language": "In which language?", "timezone": "For which city?", "expression":
             "What should I calculate?"}  # fmt: skip
    if leaf.role in fixed:
        return fixed[leaf.role]
    if leaf.role == "place":
        return f"Which {name}?" if name not in ("where", "place", "state") else "For which place?"
    if leaf.role == "person":
        return "Who should it go to?" if name in ("to", "recipient", "receiver", "contact") else f"Who is the {name}?"
    if leaf.role in ("code", "email"):
        return f"What is the {name}?"
    return f"What should the {name} be?"


def ask(leaf: Leaf, *, again: bool = False) -> str:
    """The sentence that asks; `again` where the first answer was not understood."""
    return f"Sorry, I did not get that. {question_for(leaf)}" if again else question_for(leaf)
