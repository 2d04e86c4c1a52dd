"""Tokens, as near as an engine without a tokeniser can count them.

Text is counted in words and marks; audio at OpenAI's documented rates, ten tokens a second heard and twenty a second
spoken. A brain that knows its own count of text overrides ours.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import ceil
from typing import Any

from realtime_agent.server.core.conversation import Entry
from realtime_agent.server.core.settings import Settings

HEARD_TOKENS_PER_S = 10
SPOKEN_TOKENS_PER_S = 20
TOKENS_PER_IMAGE = 85
_TOKEN = re.compile(r"\w+|[^\w\s]")


def text_tokens(text: str) -> int:
    return sum(1 for _ in _TOKEN.finditer(text))


def heard_tokens(duration_ms: float) -> int:
    return ceil(duration_ms / 1000 * HEARD_TOKENS_PER_S)


def spoken_tokens(duration_ms: float) -> int:
    return ceil(duration_ms / 1000 * SPOKEN_TOKENS_PER_S)


@dataclass(slots=True)
class Tokens:
    """Tokens by modality."""

    text: int = 0
    audio: int = 0
    image: int = 0

    @property
    def total(self) -> int:
        return self.text + self.audio + self.image

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.text + other.text, self.audio + other.audio, self.image + other.image)


def instruction_tokens(settings: Settings) -> Tokens:
    """What a response reads before any item."""
    tools = sum(text_tokens(tool.name + tool.description + json.dumps(tool.parameters)) for tool in settings.tools)
    return Tokens(text=text_tokens(settings.instructions) + tools)


def entry_tokens(entry: Entry) -> Tokens:
    """What one item adds to that."""
    tokens = Tokens(text=text_tokens(entry.arguments) + text_tokens(entry.output))
    for part in entry.content:
        tokens.text += text_tokens(part.text)
        tokens.image += TOKENS_PER_IMAGE if part.type == "input_image" else 0
        if part.type == "input_audio":
            tokens.audio += heard_tokens(part.duration_ms)
        elif part.type == "output_audio":
            tokens.audio += spoken_tokens(part.duration_ms)
    return tokens


def wire_usage(read: Tokens, written: Tokens) -> dict[str, Any]:
    """The `usage` of a response. Nothing is cached."""
    return {
        "total_tokens": read.total + written.total,
        "input_tokens": read.total,
        "output_tokens": written.total,
        "input_token_details": {
            "text_tokens": read.text,
            "audio_tokens": read.audio,
            "image_tokens": read.image,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": written.text, "audio_tokens": written.audio},
    }
