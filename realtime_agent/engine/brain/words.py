"""An utterance as words: tokens with their place in the text, stems, synonyms, and how near two words sound on paper.

Ears write without reliable casing or punctuation ("whats the weather in paris"),
so everything here compares lower-case
words with contractions expanded, and keeps each word's place so that an argument can be cut out as it was heard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from realtime_agent.engine.brain.vocabulary import CONTRACTIONS, SYNONYMS, UNSTEMMED

_TOKEN = re.compile(
    r"[ap]\.\s?m\b\.?"  # p.m.
    r"|\d+(?:st|nd|rd|th)\b"
    r"|\d{4}-\d{2}-\d{2}"
    r"|\d+(?:[.,:]\d+)*"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"
    r"|[-+*/×÷^=%()$€£°]",
    re.IGNORECASE,
)

_ENDINGS = {"'s": "is", "'re": "are", "'m": "am", "'ll": "will", "'ve": "have", "'d": "would"}
# "'s" is "is" only after these; elsewhere it is a possessive ("Anna's list").
_TAKES_IS = frozenset(
    ("what", "where", "who", "how", "that", "it", "there", "here", "he", "she", "when", "why", "this")
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word and where it stands in the text. `low` is what is compared."""

    low: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text and its words."""

    text: str
    words: tuple[Word, ...]

    @property
    def lows(self) -> tuple[str, ...]:
        return tuple(word.low for word in self.words)

    @property
    def said(self) -> str:
        """The words as they were heard, without what stands around them."""
        return self.cut(0, len(self.words))

    def cut(self, first: int, end: int) -> str:
        """The text from word `first` up to, not including, word `end`, as it was heard."""
        if first >= end or first >= len(self.words):
            return ""
        return self.text[self.words[first].start : self.words[min(end, len(self.words)) - 1].end].strip()

    def part(self, first: int, end: int) -> Utterance:
        """The words from `first` up to, not including, `end`, as an utterance of its own."""
        return Utterance(self.text, self.words[first:end])

    def gap(self, index: int) -> str:
        """What stands between word `index` and the next."""
        if index + 1 >= len(self.words):
            return self.text[self.words[index].end :] if self.words else ""
        return self.text[self.words[index].end : self.words[index + 1].start]


def _expand(low: str) -> tuple[str, ...]:
    known = CONTRACTIONS.get(low)
    if known is not None:
        return known
    head, mark, _ = low.rpartition("'")
    if not mark:
        return (low,)
    ending = low[len(head) :]
    if ending == "'t" and head.endswith("n"):
        return (head[:-1], "not")
    if ending == "'s" and head not in _TAKES_IS:
        return (head,)
    return (head, _ENDINGS[ending]) if ending in _ENDINGS and head else (low.replace("'", ""),)


def read(text: str) -> Utterance:
    """The words of a text. Never fails; a text without words gives none."""
    words: list[Word] = []
    for found in _TOKEN.finditer(text):
        low = found.group().lower().replace("’", "'")
        if len(low) >= 3 and low[0] in "ap" and low[1] == ".":
            low = low[0] + "m"
        words.extend(Word(piece, found.start(), found.end()) for piece in _expand(low))
    return Utterance(text, tuple(_joined(text, words)))


def _joined(text: str, words: list[Word]) -> list[Word]:
    """Words that ears write in two ("to-day", "per cent") as one, and hyphens within words as nothing."""
    joined: list[Word] = []
    for word in words:
        last = joined[-1] if joined else None
        if word.low == "-" and last is not None and _within_word(text, word.start):
            continue
        if last is not None and (whole := _WRITTEN_APART.get((last.low, word.low))) is not None:
            hyphen = text[last.end : word.start] == "-"
            if hyphen or whole not in ("today", "tonight"):
                joined[-1] = Word(whole, last.start, word.end)
                continue
        if word.low == "whether" and (last is None or last.low in ("the", "is", "what")):
            word = Word("weather", word.start, word.end)
        joined.append(word)
    return joined


def _within_word(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isalpha() and text[at + 1].isalpha()


# "Look" alone means something else than "look up".
_WRITTEN_APART = {
    ("look", "up"): "lookup", ("to", "morrow"): "tomorrow", ("to", "day"): "today", ("to", "night"): "tonight",
    ("good", "bye"): "goodbye", ("per", "cent"): "percent", ("e", "mail"): "email",
}  # fmt: skip
_DOUBLED = re.compile(r"([bdfgklmnprt])\1$")


@lru_cache(maxsize=8192)
def stem(low: str) -> str:
    """The word without its common English endings: "reminders" and "reminding" are "remind"."""
    if len(low) <= 3 or low in UNSTEMMED:
        return low
    word = low
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("ches", "shes", "sses", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending, shortest in (("ing", 3), ("ed", 3), ("ation", 4), ("ator", 4), ("er", 5), ("or", 5)):
        if word.endswith(ending) and len(word) - len(ending) >= shortest and word not in UNSTEMMED:
            word = _DOUBLED.sub(r"\1", word[: -len(ending)])
            if ending in ("ation", "ator"):
                word += "at"
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def _groups() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, group in enumerate(SYNONYMS):
        for word in group.split():
            found.setdefault(stem(word), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


_GROUPS = _groups()


def synonyms(one: str, other: str) -> bool:
    """Whether two stems mean nearly the same."""
    mine, theirs = _GROUPS.get(one), _GROUPS.get(other)
    return bool(mine and theirs and mine & theirs)


@lru_cache(maxsize=16384)
def distance(one: str, other: str, limit: int = 3) -> int:
    """Edits (insert, delete, replace, swap neighbours) from one word to another; `limit` + 1 when there are more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if last and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def slips(length: int) -> int:
    """How many edits an ear's slip may make in a word of so many letters."""
    return 0 if length < 5 else 1 if length < 8 else 2


def split_name(name: str) -> list[str]:
    """The words of an identifier: `get_currentWeather` is get, current, weather."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W\d_]+|\d+", spaced)]


_SENTENCE_END = re.compile(r"(?<=[.!?…])(?<!\b[A-Z]\.)(?<!\bMr\.)(?<!\bDr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)\s+")


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the space between them."""
    return [piece for piece in _SENTENCE_END.split(text.strip()) if piece]


def sentence_deltas(text: str) -> list[str]:
    """The text cut before the space between its sentences; joined it is the text, letter for letter."""
    cuts = [0, *(found.start() for found in _SENTENCE_END.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]


def listed(items: list[str], last: str = "and") -> str:
    """Several things as one says them: "milk, eggs and bread"."""
    if len(items) < 2:
        return items[0] if items else ""
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
