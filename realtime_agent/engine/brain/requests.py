"""From an utterance to tool calls: which tools, with which arguments, and what is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from realtime_agent.engine.brain.arguments import Filling, fill
from realtime_agent.engine.brain.clauses import form_of, split_clauses
from realtime_agent.engine.brain.codes import find_expression
from realtime_agent.engine.brain.matching import ENOUGH, Match, Profile, match, profile_of
from realtime_agent.engine.brain.schemas import Leaf
from realtime_agent.engine.brain.skills import do_skill
from realtime_agent.engine.brain.vocabulary import STOP_WORDS
from realtime_agent.engine.brain.words import Utterance
from realtime_agent.engine.parts import ToolSpec

_MOST_CALLS = 16
_FAINTLY = 0.2


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the brain wants made; `arguments` is JSON."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Step:
    """One tool that was asked for, and what of its arguments is known."""

    profile: Profile
    filling: Filling


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one utterance asks for: tools, and `said`, the answers of skills that need none."""

    steps: tuple[Step, ...] = ()
    said: str = ""

    def missing(self) -> tuple[Step, Leaf] | None:
        """The first argument that has to be asked for."""
        for step in self.steps:
            leaf = step.filling.missing(step.profile)
            if leaf is not None:
                return step, leaf
        return None

    def calls(self) -> tuple[Call, ...]:
        made = (Call(step.profile.name, text) for step in self.steps for text in step.filling.calls(step.profile))
        return tuple(dict.fromkeys(made))[:_MOST_CALLS]


def profiles_of(tools: Sequence[ToolSpec], tool_choice: str) -> list[Profile]:
    """The tools that may be called: all, none, or the one that `tool_choice` names."""
    if tool_choice == "none":
        return []
    named = [tool for tool in tools if tool.name == tool_choice]
    return [profile_of(tool) for tool in (named or tools)]


def best_match(utterance: Utterance, profiles: Sequence[Profile], now: datetime) -> Match | None:
    """The tool that the utterance asks for; None where it asks for none."""
    if not profiles or not utterance.words:
        return None
    if (sums := _calculator(profiles)) and find_expression(utterance):
        return Match(sums, ENOUGH)
    ranked = match(utterance, profiles)
    found = [candidate for candidate in ranked if candidate.score >= ENOUGH]
    if not found:
        return next((candidate for candidate in ranked[:2] if _fits_faintly(candidate, utterance, now)), None)
    # Nearly as good a match that gets more of what it needs is the better one.
    close = [candidate for candidate in found if candidate.score >= found[0].score * 0.92]
    if len(close) > 1:
        close.sort(key=lambda candidate: -_filled(candidate.profile, utterance, now))
    return close[0]


def _fits_faintly(candidate: Match, utterance: Utterance, now: datetime) -> bool:
    """Whether few words are enough: a tool that only tells something, lacks nothing,
    and is all that is talked about, or
    of which a choice is named: "how is the battery"."""
    profile = candidate.profile
    if candidate.score < _FAINTLY or profile.verbs or len(utterance.words) > 10:
        return False
    if form_of(utterance.lows) not in ("question", "request"):
        return False
    filling = fill(profile, utterance, now)
    chosen = any(leaf.choices and leaf.path in filling.values for leaf in profile.leaves)
    return filling.missing(profile) is None and (chosen or candidate.covers)


def _calculator(profiles: Sequence[Profile]) -> Profile | None:
    return next((p for p in profiles if any(leaf.role == "expression" and leaf.required for leaf in p.leaves)), None)


def _filled(profile: Profile, utterance: Utterance, now: datetime) -> float:
    filling = fill(profile, utterance, now)
    return len(filling.values) - (2.0 if filling.missing(profile) else 0.0)


def plan(utterance: Utterance, profiles: Sequence[Profile], now: datetime) -> Plan | None:
    """What the utterance asks of the tools; None where it asks nothing of them."""
    if best_match(utterance, profiles, now) is None and len(utterance.words) < 4:
        return None
    verbs = frozenset(profile.name_words[0] for profile in profiles if profile.name_words)

    def known(piece: Utterance) -> bool:
        return best_match(piece, profiles, now) is not None or do_skill(piece, "", 0, now) is not None

    steps: list[Step] = []
    said: list[str] = []
    for piece in split_clauses(utterance, verbs - STOP_WORDS, known):
        found = best_match(piece, profiles, now)
        if found is not None:
            steps.append(Step(found.profile, fill(found.profile, piece, now)))
        elif (answer := do_skill(piece, "", 0, now)) is not None:
            said.append(answer)
    return Plan(tuple(steps), " ".join(said)) if steps else None


def forced_plan(utterance: Utterance, profiles: Sequence[Profile], now: datetime) -> Plan | None:
    """What to call when a tool must be called: the plan, else the likeliest tool; None where there is no tool."""
    wanted = plan(utterance, profiles, now) if len(profiles) > 1 else None
    if wanted is not None or not profiles:
        return wanted
    likeliest = next(iter(match(utterance, profiles)), None)
    profile = likeliest.profile if likeliest else profiles[0]
    filling = fill(profile, utterance, now)
    leaf = filling.missing(profile)
    if leaf is not None and leaf.kind == "string" and leaf.role == "text" and not leaf.choices and utterance.said:
        filling.values[leaf.path] = utterance.said
    return Plan((Step(profile, filling),))
