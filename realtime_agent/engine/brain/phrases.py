"""Names, places and free text out of an utterance: what stands behind a marker, or what is left of it."""

from __future__ import annotations

import re

from realtime_agent.engine.brain.matching import Profile
from realtime_agent.engine.brain.schemas import Leaf
from realtime_agent.engine.brain.values import Search, Span, temporal_spans
from realtime_agent.engine.brain.vocabulary import (
    ASKING,
    CONNECTORS,
    CONTACT_VERBS,
    FILLERS,
    FROM_NAMES,
    GIVING_VERBS,
    LEADS,
    NAME_ENDS,
    NO_NAMES,
    PREAMBLE,
    STOP_WORDS,
    TO_NAMES,
    TRAILERS,
)
from realtime_agent.engine.brain.wording import ways
from realtime_agent.engine.brain.words import Utterance, stem

_MARKERS = {
    "place": ("in", "for", "at", "near", "around", "to", "from", "of", "towards", "into"),
    "person": ("to", "for", "with", "named", "called", "by", "from"),
    "title": ("called", "named", "titled", "labeled", "labelled", "name", "title", "for"),
    "language": ("to", "into", "in"),
    "email": ("to", "at"),
}
_DICTATION = ways("""
    saying that | saying | that says | which says | says | with the (?:text|message|words|subject|body|content)
    the message | to say that | to say | and say | asking | telling (?:him|her|them) that | telling (?:him|her|them)
""")


def find_name(leaf: Leaf, search: Search, profile: Profile) -> str | None:
    """The place, person or title behind its marker ("in New York", "to Anna", "called Work")."""
    markers = _MARKERS.get(leaf.role, ())
    own = set(leaf.name.lower().split("_"))
    if own & FROM_NAMES:
        markers = ("from",)
    elif own & TO_NAMES and leaf.role != "person":
        markers = ("to", "for", "into")
    blocked = set(search.used)
    for span in temporal_spans(search):
        blocked.update(range(*span))
    for at, short in _name_starts(leaf, search, markers):
        name = _name_span(search, at + 1, blocked, profile, short=short)
        if name is not None:
            search.take((at, name[1]))
            text = search.utterance.cut(*name)
            return text if leaf.role == "title" else proper(text)
    return _modifier(search, blocked, profile) if leaf.role == "title" else None


def _modifier(search: Search, blocked: set[int], profile: Profile) -> str | None:
    """What kind of thing is meant: "a pasta timer"."""
    lows = search.lows
    for at, low in enumerate(lows):
        if low not in ("a", "an", "the", "my"):
            continue
        end = at + 1
        while (
            end < len(lows)
            and end not in blocked
            and lows[end] not in STOP_WORDS
            and stem(lows[end]) not in profile.nouns
        ):
            end += 1
        words = lows[at + 1 : end]
        if (
            1 <= len(words) <= 2
            and end < len(lows)
            and stem(lows[end]) in profile.nouns
            and not any(map(profile.says, words))
        ):
            search.take((at + 1, end))
            return search.utterance.cut(at + 1, end)
    return None


def _name_starts(leaf: Leaf, search: Search, markers: tuple[str, ...]) -> list[tuple[int, bool]]:
    """Where a name may follow, the likeliest marker first, and whether it is one word there unless capitals say "
    "more."""
    lows = search.lows
    found: list[tuple[int, bool]] = []
    if leaf.role == "person":
        for at, low in enumerate(lows[:6]):
            given = (
                low in GIVING_VERBS
                and lows[at + 2 : at + 3]
                and lows[at + 2] in ("a", "an", "the", "this", "my", "that")
            )
            if low in CONTACT_VERBS or given:
                found.append((at, True))
    for marker in markers:
        found += [(at, False) for at, low in enumerate(lows) if low == marker]
    return [(at, short) for at, short in found if at not in search.used]


def _name_span(search: Search, start: int, blocked: set[int], profile: Profile, *, short: bool) -> Span | None:
    lows = search.lows
    while start < len(lows) and lows[start] in ("the", "my", "our", "a", "mr", "mrs"):
        start += 1
    end = start
    while end < len(lows) and end - start < 5 and end not in blocked and lows[end] not in NAME_ENDS:
        if stem(lows[end]) in profile.nouns:
            break
        if any(sign in search.utterance.gap(end - 1) for sign in ".?!;,") and end > start:
            break
        if short and end > start and not search.utterance.text[search.utterance.words[end].start].isupper():
            break
        end += 1
    while end > start and lows[end - 1] in TRAILERS:
        end -= 1
    words = lows[start:end]
    if not words or words[0] in NO_NAMES or words[0].isdecimal() or all(profile.says(word) for word in words):
        return None
    return start, end


def proper(text: str) -> str:
    """A name with capitals, where the ear wrote none: "new york" is "New York"."""
    return text if text != text.lower() else re.sub(r"(?<![\w'’])[^\W\d_]", lambda found: found.group().upper(), text)


def find_text(search: Search, profile: Profile) -> str | None:
    """The free text of a request: what is dictated, or what is left when the words that only ask are taken away."""
    lows = search.lows
    joined = " ".join(lows)
    dictated = _DICTATION.search(joined)
    if dictated and not search.answering:
        start = len(joined[: dictated.end()].split())
        return _trimmed(search, start, len(lows), keep_trailers=True)
    quoted = re.search(r"[\"“](.+?)[\"”]", search.utterance.said)
    if quoted:
        return quoted.group(1)
    start = 0 if search.answering else _after_asking(search, profile)
    return _trimmed(search, start, len(lows), profile=profile)


