"""What to answer: the order in which the brain's abilities are asked.

Nothing is remembered between two replies. That a question is open is read from the conversation: if the agent's last
words are what this brain would have asked at that point (or the beginning of it, where the person interrupted), then
the person's words are the answer. So the same conversation always gives the same reply.

    the last thing that happened        what is said
    a tool gave its output              the result, in words
    the agent spoke                     a late result; else an offer to go on
    the person spoke,
    a question open   "never mind" drops it; a value fills it; another request replaces it; else ask again
    the person spoke                    dictation and spelling, tools, skills, small talk, "I did not understand"
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from realtime_agent.engine.brain.arguments import Filling, add_from_answer, fill_answer
from realtime_agent.engine.brain.clauses import begins_request, form_of
from realtime_agent.engine.brain.matching import Profile
from realtime_agent.engine.brain.questions import ask
from realtime_agent.engine.brain.requests import Call, Plan, Step, best_match, forced_plan, plan, profiles_of
from realtime_agent.engine.brain.schemas import Leaf
from realtime_agent.engine.brain.skills import do_echo, do_skill, plain
from realtime_agent.engine.brain.smalltalk import (
    NOT_HEARD,
    STILL_HERE,
    STILL_THERE,
    agent_name,
    greeting,
    is_greeting,
    kind_of,
    lost,
    opening_words,
    small_talk,
)
from realtime_agent.engine.brain.speaking import speak_results
from realtime_agent.engine.brain.words import Utterance, read
from realtime_agent.engine.parts import IDLE_HINT, BrainRequest, Message, PastCall
from realtime_agent.errors import EngineError
from realtime_agent.protocol.say import SAY_PREFIX

_DEEPEST = 6
_LONGEST_CHARACTERS = 4000  # nobody speaks longer without a pause, and understanding takes its time
_MOST_TRIES = 2
_DROPPED = "All right, I will leave that."
_GIVEN_UP = "I am sorry, I did not understand. Let us leave that."
_ANYTHING_ELSE = "Is there anything else I can do for you?"
_CALLS_OFF = ("cancel", "stop")
_CHANGES_SUBJECT = ("help", "who", "goodbye", "thanks")
_SEES = frozenset(("picture", "photo", "image", "see", "look", "this", "screenshot"))
Items = Sequence[Message | PastCall]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the brain does: says a text, makes calls. `open` is what its question waits for; `understood` is False for
    the shrug of the shoulders."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    open: OpenQuestion | None = None
    understood: bool = True


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A plan that lacks an argument, and how often it was asked for in vain."""

    plan: Plan
    step: Step
    leaf: Leaf
    tries: int = 0


def decide(request: BrainRequest, now: datetime) -> Decision:
    """The reply to a request.

    Raises:
        EngineError: the person's last message holds an image.
    """
    if request.instructions.startswith(SAY_PREFIX):  # written by hand; `say()` is the server's own work
        return Decision(request.instructions[len(SAY_PREFIX) :].strip().strip('"“”'))
    if request.conversation and (reminder := _still_there(request.conversation)):
        return Decision(reminder)
    system = [item.text for item in request.conversation if isinstance(item, Message) and item.role == "system"]
    if system:
        rest = [item for item in request.conversation if not (isinstance(item, Message) and item.role == "system")]
        request = replace(request, instructions="\n".join([request.instructions, *system]), conversation=rest)
    return _Dialogue(request, now).reply(request.conversation, 0)


def _still_there(items: Items) -> str:
    """What to say to a person who has been silent for too long; "" where something was said."""
    at = max((index for index, item in enumerate(items) if _is_idle_hint(item)), default=None)
    if at is None or any(not isinstance(item, Message) or item.role != "user" or item.text for item in items[at + 1 :]):
        return ""
    for item in reversed(items[:at]):
        if isinstance(item, Message) and item.role == "user" and item.text:
            break
        if _is_idle_hint(item):
            return STILL_HERE
    return STILL_THERE


