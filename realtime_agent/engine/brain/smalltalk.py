"""Manners and honesty: greetings, thanks, goodbyes, what the assistant is, what it can do, and what it says when "
"lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from realtime_agent.engine.brain.skills import SKILLS
from realtime_agent.engine.brain.vocabulary import LANGUAGES, NOT_AGENT_NAMES
from realtime_agent.engine.brain.wording import kinds
from realtime_agent.engine.brain.words import sentences, split_name
from realtime_agent.engine.parts import ToolSpec

# "You are Ada, ...", "Your name is Ada", "call yourself Ada"
_NAME = re.compile(
    r"(?:\b(?:[Yy]our name is|[Yy]ou are called|[Cc]all yourself|[Yy]ou are named|[Yy]ou're called)|"
    r"\b[Yy]ou(?: are|'re|’re))\s+(?P<name>[A-Z][a-z'’\-]+(?:\s[A-Z][a-z'’\-]+)?)(?=[\s,.;:!?]|$)"
)
_GREETING = r"(?:hello|hi|hey|hiya|howdy|good (?:morning|afternoon|evening|day)|greetings)"
_GREETINGS = re.compile(rf"^(?:{_GREETING})(?: (?:there|again|you|everyone|assistant|agent|computer|robot))*")
_TABLE = kinds("""
goodbye, starts: good ?bye | bye | see (?:you|ya) | farewell | good night | talk to you (?:later|soon) | so long | ciao
goodbye, starts: have a (?:nice|good|great) \\w+ | that is all | that will be all | i am done | i have to go
goodbye, starts: hang up
goodbye, ends: good ?bye | bye | that is all for (?:today|now)
cancel, whole: not now | no thanks | no thank you
thanks, starts: thank you | thanks | many thanks | cheers | much appreciated | i appreciate
help, anywhere: what can you do | what (?:do|can) you (?:do|help) | how can you help | what are you (?:able|capable)
help, anywhere: what can i (?:ask|say|do) | (?:what|which) tools | help me | what things can you
help, anywhere: your (?:skills|abilities|capabilities|features|functions|tools) | how (?:do|does) (?:you|this) work
help, whole: help | i need help | commands | options | menu
who, anywhere: who are you | what are you | introduce yourself | tell me about yourself | are you (?:there )?real
who, anywhere: are you (?:an? )?(?:human|person|robot|machine|bot|computer|ai|language model|llm|gpt|alexa|siri)
who, anywhere: are you (?:an? )?(?:real|man|woman|intelligent|conscious|alive) | (?:which|what) model
who, anywhere: what (?:kind|sort) of (?:assistant|ai|thing) are you
who, anywhere: who (?:made|built|created|programmed) you
name, anywhere: what is your name | your name please | what are you called | do you have a name | how are you called
name, anywhere: what (?:should|do|can) i call you
language, anywhere: (?:do|can|could) you (?:speak|understand|talk|know|answer)(?: in)?(?: any)? LANGUAGE
language, anywhere: (?:which|what) languages? (?:do|can) you
language, starts: (?:speak|talk|answer|switch)(?: to| in)? LANGUAGE
how, starts: how are you | how is it going | how do you (?:do|feel) | what is up | how are things
how, starts: how have you been | are you (?:ok|well) | how is your day
meet, starts: (?:nice|good|pleased|great) to (?:meet|see|hear|talk)
hear, anywhere: (?:can|do) you hear me
hear, starts: are you (?:there|listening|awake|still there) | is (?:anyone|anybody|someone) there
hear, starts: testing | test | mic check | one two three
stop, whole: stop(?: it| that| talking)? | be quiet | shut up | quiet | silence | enough | that is enough
stop, whole: hold on | pause
stop, whole: wait | wait a (?:moment|minute|second) | one moment
cancel, whole: never ?mind | cancel(?: that| it)? | forget(?: about)? (?:it|that) | do not bother | leave it | drop it
sorry, starts: i am sorry | sorry
praise, whole: (?:that is |that was |you are )?(?:very |so )?PRAISE(?: (?:job|work|one|story|joke))? | good (?:boy|girl)
yes, whole: yes | yeah | yep | yup | ok | sure | alright | all right | fine | of course | right | exactly
yes, whole: i see | got it | understood | absolutely | no problem | aha | oh
no, whole: no | nope | nah | not really | nothing
noise, whole: um+ | uh+ | hm+ | mm+ | mhm | er | erm | ah | huh | well | so
love, anywhere: i love you | marry me | do you love | will you be my
blame, anywhere: you are (?:stupid|dumb|useless|bad|terrible|an idiot|wrong)
blame, anywhere: that is (?:wrong|not right|incorrect|not what i)
""".replace("LANGUAGE", f"(?:{'|'.join(sorted(LANGUAGES))}|(?:an)?other languages?|languages)").replace(
    "PRAISE",
    "(?:great|good|nice|cool|awesome|perfect|wonderful|excellent|amazing|fantastic|brilliant|funny|interesting|smart"
    "|well done|helpful|correct|right|lovely|beautiful)",
))  # fmt: skip

_ANSWERS = {
    "thanks": "You are welcome.",
    "goodbye": "Goodbye. It was good to talk with you.",
    "how": "I am well, thank you. What can I do for you?",
    "meet": "Nice to meet you too. What can I do for you?",
    "hear": "Yes, I can hear you.",
    "stop": "All right.",
    "cancel": "All right, never mind.",
    "sorry": "No problem at all.",
    "praise": "Thank you. What else can I do for you?",
    "yes": "All right. What can I do for you?",
    "no": "All right. I am here if you need me.",
    "noise": "I am listening.",
    "love": "That is kind of you. I am only a set of rules, but I like a good conversation.",
    "blame": "I am sorry about that. I am a simple rule-based assistant. Please try it in other words.",
    "language": "I only understand and speak English.",
}
LOST = (
    "I am sorry, I did not understand that. I am a rule-based assistant, not a language model. Ask me what I can do.",
    "I am afraid I have no answer to that. I can help with simple things: ask me what I can do.",
    "I did not get that. Please say it in other words, or ask me what I can do.",
)
NOT_HEARD = "Sorry, I did not catch that."
STILL_THERE = "Are you still there?"
STILL_HERE = "I am still here. Just speak when you need me."


def agent_name(instructions: str) -> str:
    """The name that the instructions give the agent, or "" where they give none."""
    for found in _NAME.finditer(instructions):
        first = found["name"].split()[0]
        if first not in NOT_AGENT_NAMES:
            return " ".join(word for word in found["name"].split() if word not in NOT_AGENT_NAMES)
    return ""


def greeting(instructions: str, now: datetime | None = None, said: str = "") -> str:
    """The first words of a conversation."""
    name = agent_name(instructions)
    part = ""
    if now is not None and (found := re.match(r"good (morning|afternoon|evening|day)", said)):
        part = f"Good {found.group(1)}"
    hello = part or "Hello"
    return f"{hello}. I am {name}. How can I help you?" if name else f"{hello}. How can I help you?"


_OPENING = re.compile(
    rf"^(?:(?:ok|great|perfect|good|alright|well|oh) )*(?:{_GREETING}|thanks|thank you)"
    r"(?: (?:there|again|everyone|assistant|agent|computer|very much|so much|a lot))*"
)


def opening_words(low: str, name: str) -> int:
    """How many words at the front only greet, thank, or call the agent by its name: "hey ada what time is it"."""
    rest = _OPENING.sub("", low).strip()
    called = name.lower()
    while called and (rest == called or rest.startswith(f"{called} ")):
        rest = rest[len(called) :].strip()
    return len(low.split()) - len(rest.split())


def is_greeting(low: str) -> bool:
    return _GREETINGS.match(low) is not None


def kind_of(low: str) -> str:
    """Which kind of small talk the words are; "" where they are none."""
    return next((kind for kind, pattern in _TABLE if pattern.match(low)), "")


def small_talk(kind: str, instructions: str, tools: Sequence[ToolSpec]) -> str:
    """The answer to a kind of small talk."""
    name = agent_name(instructions)
    if kind == "who":
        who = (
            f"I am {name}, a rule-based assistant"
            if name
            else "I am the embedded assistant of realtime-agent, a rule-based assistant"
        )
        return f"{who}, not a language model. {help_text(tools)}"
    if kind == "name":
        return (
            f"My name is {name}."
            if name
            else "I have no name of my own. I am the embedded rule-based assistant of realtime-agent."
        )
    if kind == "help":
        return f"I am a rule-based assistant, not a language model. {help_text(tools)}"
    return _ANSWERS[kind]


def help_text(tools: Sequence[ToolSpec]) -> str:
    """What the assistant can do, tools first, in words."""
    if not tools:
        return f"I can {SKILLS}."
    said = [describe(tool) for tool in tools[:8]]
    more = f" And {len(tools) - 8} more tools." if len(tools) > 8 else ""
    return f"With my tools I can do this: {'; '.join(said)}.{more} I can also {SKILLS}."


def describe(tool: ToolSpec) -> str:
    """What a tool does, in a few words: the first sentence of its description, or its name."""
    first = (sentences(tool.description) or [""])[0].strip().rstrip(".!")
    first = " ".join(first.split())
    if not first or len(first) > 120:
        first = " ".join(split_name(tool.name)) or tool.name
    return first[:1].lower() + first[1:] if not first[:2].isupper() else first


def lost(turn: int) -> str:
    """What to say when nothing was understood; not the same twice in a row."""
    return LOST[turn % len(LOST)]
