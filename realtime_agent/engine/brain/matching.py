"""Which tool an utterance asks for, if any.

Every tool is a bag of stems with weights: the nouns of its name weigh most, then its verb, the values of its enums, the
first sentence of its description, its parameters. A stem that many tools share weighs less (inverse document
frequency). The utterance's words are looked up exactly, as synonyms, and with the slips of an ear. How it is said
decides how much is needed: a request or a question needs little, a statement ("I love this weather") nearly everything,
an opinion more still.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from realtime_agent.engine.brain.clauses import form_of
from realtime_agent.engine.brain.schemas import Leaf, leaves_of
from realtime_agent.engine.brain.times import parse_duration
from realtime_agent.engine.brain.vocabulary import ACTIONS, CHANGES, FAINT_WORDS, OTHER_THAN_CHANGES, STOP_WORDS
from realtime_agent.engine.brain.words import Utterance, distance, read, sentences, slips, split_name, stem, synonyms
from realtime_agent.engine.parts import ToolSpec

ENOUGH = 0.6
_FAINT = frozenset(map(stem, FAINT_WORDS))
_OPPOSITES = {"on": "off", "off": "on", "up": "down", "down": "up", "add": "remove", "remove": "add", "start": "stop",
              "stop": "start", "open": "close", "close": "open", "lock": "unlock", "unlock": "lock", "delete": "add",
              "enable": "disable", "disable": "enable", "create": "delete", "cancel": "set",
              "pause": "play"}  # fmt: skip
_FACTORS = {"negated": 0.0, "opinion": 0.3, "statement": 0.45, "question": 1.0, "request": 1.0, "fragment": 0.9}


@dataclass(frozen=True, slots=True)
class Profile:
    """A tool as the matcher sees it."""

    name: str
    description: str
    leaves: tuple[Leaf, ...]
    weights: dict[str, float]  # stem: how much it says for this tool
    nouns: frozenset[str]
    verbs: frozenset[str]
    name_words: tuple[str, ...]

    @property
    def takes_object(self) -> bool:
        """Whether it needs a text of any kind: what its verb is done to."""
        return any(
            leaf.required and leaf.kind in ("string", "array") and not leaf.choices and leaf.role in ("text", "url")
            for leaf in self.leaves
        )

    def says(self, low: str) -> bool:
        """Whether the word only names the tool (or a synonym of it), so that it is no argument."""
        mine = stem(low)
        return any(mine == word or synonyms(mine, word) for word in (*self.nouns, *self.verbs))


@dataclass(frozen=True, slots=True)
class Match:
    """A tool and how well an utterance fits it; `ENOUGH` is enough to call it."""

    profile: Profile
    score: float
    covers: bool = False  # every telling word of the utterance is the tool's


def profile_of(tool: ToolSpec) -> Profile:
    return _profile(tool.name, tool.description, json.dumps(tool.parameters, default=str))


@lru_cache(maxsize=512)
def _profile(name: str, description: str, parameters: str) -> Profile:
    leaves = leaves_of(json.loads(parameters) or {}) if parameters.startswith("{") else ()
    name_words = tuple(split_name(name))
    stems = [stem(word) for word in name_words]
    # "order" is what get_order_status is about, and what order_pizza does: a verb comes first, or alone.
    telling = [word for word in name_words if stem(word) not in _FAINT]
    verbs = frozenset(stem(word) for word in (name_words[:1] if len(telling) > 1 else telling) if word in ACTIONS)
    nouns = frozenset(word for word in stems if word not in verbs and word not in _FAINT and len(word) > 1)
    weights: dict[str, float] = {}

    def weigh(text: str, weight: float) -> None:
        for word in read(text).lows:
            if word not in STOP_WORDS and len(word) > 1:
                key = stem(word)
                weights[key] = max(weights.get(key, 0.0), weight * (0.4 if key in _FAINT else 1.0))

    told = sentences(description)
    verbs |= _verbs_told(told[0] if told else "", nouns)
    for leaf in leaves:
        weigh(" ".join(split_name(leaf.name)), 0.4)
        weigh(leaf.description, 0.2)
        for choice in (*leaf.choices, *(leaf.item.choices if leaf.item else ())):
            weigh(" ".join(split_name(str(choice))), 0.55)
    weigh(" ".join(told[1:]), 0.3)
    weigh(told[0] if told else "", 0.55)
    for word in (*stems, *verbs):
        weights[word] = max(weights.get(word, 0.0), 1.0 if word in nouns else 0.7 if word in verbs else 0.3)
    return Profile(name, description, leaves, weights, nouns, verbs, name_words)


def _verbs_told(sentence: str, nouns: frozenset[str]) -> frozenset[str]:
    """The verbs with which a description's clauses begin: "Write down a note, remember something"."""
    firsts = (clause.split()[0].lower() for clause in re.split(r",\s*(?:or |and )?", sentence) if clause.split())
    return frozenset(stem(word) for word in firsts if word in ACTIONS and stem(word) not in nouns)


