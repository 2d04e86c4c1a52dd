"""Is the person done, or only drawing breath? What `semantic_vad` asks at every pause.

`TurnEnd` is a part of an engine like ear, brain and voice; write your own by having its methods. The default needs no
model: it adds up what words and sound say, each as odds (logits), and answers with a probability.

    the words end in …                                     the sound …
    a question mark                       +2.0             fell to the speaker's floor (< 2 semitones)    +1.0
    a full stop, exclamation mark         +1.0             stays high (> 5 semitones; not a question)     -1.5
    nothing (the ear could not tell)      -0.5             trailed off (6 dB)                             +0.5
    comma, colon, dash, dots              -1.5             did not (2 dB)                                 -0.5
    a word that something must follow     -3.0             held one pitch for 300 ms and more             -1.0
    no words at all                       -3.0

That the end of a sentence is the strongest sign, and prosody decides between sentences: Ford and Thompson,
"Interactional units in conversation", in Interaction and Grammar, 1996; `prosody.py` names the rest. The weights are
round numbers, not trained: 44 s of one reader would train them to that reader. What they are worth is measured in
`tests/bench/turn_end.py`.
"""

from __future__ import annotations

import asyncio
import math
import re
from typing import Protocol

_HANGING_WORDS = frozenset(
    """
    a an and as at because but by for from if in into is my of on or our so than that the their then these this those
    to um uh er hmm well when where which while who whose will with without would your
    """.split()  # noqa: SIM905 - a word list reads better as words
)
_TRAILING_OFF = re.compile(r"(\.\.+|…|[,;:–—-])$")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
HEARD_S = 8.0
"""How much of the turn a judge is given."""


class TurnEnd(Protocol):
    """Judges whether a turn is over."""

    @property
    def name(self) -> str: ...

    async def start(self) -> None:
        """Load what is needed. Idempotent.

        Raises:
            EngineError: it cannot be loaded.
        """

    async def judge(self, pcm: bytes, rate_hz: int, text: str) -> float:
        """The probability that the turn is over, from 0 to 1.

        Args:
            pcm: the turn up to the pause, or its last `HEARD_S`; int16, mono.
            rate_hz: its rate.
            text: what the ear made of the whole turn; may be empty.

        Raises:
            EngineError: it cannot tell; the longest silence is then waited for.
        """

    async def close(self) -> None: ...


class HeuristicTurnEnd:
    """The judge that needs no model: 5 ms of a core for a verdict, off the event loop."""

    name = "words and prosody"

    async def start(self) -> None:
        """Nothing to load."""

    async def judge(self, pcm: bytes, rate_hz: int, text: str) -> float:
        """The probability that the turn is over."""
        is_question = text.rstrip().endswith("?")
        heard = await asyncio.to_thread(prosody_logit, pcm, rate_hz, is_question=is_question)
        return probability(words_logit(text) + heard)

    async def close(self) -> None:
        """Nothing to let go."""


def words_logit(text: str) -> float:
    """What the words say of the end: above 0 where they are complete."""
    text = text.strip()
    words = _WORD.findall(text.lower())
    if not words:
        return -3.0
    if text.endswith("?"):
        return 2.0
    if words[-1] in _HANGING_WORDS:
        return -3.0
    if _TRAILING_OFF.search(text):
        return -1.5
    return 1.0 if text[-1] in ".!" else -0.5


def prosody_logit(pcm: bytes, rate_hz: int, *, is_question: bool = False) -> float:
    """What the sound says of the end."""
    from realtime_agent.engine.prosody import hear_ending  # numpy: only who listens needs it

    ending = hear_ending(pcm, rate_hz)
    if ending is None:
        return 0.0
    logit = 0.0
    if ending.pitch_above_floor < 2:
        logit += 1.0
    elif ending.pitch_above_floor > 5 and not is_question:
        logit -= 1.5
    if ending.energy_drop_db > 6:
        logit += 0.5
    elif ending.energy_drop_db < 2:
        logit -= 0.5
    return logit - 1.0 if ending.level_ms >= 300 else logit


def probability(logit: float) -> float:
    """Of an event whose odds are e to this."""
    return 1 / (1 + math.exp(-logit))