def _is_idle_hint(item: Message | PastCall) -> bool:
    return isinstance(item, Message) and item.role == "system" and item.text == IDLE_HINT


class _Dialogue:
    """One request on its way to a decision."""

    def __init__(self, request: BrainRequest, now: datetime) -> None:
        self._request = request
        self._now = now
        self._profiles: list[Profile] = profiles_of(request.tools, request.tool_choice)
        self._name = agent_name(request.instructions)

    def reply(self, items: Items, depth: int) -> Decision:
        """The reply to the conversation up to here."""
        calls = _trailing_calls(items)
        if calls:
            return Decision(speak_results(calls))
        if not items or not isinstance(items[-1], Message) or items[-1].role == "assistant":
            return self._unasked(items)
        heard = _trailing_texts(items)
        before = items[: len(items) - len(heard)]
        self._look(items)
        utterance = read(heard[-1][:_LONGEST_CHARACTERS])
        opened = self._open_question(before, depth)
        decision = self._answered(opened, utterance, before) if opened else self._heard(utterance, before)
        if not decision.understood and len(heard) > 1:
            # A pause in the middle of a sentence made two messages of it.
            whole = self._heard(read(" ".join(heard[-3:])[:_LONGEST_CHARACTERS]), before)
            return whole if whole.understood else decision
        return decision

    def _unasked(self, items: Items) -> Decision:
        late = [
            item
            for item in items
            if isinstance(item, PastCall) and item.output is not None and not _spoken(item, items)
        ]
        if late:
            return Decision(speak_results(late))
        if any(isinstance(item, Message) for item in items):
            return Decision(_ANYTHING_ELSE)
        return Decision(greeting(self._request.instructions, self._now))

    def _look(self, items: Items) -> None:
        last = items[-1]
        if isinstance(last, Message) and last.image_urls:
            message = "The embedded brain is a rule-based assistant and cannot see images. Connect a model that can."
            raise EngineError(message, code="image_not_supported")

    def _open_question(self, before: Items, depth: int) -> OpenQuestion | None:
        if depth >= _DEEPEST or len(before) < 2 or not self._profiles:
            return None
        last = before[-1]
        if not isinstance(last, Message) or not last.text.strip() or isinstance(before[-2], PastCall):
            return None
        asked = self.reply(before[:-1], depth + 1)
        return asked.open if asked.open is not None and _begins(asked.text, last.text) else None

    def _answered(self, opened: OpenQuestion, utterance: Utterance, before: Items) -> Decision:
        if not utterance.words:
            return Decision(NOT_HEARD, open=opened)
        kind = kind_of(plain(utterance))
        wants_word = opened.leaf.kind == "boolean"
        if kind in _CALLS_OFF or (kind == "no" and not wants_word):
            return Decision(_DROPPED)
        if kind in _CHANGES_SUBJECT or self._other_request(utterance, opened):
            return self._heard(utterance, before)
        value = None if kind == "noise" else fill_answer(opened.step.profile, opened.leaf, utterance, self._now)
        if value is not None:
            return self._next(_with_value(opened, value, utterance, self._now))
        other = self._heard(utterance, before)
        if other.understood and kind not in ("noise", "yes", "no"):
            return other
        if opened.tries + 1 >= _MOST_TRIES:
            return Decision(_GIVEN_UP)
        again = replace(opened, tries=opened.tries + 1)
        return Decision(ask(opened.leaf, again=True), open=again, understood=False)

    def _other_request(self, utterance: Utterance, opened: OpenQuestion) -> bool:
        """Whether the words are a request of their own and no answer."""
        if not begins_request(utterance.lows, frozenset()) or len(utterance.words) < 3:
            return False
        found = best_match(utterance, self._profiles, self._now)
        if found is not None:
            return found.profile is not opened.step.profile or form_of(utterance.lows) == "question"
        return form_of(utterance.lows) == "question" and do_skill(utterance, "", 0, self._now) is not None

    def _heard(self, utterance: Utterance, before: Items) -> Decision:
        """The reply to words that answer no question."""
        if not utterance.words:
            return Decision(NOT_HEARD)
        said = [item.text for item in before if isinstance(item, Message) and item.role == "assistant"]
        forced = bool(self._profiles) and self._request.tool_choice not in ("auto", "none")
        opening = opening_words(plain(utterance), self._name)
        rest = utterance.part(opening, len(utterance.words))
        if opening and (is_greeting(plain(utterance)) or begins_request(rest.lows, frozenset())) and rest.words:
            utterance = rest
        if forced:
            wanted = forced_plan(utterance, self._profiles, self._now)
            return self._next(wanted) if wanted else Decision(lost(len(said)), understood=False)
        return self._free(utterance, said)

    def _free(self, utterance: Utterance, said: list[str]) -> Decision:
        last = said[-1] if said else ""
        echo = do_echo(utterance, last)
        if echo is not None:
            return Decision(echo)
        kind = kind_of(plain(utterance))
        if kind in ("thanks", "goodbye", "praise", "sorry"):
            return self._small_talk(kind)
        wanted = plan(utterance, self._profiles, self._now)
        if wanted is not None:
            return self._next(wanted)
        answer = do_skill(utterance, last, len(said), self._now)
        if answer is not None:
            return Decision(answer)
        if kind:
            return self._small_talk(kind)
        low = plain(utterance)
        if is_greeting(low):
            return Decision(greeting(self._request.instructions, self._now, low))
        if low == self._name.lower():
            return Decision("Yes, I am listening.")
        if _SEES & set(utterance.lows) and {"picture", "photo", "image", "screenshot"} & set(utterance.lows):
            return Decision("I cannot see pictures. I am a rule-based assistant.")
        return Decision(lost(len(said)), understood=False)

    def _small_talk(self, kind: str) -> Decision:
        tools = self._request.tools if self._request.tool_choice != "none" else ()
        return Decision(small_talk(kind, self._request.instructions, tools), understood=kind != "noise")

    def _next(self, wanted: Plan) -> Decision:
        """The calls of a plan, or the question for what it lacks."""
        lacking = wanted.missing()
        if lacking is None:
            return Decision(wanted.said, wanted.calls())
        step, leaf = lacking
        text = f"{wanted.said} {ask(leaf)}".strip()
        return Decision(text, open=OpenQuestion(replace(wanted, said=""), step, leaf))


