"""How something is said: as a request, a question, a statement, an opinion; and where one request ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from realtime_agent.engine.brain.vocabulary import JOINTS, LEADS, QUESTION_STARTS, REQUEST_VERBS, STATEMENT_STARTS
from realtime_agent.engine.brain.wording import starts, ways
from realtime_agent.engine.brain.words import Utterance

_REQUESTS = starts("""
    (?:i|we) (?:want|need|wanna|would (?:like|love)|have to|must|wonder|am looking|should) | i could (?:need|like)
""")
# Talk about a thing, or about the agent, that asks for nothing to be done.
_OPINIONS = ways("""
    (?:do|would|did|can|have|could) you (?:ever |really |also )?(?:like|love|think|feel|enjoy|believe|hate|prefer)
    (?:do|would|did|can|have|could) you (?:ever |really |also )?(?:remember|seen|been|dream|eat|sleep)
    do you know (?:who|why|how|that) | your (?:favorite|opinion|thoughts|life|day|mood) | have you ever
    how many \\w+ (?:are|is) (?:there )?in (?:a|an|one)
""")
_EXPLAIN = starts("""
    why | whose | who (?:invented|made|is|was|discovered|wrote|created) | how (?:old|tall|big) (?:is|are|was)
    how (?:does|do) (?:a|an|the|people|one|they|i make) | what (?:is|are|was) (?:a|an|your)(?! (?:good|nice|quick))
    what does .* mean | (?:the )?\\w+ of an?
""")
_NEGATED = starts("""
    (?:please |ok |no |oh |but )*(?:do not|never|you should not|you must not)(?! (?:forget|let me forget|bother))
""")
# After these the rest is what somebody else shall read or hear: nothing in it is a request to us.
_DICTATION = re.compile(r"\b(?:saying|says|that says|the words|the text|the message that|writing)\b")


def form_of(lows: tuple[str, ...]) -> str:
    """ "negated", "opinion", "statement", "question", "request" or "fragment"."""
    start = 0
    while start < len(lows) and lows[start] in LEADS:
        start += 1
    text = " ".join(lows[start:])
    if _NEGATED.match(text):
        return "negated"
    if _OPINIONS.search(text) or _EXPLAIN.match(text):
        return "opinion"
    if not text or _REQUESTS.match(text):
        return "request"
    first = lows[start]
    told_when = first == "when" and "is" not in lows[start + 1 : start + 3]  # "when I came home"
    if first in QUESTION_STARTS and not told_when:
        return "question"
    if first in STATEMENT_STARTS:
        return "statement"
    return "request" if first in REQUEST_VERBS else "fragment"


def begins_request(lows: tuple[str, ...], verbs: frozenset[str]) -> bool:
    """Whether the words could begin a request of their own; `verbs` are the first words of the tools' names."""
    start = 0
    while start < len(lows) and (lows[start] in LEADS or lows[start] in JOINTS):
        start += 1
    if start >= len(lows):
        return False
    return (
        lows[start] in REQUEST_VERBS
        or lows[start] in QUESTION_STARTS
        or lows[start] in verbs
        or bool(_REQUESTS.match(" ".join(lows[start:])))
    )


def split_clauses(utterance: Utterance, verbs: frozenset[str], known: Callable[[Utterance], bool]) -> list[Utterance]:
    """The utterance cut into requests. `known` says whether a piece would be understood alone; what would not stays
    with the piece before it: "add milk and eggs" is one, "turn on the light and tell me the time" are two."""
    lows = utterance.lows
    dictation = _DICTATION.search(" ".join(lows))
    last = len(" ".join(lows)[: dictation.start()].split()) if dictation else len(lows)
    cuts = [0]
    for at in range(1, len(lows)):
        if at > last:
            break
        joint = lows[at] in JOINTS and lows[at - 1] not in JOINTS
        mark = any(sign in utterance.gap(at - 1) for sign in ".?!;,")
        if (joint or mark) and begins_request(lows[at:], verbs):
            cuts.append(at)
    cuts.append(len(lows))
    spans: list[tuple[int, int]] = []
    for start, end in pairwise(cuts):
        if spans and not (known(utterance.part(start, end)) and known(utterance.part(*spans[-1]))):
            spans[-1] = spans[-1][0], end
        else:
            spans.append((start, end))
    return [_without_joints(utterance.part(start, end)) for start, end in spans if start < end]


def _without_joints(piece: Utterance) -> Utterance:
    start = 0
    while start < len(piece.words) - 1 and (piece.words[start].low in JOINTS or piece.words[start].low in LEADS):
        start += 1
    return piece.part(start, len(piece.words))
