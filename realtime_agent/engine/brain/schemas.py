"""A tool's JSON schema as the leaves that have to be filled, each with what kind of thing it wants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from realtime_agent.engine.brain.vocabulary import ROLES
from realtime_agent.engine.brain.words import split_name

_DEEPEST = 6
_TYPES = ("string", "integer", "number", "boolean", "array", "object")

_UNITS: dict[str, int | Decimal] = {
    "seconds": 1, "second": 1, "secs": 1, "sec": 1, "s": 1, "minutes": 60, "minute": 60, "mins": 60, "min": 60,
    "hours": 3600, "hour": 3600, "h": 3600, "days": 86_400, "ms": Decimal("0.001"), "milliseconds": Decimal("0.001"),
    "weeks": 604_800,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value that a tool takes, wherever in the arguments it sits.

    `kind` is the JSON type; `role` says what a string means ("place", "date", ..., "text"); `unit_s` is the length of
    one unit where a number is a length of time.
    """

    path: tuple[str, ...]
    kind: str
    required: bool
    description: str = ""
    choices: tuple[Any, ...] = ()
    role: str = "text"
    nullable: bool = False
    default: Any = None
    has_default: bool = False
    minimum: float | None = None
    maximum: float | None = None
    unit_s: Decimal | None = None
    item: Leaf | None = None

    @property
    def name(self) -> str:
        return self.path[-1]

    def allows(self, number: Decimal) -> bool:
        return (self.minimum is None or number >= Decimal(str(self.minimum))) and (
            self.maximum is None or number <= Decimal(str(self.maximum))
        )


def leaves_of(parameters: Mapping[str, Any]) -> tuple[Leaf, ...]:
    """The leaves of a tool's parameters in the order of the schema. Odd schemas give fewer leaves, never an error."""
    return tuple(_object(parameters, parameters, (), True, 0))


def _object(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str, ...], required: bool, depth: int
) -> list[Leaf]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth > _DEEPEST:
        return []
    listed = schema.get("required")
    needed = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    found: list[Leaf] = []
    for name, raw in properties.items():
        if not isinstance(raw, Mapping):
            continue
        inner, nullable = _resolve(raw, root, 0)
        must = required and name in needed
        if inner.get("type") == "object" and isinstance(inner.get("properties"), Mapping):
            found += _object(inner, root, (*path, name), must and not nullable, depth + 1)
        else:
            found.append(_leaf((*path, name), inner, root, must, nullable, depth))
    return found


def _resolve(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> tuple[Mapping[str, Any], bool]:
    """The schema behind `$ref`, `anyOf` and type lists, and whether it may be null."""
    if depth > _DEEPEST:
        return {}, False
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref.startswith("#/"):
        target: Any = root
        for step in ref[2:].split("/"):
            target = target.get(step) if isinstance(target, Mapping) else None
        if isinstance(target, Mapping):
            return _resolve({**target, **{k: v for k, v in schema.items() if k != "$ref"}}, root, depth + 1)
    for word in ("anyOf", "oneOf", "allOf"):
        options = schema.get(word)
        if isinstance(options, list):
            real = [option for option in options if isinstance(option, Mapping)]
            rest = {key: value for key, value in schema.items() if key != word}
            null = any(option.get("type") == "null" for option in real)
            inner = next((option for option in real if option.get("type") != "null"), {})
            merged, deeper = _resolve({**inner, **rest}, root, depth + 1)
            return merged, null or deeper
    kind = schema.get("type")
    if isinstance(kind, list):
        real_kinds = [name for name in kind if name != "null"]
        return {**schema, "type": real_kinds[0] if real_kinds else "string"}, "null" in kind
    return schema, False


def _leaf(
    path: tuple[str, ...],
    schema: Mapping[str, Any],
    root: Mapping[str, Any],
    required: bool,
    nullable: bool,
    depth: int,
) -> Leaf:
    choices = schema.get("enum")
    if "const" in schema:
        choices = [schema["const"]]
    values = tuple(value for value in choices if value is not None) if isinstance(choices, list) else ()
    kind = schema.get("type")
    if kind not in _TYPES:
        kind = "string" if not values or isinstance(values[0], str) else "number"
    description = str(schema.get("description") or schema.get("title") or "")
    item = None
    if kind == "array":
        inner = schema.get("items")
        resolved, _ = _resolve(inner, root, 0) if isinstance(inner, Mapping) else ({}, False)
        item = _leaf(path, resolved, root, required, False, depth + 1) if depth < _DEEPEST else None
    return Leaf(
        path, str(kind), required, description, values, _role(path, description, schema), nullable,
        schema.get("default"), "default" in schema,
        _bound(schema, "minimum", "exclusiveMinimum"), _bound(schema, "maximum", "exclusiveMaximum"),
        _unit(path[-1], description) if kind in ("integer", "number") else None, item,
    )  # fmt: skip


def _bound(schema: Mapping[str, Any], *names: str) -> float | None:
    for name in names:
        value = schema.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def _role(path: tuple[str, ...], description: str, schema: Mapping[str, Any]) -> str:
    name = path[-1]
    if name == "name" and len(path) > 1:
        name = path[-2]  # a guest's name is a person
    format_ = schema.get("format")
    if format_ in ("date", "time", "date-time", "duration", "email"):
        return "datetime" if format_ == "date-time" else str(format_)
    words = split_name(name)
    if re.search(r"https?:|\burl\b|\bweb ?site\b", description.lower()) and "url" not in words:
        words = ["url"] if len(words) < 3 else words
    for role, known in ROLES:
        if words and (words[-1] in known or words[0] in known):
            return role
    said = re.findall(r"[a-z]+", description.lower())[:8]
    for role in ("timezone", "place", "person", "expression"):
        if len(name) < 3 or name in ("value", "query", "q", "input", "arg", "key"):
            known = next(known for known_role, known in ROLES if known_role == role)
            if known & (set(said) - {"to", "at", "state"}):
                return role
    return "text"


def _unit(name: str, description: str) -> Decimal | None:
    words = split_name(name)
    for word in reversed(words):
        if word in _UNITS and (len(word) > 1 or len(words) > 1):
            return Decimal(_UNITS[word])
    found = re.search(r"\bin (seconds|minutes|hours|days|milliseconds|ms)\b", description.lower())
    return Decimal(_UNITS[found.group(1)]) if found else None
