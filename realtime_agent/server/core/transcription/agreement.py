"""How early text may be shown that may still change: words are sent once enough decodes in a row agree on them.

The ear decodes the whole utterance again and again as it grows, and a later decode may change what an earlier one
said, mostly near the end, where a word was cut in two or its sentence was not known yet. A delta cannot be taken back.
So a word is sent when it and all words before it

- have stood unchanged for `stable_ms` of audio, and
- are followed by `hold_words` more words.

That is the one dial between early and right (`delay`); `tests/bench/transcription_delay.py` draws its curve.

| event            | what is sent                                                                       |
|------------------|------------------------------------------------------------------------------------|
| another decode   | the stable words after those sent                                                  |
| the final decode | all words after those sent                                                         |

Where a sent word turned out wrong, the place up to which the new text is already told is found by aligning the last
sent words with it, and the text goes on from there: joined, the deltas then differ from the final transcript in the
words that changed, and in nothing else. Where no sent word changed, they are the final transcript.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Delay = Literal["minimal", "low", "medium", "high", "xhigh"]

_WORDS = re.compile(r"\s*\S+")
_NOT_SPOKEN = re.compile(r"[\W_]+")
_TAIL_WORDS = 12  # sent words that are looked for in a text that changed


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before text is shown.

    Attributes:
        stable_ms: audio for which a word must have stood unchanged.
        hold_words: words at the end of a text that are never sent before it is final.
        every_ms: audio between two decodes.
    """

    stable_ms: int
    hold_words: int
    every_ms: int


PATIENCE: Mapping[Delay, Patience] = {
    "minimal": Patience(0, 2, 240),
    "low": Patience(240, 2, 240),
    "medium": Patience(800, 1, 400),
    "high": Patience(1200, 2, 400),
    "xhigh": Patience(2000, 2, 400),
}


class Agreement:
    """What of one growing text was sent, and what can be sent now."""

    __slots__ = ("_patience", "_sent", "_since", "_words", "text")

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._words: list[str] = []  # of the last decode
        self._since: list[float] = []  # the audio time from which each of them stands unchanged
        self._sent: list[str] = []
        self.text = ""
        """All that was sent."""

    def decode(self, text: str, at_ms: float) -> str:
        """What to send now that the audio up to `at_ms` is known to say `text`; may be empty."""
        words = _split(text)
        same = _common_length(self._words, words)
        self._since = self._since[:same] + [at_ms] * (len(words) - same)
        self._words = words
        stable = 0
        while stable < len(words) and at_ms - self._since[stable] >= self._patience.stable_ms:
            stable += 1
        return self._send(words, min(stable, len(words) - self._patience.hold_words))

    def finish(self, text: str) -> str:
        """What to send now that the text is final; may be empty."""
        words = _split(text)
        return self._send(words, len(words))

    def _send(self, words: list[str], until: int) -> str:
        news = words[self._told(words) : max(until, 0)]
        if not news:
            return ""
        delta = "".join(news)
        if self._sent and not delta[0].isspace():
            delta = f" {delta}"
        self._sent += news
        self.text += delta
        return delta

    def _told(self, words: Sequence[str]) -> int:
        """How many of these words the sent ones tell already."""
        sent = self._sent
        if words[: len(sent)] == sent:
            return len(sent)
        tail = [_key(word) for word in sent[-_TAIL_WORDS:]]
        start = max(0, len(sent) - len(tail) - _TAIL_WORDS)
        window = [_key(word) for word in words[start : len(sent) + _TAIL_WORDS]]
        return start + _end_of(tail, window, usually=len(sent) - start, from_start=not start)


def _split(text: str) -> list[str]:
    return _WORDS.findall(text.strip())


def _key(word: str) -> str:
    return _NOT_SPOKEN.sub("", word).casefold()


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))


def _end_of(tail: Sequence[str], window: Sequence[str], *, usually: int, from_start: bool) -> int:
    """Where the words that `tail` tells end in `window`: the end of its cheapest alignment (edit distance).

    Args:
        usually: where they would end if as many words changed as came instead; of several ends the nearest to it.
        from_start: whether both begin with the same moment; else words of the window before the tail cost nothing.
    """
    costs = list(range(len(window) + 1)) if from_start else [0] * (len(window) + 1)
    for line, word in enumerate(tail, 1):
        diagonal, costs[0] = costs[0], line
        for column, other in enumerate(window, 1):
            best = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (word != other))
            diagonal, costs[column] = costs[column], best
    return min(range(len(costs)), key=lambda end: (costs[end], abs(end - usually)))
