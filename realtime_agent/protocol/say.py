"""How "say this, word for word" travels: the protocol has no event for it, so it is an instruction of one response."""

from __future__ import annotations

import json

SAY_PREFIX = "Say word for word: "


def say_instructions(text: str) -> str:
    """The instructions of a `response.create` that make a model speak `text` as it stands."""
    return SAY_PREFIX + json.dumps(text, ensure_ascii=False)


def said_text(instructions: str | None) -> str | None:
    """The text that `say_instructions` asks for; None for any other instructions."""
    if instructions is None or not instructions.startswith(SAY_PREFIX):
        return None
    try:
        text = json.loads(instructions[len(SAY_PREFIX) :])
    except ValueError:
        return None
    return text if isinstance(text, str) else None