def _with_value(opened: OpenQuestion, value: object, utterance: Utterance, now: datetime) -> Plan:
    values = {**opened.step.filling.values, opened.leaf.path: value}
    if opened.leaf.kind != "string" or opened.leaf.choices:
        values = add_from_answer(opened.step.profile, utterance, now, values)
    filled = Step(opened.step.profile, Filling(values, opened.step.filling.more))
    return replace(opened.plan, steps=tuple(filled if step is opened.step else step for step in opened.plan.steps))


def _trailing_calls(items: Items) -> list[PastCall]:
    """The calls at the end of the conversation, if at least one has its output."""
    calls: list[PastCall] = []
    for item in reversed(items):
        if not isinstance(item, PastCall):
            break
        calls.insert(0, item)
    return calls if any(call.output is not None for call in calls) else []


def _trailing_texts(items: Items) -> list[str]:
    """What the person said since anybody answered."""
    texts: list[str] = []
    for item in reversed(items):
        if not isinstance(item, Message) or item.role != "user":
            break
        texts.insert(0, item.text)
    return texts


def _spoken(call: PastCall, items: Items) -> bool:
    """Whether the agent has told this result, at least the beginning of it."""
    sentence = speak_results([call])
    later = items[next(i for i, item in enumerate(items) if item is call) + 1 :]
    return any(
        isinstance(item, Message)
        and item.role == "assistant"
        and (sentence in item.text or _begins(sentence, item.text))
        for item in later
    )


def _begins(whole: str, heard: str) -> bool:
    """Whether what was heard is the text, or the beginning of it: the person may have interrupted."""
    heard = " ".join(heard.split()).rstrip(".… ")
    return bool(heard) and " ".join(whole.split()).startswith(heard)
