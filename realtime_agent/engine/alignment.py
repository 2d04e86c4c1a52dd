"""Which words had been said by a given sample: what a truncated reply's transcript is cut by. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

_WORD = re.compile(r"\S+\s*")
_VOWELS = re.compile(r"[aeiouyäöüáéíóúàèìòùâêîôûæœåø]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    start_samples: int
    end_samples: int


class Alignment:
    """The clauses of one spoken item, in order, and how long each sounds.

    Exact at the edges of clauses. Within a clause the sound is shared out among the words by their syllables, which is
    as near as a voice that reports no word times allows; the cut falls between words.
    """

    __slots__ = ("_clauses", "_starts", "_total_samples")

    def __init__(self) -> None:
        self._clauses: list[_Clause] = []
        self._starts: list[int] = []
        self._total_samples = 0

    @property
    def total_samples(self) -> int:
        return self._total_samples

    @property
    def text(self) -> str:
        return "".join(clause.text for clause in self._clauses)

    def add(self, text: str, samples: int) -> None:
        """Append a clause that lasts `samples`; 0 for text that makes no sound.

        Raises:
            ValueError: `samples` is negative.
        """
        if samples < 0:
            raise ValueError("a clause cannot last less than no time")
        start = self._total_samples
        self._total_samples += samples
        self._clauses.append(_Clause(text, start, self._total_samples))
        self._starts.append(start)

    def text_until(self, samples: int) -> str:
        """What had been said when `samples` had been heard: always a prefix of `text`, never more for fewer samples.

        A word counts as said once half of it was heard. Text that makes no sound goes with the sound before it.
        """
        if samples <= 0:
            return ""
        if samples >= self._total_samples:
            return self.text
        # The last clause that starts before or at `samples`; of several that start there, those without sound are said.
        index = bisect_right(self._starts, samples) - 1
        said = [clause.text for clause in self._clauses[:index]]
        current = self._clauses[index]
        if current.end_samples <= samples:
            said.append(current.text)
        else:
            said.append(
                words_until(current.text, samples - current.start_samples, current.end_samples - current.start_samples)
            )
        return "".join(said)


def words_until(text: str, samples: int, total_samples: int) -> str:
    """The words of one clause said in its first `samples` of `total_samples`."""
    words = list(_WORD.finditer(text))
    weights = [_weight(word.group()) for word in words]
    budget = sum(weights) * samples / total_samples if total_samples > 0 else 0.0
    spent = 0.0
    end = 0
    for word, weight in zip(words, weights, strict=True):
        if spent + weight / 2 > budget:
            break
        spent += weight
        end = word.end()
    return text[:end]


def _weight(word: str) -> float:
    """How long a word takes to say, in syllables."""
    word = word.strip()
    digits = sum(character.isdigit() for character in word)
    letters = word.rstrip(",;:.!?…")
    syllables = len(_VOWELS.findall(letters)) or (1 if any(map(str.isalpha, letters)) else 0)
    if syllables > 1 and letters[-1] in "eE":
        syllables -= 1  # silent, mostly
    pause = 1.0 if len(letters) < len(word) else 0.0
    return 1.3 * digits + syllables + 0.06 * len(word) + pause
