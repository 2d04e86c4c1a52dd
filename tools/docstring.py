"""Reads a docstring: what the function does, and what each parameter is. Google, NumPy and Sphinx style."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_PARAMETERS = {"args", "arguments", "parameters", "params", "keyword args", "keyword arguments", "other parameters"}
_OTHER = {"returns", "return", "yields", "yield", "raises", "raise", "attributes", "warns", "see also", "references"}

_GOOGLE_HEAD = re.compile(r"^(?P<title>[A-Za-z][A-Za-z ]{2,20}):\s*$")
_NUMPY_RULE = re.compile(r"^-{3,}\s*$")
_SPHINX_PARAM = re.compile(
    r"^:(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{0,2}(?P<name>\w+)\s*:(?P<text>.*)$"
)
_SPHINX_FIELD = re.compile(r"^:\w[^:]*:")
# `name: text`, `name (type): text`, `name (type, optional): text`
_GOOGLE_ITEM = re.compile(r"^\*{0,2}(?P<name>\w+)\s*(?:\((?:[^()]|\([^()]*\))*\))?\s*:(?P<text>.*)$")
# `name`, `name : type`, `a, b : type`
_NUMPY_ITEM = re.compile(r"^(?P<names>\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")


@dataclass(slots=True)
class Docstring:
    """What a docstring says: `description` without the sections, and one text a parameter."""

    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def parse(text: str | None) -> Docstring:
    """Read a docstring. Never fails: what is in no known style is description."""
    found = Docstring()
    lines = inspect.cleandoc(text or "").splitlines()
    described: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        title, body = _section_at(lines, position)
        if title is not None:
            end = _end_of_section(lines, body, numpy=body == position + 2)
            if title in _PARAMETERS:
                read = _read_numpy if body == position + 2 else _read_google
                read(lines[body:end], found.parameters)
            position = end
        elif _SPHINX_FIELD.match(line):
            position = _read_sphinx(lines, position, found.parameters)
        else:
            described.append(line)
            position += 1
    found.description = _paragraphs(described)
    return found


def _section_at(lines: list[str], position: int) -> tuple[str | None, int]:
    """The title of the section that begins here, in lower case, and the line where its body begins."""
    line = lines[position]
    following = lines[position + 1] if position + 1 < len(lines) else ""
    if _NUMPY_RULE.match(following) and line.strip().lower() in _PARAMETERS | _OTHER:
        return line.strip().lower(), position + 2
    head = _GOOGLE_HEAD.match(line)
    if head and head["title"].lower() in _PARAMETERS | _OTHER and (not following or following.startswith(" ")):
        return head["title"].lower(), position + 1
    return None, position


def _end_of_section(lines: list[str], body: int, *, numpy: bool) -> int:
    for position in range(body, len(lines)):
        if _section_at(lines, position)[0] is not None:
            return position
        # A Google section is indented; a NumPy section goes on to the next underlined title.
        if not numpy and lines[position] and not lines[position].startswith(" "):
            return position
        if numpy and position + 1 < len(lines) and _NUMPY_RULE.match(lines[position + 1]):
            return position
    return len(lines)


def _read_google(body: list[str], parameters: dict[str, str]) -> None:
    lines = inspect.cleandoc("\n" + "\n".join(body)).splitlines()
    name = None
    for line in lines:
        item = None if line.startswith(" ") else _GOOGLE_ITEM.match(line)
        if item:
            name = item["name"]
            parameters[name] = item["text"].strip()
        elif name is not None:
            parameters[name] = f"{parameters[name]} {line.strip()}".strip()


def _read_numpy(body: list[str], parameters: dict[str, str]) -> None:
    names: list[str] = []
    for line in body:
        item = None if line.startswith(" ") else _NUMPY_ITEM.match(line)
        if item:
            names = [name.strip(" *") for name in item["names"].split(",")]
            parameters.update(dict.fromkeys(names, ""))
        else:
            for name in names:
                parameters[name] = f"{parameters[name]} {line.strip()}".strip()


def _read_sphinx(lines: list[str], position: int, parameters: dict[str, str]) -> int:
    """Read one `:field:` with the indented lines that belong to it. Returns the line behind it."""
    end = position + 1
    while end < len(lines) and lines[end].startswith(" "):
        end += 1
    item = _SPHINX_PARAM.match(lines[position])
    if item:
        parameters[item["name"]] = " ".join([item["text"].strip(), *map(str.strip, lines[position + 1 : end])]).strip()
    return end


def _paragraphs(lines: list[str]) -> str:
    """Join wrapped lines; a blank line or a list item begins a new one."""
    out: list[str] = []
    for line in lines:
        text = line.strip()
        if not text or not out or not out[-1] or text.startswith(("- ", "* ", ">>>")):
            out.append(text)
        else:
            out[-1] = f"{out[-1]} {text}"
    return re.sub(r"\n{2,}", "\n\n", "\n".join(out)).strip()
