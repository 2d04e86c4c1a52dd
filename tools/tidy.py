"""Makes pydantic's JSON schema what a model reads best: without titles, references and detours."""

from __future__ import annotations

from typing import Any

_REFERENCE = "#/$defs/"


def tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema, shorter.

    Titles go, definitions are written out where they are used (except those that contain themselves), a single choice
    becomes an `enum`, and an optional parameter that may be null is shown as what it is when it is given.
    """
    definitions: dict[str, Any] = schema.get("$defs", {})
    kept = {name for name in definitions if _reaches(definitions, name, name)}
    out: dict[str, Any] = _tidy({key: value for key, value in schema.items() if key != "$defs"}, definitions, kept)
    out.setdefault("properties", {})
    out.setdefault("required", [])
    if kept:
        # A kept definition may be needed only by another kept one, so all of them stay.
        out["$defs"] = {name: _tidy(definitions[name], definitions, kept) for name in sorted(kept)}
    return out


def _reaches(definitions: dict[str, Any], start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = list(_references(definitions[start]))
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(_references(definitions.get(name, {})))
    return False


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for part in schema for name in _references(part)]
    if not isinstance(schema, dict):
        return []
    found = [name for part in schema.values() for name in _references(part)]
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(_REFERENCE):
        found.append(reference.removeprefix(_REFERENCE))
    return found


def _tidy(schema: Any, definitions: dict[str, Any], kept: set[str]) -> Any:
    if isinstance(schema, list):
        return [_tidy(part, definitions, kept) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = _unfold(schema, definitions, kept)
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key == "properties":
            out[key] = {
                name: _optional(_tidy(part, definitions, kept), required=name in schema.get("required", ()))
                for name, part in value.items()
            }
        elif key == "const":
            out["enum"] = [value]
        elif key in ("default", "enum", "examples", "discriminator"):
            out[key] = value
        else:
            out[key] = _tidy(value, definitions, kept)
    out.pop("discriminator", None)  # an OpenAPI word; its mapping points at definitions that are gone
    return {"type": out.pop("type"), **out} if "type" in out else out


def _unfold(schema: dict[str, Any], definitions: dict[str, Any], kept: set[str]) -> dict[str, Any]:
    """Replace a reference by what it refers to; what stands beside it wins."""
    while True:
        beside = dict(schema)
        whole = beside.pop("allOf", None)
        if isinstance(whole, list) and len(whole) == 1 and "$ref" in whole[0]:
            schema = {**whole[0], **beside}
            continue
        name = str(schema.get("$ref", "")).removeprefix(_REFERENCE)
        if name not in definitions or name in kept:
            return schema
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**definitions[name], **beside}


def _optional(schema: Any, *, required: bool) -> Any:
    """`anyOf [X, null], default null` of a parameter that may be left out is X."""
    if required or not isinstance(schema, dict) or "default" not in schema or schema["default"] is not None:
        return schema
    choices = schema.get("anyOf")
    out = {key: value for key, value in schema.items() if key != "default"}
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return out
    rest = [choice for choice in choices if choice != {"type": "null"}]
    out.pop("anyOf")
    return {**rest[0], **out} if len(rest) == 1 else {"anyOf": rest, **out}
