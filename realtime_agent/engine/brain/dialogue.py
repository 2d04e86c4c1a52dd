"""What to answer: the order in which the brain's abilities are asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...errors import EngineError
from ...protocol.say import SAY_PREFIX, said_text
from ..parts import BrainRequest, Message
from .skills import do_skill, plain
from .smalltalk import NOT_HEARD, agent_name, greeting, is_greeting, kind_of, lost, small_talk, without_greeting
from .words import read


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the brain wants made; `arguments` is JSON."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the brain does: says a text, makes calls."""

    text: str = ""
    calls: tuple[Call, ...] = ()


def decide(request: BrainRequest, now: datetime) -> Decision:
    dictated = said_text(request.instructions)
    if dictated is None and request.instructions.startswith(SAY_PREFIX):
        dictated = request.instructions[len(SAY_PREFIX) :].strip().strip('"“”')  # written by hand
    if dictated is not None:
        return Decision(dictated)
    users = [item for item in request.conversation if isinstance(item, Message) and item.role == "user"]
    said = [item.text for item in request.conversation if isinstance(item, Message) and item.role == "assistant"]
    if not users:
        return Decision(greeting(request.instructions, now))
    if users[-1].image_urls:
        raise EngineError("The embedded brain cannot see images.", code="image_not_supported")
    utterance = read(users[-1].text)
    if not utterance.words:
        return Decision(NOT_HEARD)
    answer = do_skill(utterance, said[-1] if said else "", len(said), now)
    if answer is None:
        low = plain(utterance)
        kind = kind_of(low)
        if not kind and is_greeting(low) and not without_greeting(low, agent_name(request.instructions)):
            return Decision(greeting(request.instructions, now, low))
        answer = small_talk(kind, request.instructions, request.tools) if kind else lost(len(said))
    return Decision(answer)
