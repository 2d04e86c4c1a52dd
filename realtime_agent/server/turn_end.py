"""Whether what was said so far sounds finished: the heuristic behind `semantic_vad`.

There is no model of turn ends here, only the words. Three kinds of utterance are told apart: one that is *finished*
(the ear put a full stop, question or exclamation mark behind it, and it does not trail off), one that *hangs* (it
ends in a word after which something must follow: "and", "the", "because", "um", or in a comma or dots), and one that
is neither. A finished one gets a short silence before the turn ends, a hanging one the longest that the eagerness
allows (8, 4 and 2 s for low, medium and high, OpenAI's documented maxima), the rest something between. A wrong guess
costs time, never words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from realtime_agent.server.settings import Eagerness

MAX_WAIT_MS: Mapping[Eagerness, int] = {"low": 8_000, "medium": 4_000, "high": 2_000}
_FINISHED_MS: Mapping[Eagerness, int] = {"low": 900, "medium": 500, "high": 300}
_OPEN_MS: Mapping[Eagerness, int] = {"low": 2_000, "medium": 1_200, "high": 700}

_HANGING_WORDS = frozenset(
    """
    a an and as at because but by for from if in into is my of on or our so than that the their then these this those
    to um uh er hmm well when where which while who whose will with without would your
    """.split()  # noqa: SIM905 - a word list reads better as words
)
_TRAILING_OFF = re.compile(r"(\.\.+|…|[,;:–—-])$")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def silence_needed_ms(text: str, eagerness: Eagerness) -> int:
    """How long the person must be silent, after these words, for the turn to be over."""
    text = text.strip()
    words = _WORD.findall(text.lower())
    if not words or _TRAILING_OFF.search(text) or (words[-1] in _HANGING_WORDS and not text.endswith("?")):
        return MAX_WAIT_MS[eagerness]
    if text[-1] in ".?!":
        return _FINISHED_MS[eagerness]
    return _OPEN_MS[eagerness]