def _after_asking(search: Search, profile: Profile) -> int:
    """The first word that does not merely ask for the tool."""
    at, lows, asked, named_it = 0, search.lows, False, False
    while at < len(lows):
        low = lows[at]
        names = at in search.used or profile.says(low)
        asks = low in ASKING and not named_it
        if names or asks or low in LEADS or low in FILLERS or (low in PREAMBLE and not asked):
            at, asked, named_it = at + 1, asked or names or asks, named_it or names
        elif low in CONNECTORS:
            at += 1
            named = _tool_words(lows, at, profile)
            if named == at:
                break
            at = named
        else:
            break
    while at < len(lows) and lows[at] in ("a", "an", "the", "to", "that") and at and lows[at - 1] in CONNECTORS:
        at += 1
    return at


def _tool_words(lows: tuple[str, ...], at: int, profile: Profile) -> int:
    """The index after "the shopping list" at `at`, where these words name the tool; else `at`."""
    index = at
    while index < len(lows) and lows[index] in ("the", "my", "a", "our", "an"):
        index += 1
    end = index
    while end < len(lows) and stem(lows[end]) in map(stem, profile.name_words):
        end += 1
    return end if end > index else at


def _trimmed(
    search: Search, start: int, end: int, *, keep_trailers: bool = False, profile: Profile | None = None
) -> str | None:
    lows = search.lows
    changed = True
    while changed and start < end:
        changed = False
        if (end - 1) in search.used or (not keep_trailers and lows[end - 1] in TRAILERS):
            end, changed = end - 1, True
        elif start in search.used:
            start, changed = start + 1, True
        elif profile is not None and not search.answering and (tail := _tool_tail(lows, start, end, profile)) < end:
            end, changed = tail, True
        elif lows[end - 1] in ("at", "in", "on", "for", "by", "from", "to", "and") and end in search.used:
            end, changed = end - 1, True
    pieces = _unused_runs(search, start, end)
    text = " ".join(search.utterance.cut(*piece) for piece in pieces).strip(" \"“”'")
    if text.lower() in ("something", "anything", "someone", "somebody", "stuff", "things"):
        return None
    if not text or all(low in STOP_WORDS and low not in ("i", "you", "it") for a, b in pieces for low in lows[a:b]):
        return text if search.answering and text else None
    return text


def spot(text: str, profile: Profile) -> str:
    """A room or the like out of free text: "in the kitchen", or the kitchen of "the kitchen lights"."""
    words = re.sub(r"^(?:(?:in|on|at|of|for|from)\s+)?(?:(?:the|my|our)\s+)?", "", text, flags=re.IGNORECASE).split()
    named = set(map(stem, profile.name_words))
    while len(words) > 1 and stem(words[-1].lower()) in named:
        words.pop()
    return " ".join(words) or text


def _tool_tail(lows: tuple[str, ...], start: int, end: int, profile: Profile) -> int:
    """Where "… to my shopping list" begins at the end of the words; `end` where nothing of the kind is there."""
    at = end
    while at > start and stem(lows[at - 1]) in map(stem, profile.name_words):
        at -= 1
    if at == end:
        return end
    while at > start and lows[at - 1] in ("the", "my", "our", "a"):
        at -= 1
    return at - 1 if at > start + 1 and lows[at - 1] in ("to", "on", "in", "from", "into", "off") else end


def _unused_runs(search: Search, start: int, end: int) -> list[Span]:
    runs: list[Span] = []
    for index in range(start, end):
        if index in search.used:
            continue
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


def split_list(text: str) -> list[str]:
    """ "Milk, eggs and bread" as three."""
    pieces = re.split(r"\s*(?:,\s*and\b|,|\band\b|;|&|\bplus\b)\s*", text)
    return [
        re.sub(r"^(?:some|a|an|the)\s+", "", piece.strip(), flags=re.IGNORECASE) for piece in pieces if piece.strip()
    ]


def without_answer_lead(utterance: Utterance) -> Utterance:
    """An answer without its "it's", "in", "the city is", "make it", "um"."""
    lows, at = utterance.lows, 0
    patterns = (
        ("it", "is"), ("that", "is"), ("make", "it"), ("i", "would", "like"), ("i", "want"), ("i", "mean"), ("i",
        "said"),
        ("let", "us", "say"), ("how", "about"), ("what", "about"), ("i", "think"), ("to",), ("in",), ("for",),
        ("at",), ("um",), ("uh",),
        ("the",), ("well",), ("ok",), ("oh",), ("please",), ("that",), ("yes",), ("with",), ("from",), ("on",), (
        "er",), ("use",),
        ("tell", "him"), ("tell", "her"), ("say",), ("my",),
    )  # fmt: skip
    moved = True
    while moved:
        moved = False
        for words in patterns:
            if lows[at : at + len(words)] == words and at + len(words) < len(lows):
                at, moved = at + len(words), True
    match = re.match(r"(?:\w+ ){1,3}?(?:is|should be|will be) (?=\w)", " ".join(lows[at:])) if lows[at:] else None
    if match and at and lows[at - 1] in ("the", "my"):
        at += len(match.group().split())
    return utterance.part(at, len(lows))