def match(utterance: Utterance, profiles: Sequence[Profile]) -> list[Match]:
    """The tools by how well the utterance fits them, best first; those that it does not touch are left out."""
    rarity = _rarities(profiles)
    factor = _FACTORS[form_of(utterance.lows)]
    scored = [
        Match(profile, _score(utterance.lows, profile, rarity) * factor, _covers(utterance.lows, profile))
        for profile in profiles
    ]
    return sorted((found for found in scored if found.score > 0), key=lambda found: -found.score)


def _rarities(profiles: Sequence[Profile]) -> dict[str, float]:
    """Inverse document frequency over the tools' names and telling words, 0.4 to 1."""
    count: dict[str, int] = {}
    for profile in profiles:
        for word, weight in profile.weights.items():
            if weight >= 0.5:
                count[word] = count.get(word, 0) + 1
    total = len(profiles)
    return {word: max(0.4, math.log(1 + total / n) / math.log(1 + total)) for word, n in count.items()}


def _score(lows: Sequence[str], profile: Profile, rarity: dict[str, float]) -> float:
    hits: dict[str, float] = {}
    content = 0
    lows = _timers(lows) if "timer" in profile.nouns else lows
    for position, low in enumerate(lows):
        if low in STOP_WORDS and low not in profile.name_words:
            continue
        content += 1
        word = stem(low)
        found = _look_up(word, profile)
        if found is None:
            continue
        known, sureness = found
        if known in profile.verbs and known not in profile.nouns and position > 3 and low not in _OPPOSITES:
            sureness *= 0.7  # a verb late in the sentence is rarely the one that asks
        value = profile.weights[known] * sureness * rarity.get(known, 1.0)
        hits[known] = max(hits.get(known, 0.0), value)
    if not hits:
        return 0.0
    named = sum(1.0 for word in profile.nouns if word in hits or any(synonyms(word, hit) for hit in hits))
    covered = named / len(profile.nouns) if profile.nouns else float(bool(profile.verbs & hits.keys()))
    acts = any(word in hits for word in profile.verbs)
    if acts and not named and profile.takes_object and _leads(lows, profile):
        # "play some jazz": the object of the verb is the argument; surest where the verb is the tool's own first word
        covered = max(covered, 1.0 if _own_verb_first(lows, profile) else 0.7)
    telling = sum(1 for value in hits.values() if value >= 0.35)
    score = sum(hits.values()) * (0.65 + 0.35 * covered)
    if (content > 12 and telling < 2) or (not named and not (acts and _leads(lows, profile)) and telling < 2):
        score *= 0.7
    return score - _contradiction(lows, profile) - (0.45 if not acts and _unchanging(lows, profile) else 0.0)


def _timers(lows: Sequence[str]) -> Sequence[str]:
    """An ear's "set a time of five minutes" with its timer."""
    if "time" not in lows or not any(parse_duration(lows, at) for at in range(len(lows))):
        return lows
    return ["timer" if low == "time" else low for low in lows]


def _covers(lows: Sequence[str], profile: Profile) -> bool:
    telling = [stem(low) for low in lows if low not in STOP_WORDS]
    return bool(telling) and all(profile.weights.get(word, 0.0) >= 0.5 for word in telling)


def _look_up(word: str, profile: Profile) -> tuple[str, float] | None:
    best: tuple[str, float] | None = (word, 1.0) if word in profile.weights else None
    for known, weight in profile.weights.items():
        if weight < 0.5 or known == word:
            continue
        if synonyms(word, known):
            sureness = 0.78
        elif best is None and _slipped(word, known):
            sureness = 0.7
        else:
            continue
        if best is None or weight * sureness > profile.weights[best[0]] * best[1]:
            best = known, sureness
    return best


def _slipped(word: str, known: str) -> bool:
    """Whether an ear may have written the one for the other."""
    edits = slips(min(len(word), len(known)))
    return bool(edits) and word[0] == known[0] and distance(word, known) <= edits


def _leads(lows: Sequence[str], profile: Profile) -> bool:
    """Whether one of the first content words is the tool's own verb."""
    first = [stem(low) for low in lows if low not in STOP_WORDS][:2]
    return any(word in profile.verbs or any(synonyms(word, verb) for verb in profile.verbs) for word in first)


def _own_verb_first(lows: Sequence[str], profile: Profile) -> bool:
    """Whether the first content word is the very verb that begins the tool's name."""
    first = next((low for low in lows if low not in STOP_WORDS), "")
    return first == profile.name_words[0]


def _unchanging(lows: Sequence[str], profile: Profile) -> bool:
    """Whether a tool that changes something is met by words that only want to know, or to search."""
    first = next((low for low in lows if low not in STOP_WORDS or low in OTHER_THAN_CHANGES), "")
    changes = any(word in CHANGES for word in profile.name_words[:1])
    return changes and first in OTHER_THAN_CHANGES and stem(first) not in profile.weights


def _contradiction(lows: Sequence[str], profile: Profile) -> float:
    """ "Turn off" is not for the tool that turns on."""
    against = 0.0
    for word in profile.name_words:
        other = _OPPOSITES.get(word)
        if other and other in lows and word not in lows and other not in profile.name_words:
            against += 0.8
    return against
