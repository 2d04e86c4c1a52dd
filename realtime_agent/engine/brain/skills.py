"""What the embedded brain can do without tools: time and date, sums, repeating, spelling, counting, telling."""

from __future__ import annotations

import re
from datetime import datetime

from realtime_agent.engine.brain.arithmetic import calculate
from realtime_agent.engine.brain.dates import find_moment
from realtime_agent.engine.brain.numbers import in_words, parse_number, spoken
from realtime_agent.engine.brain.stories import FACTS, JOKES, POEM, STORIES
from realtime_agent.engine.brain.vocabulary import MONTHS, WEEKDAYS
from realtime_agent.engine.brain.wording import ways
from realtime_agent.engine.brain.words import Utterance, listed

_LARGEST_COUNT = 200
_POLITE = re.compile(
    r"^(?:(?:please|ok|okay|so|and|now|well|um|uh|then|just|could you|can you|would you|will you|i want you to|"
    r"i would like you to|i'd like you to|you)[,\s]+)*",
    re.IGNORECASE,
)
# What is to be repeated; not "say that again", which asks for the agent's own words.
_SAY_AFTER_ME = re.compile(
    r"^(?:say|repeat)\W+after\W+me\W*(?P<a>.+)$"
    r"|^(?:repeat|say)\s+(?:the\s+(?:following|words?|sentence|phrase)s?|exactly)\W+(?P<b>.+)$"
    r"|^(?:repeat|say)\W+(?!(?:after me|that|this|it|yourself|please|again|what|the last|your|something|anything)\b)"
    r"(?P<c>.+)$"
    r"|^say\W+(?P<d>(?:that|this|it) (?!again\b).+)$",
    re.IGNORECASE | re.DOTALL,
)
_REPEAT_THAT = ways("""
    (?:repeat|say) (?:that|it|this|yourself)(?: again| once more| please| slowly)* | repeat(?: please)? | say again
    (?:repeat|say) (?:the last (?:one|thing|sentence)|your (?:last )?answer|what you (?:just )?said)(?: again| please)*
    again(?: please)? | once more(?: please)?
    what did you (?:just )?say | what was that | pardon(?: me)? | come again | sorry what | one more time | excuse me
    i did not (?:hear|understand|catch|get) (?:that|you|it)
""")  # fmt: skip
_SPELL = re.compile(
    r"^(?:how (?:do|would) (?:you|i) spell|how is|spell|what is the spelling of)\s+(?:the\s+(?:word|name)\s+)?"
    r"(?P<word>.+?)(?P<tail>\s+spelled|\s+spelt|\s+for me|\s+please)*$",
    re.IGNORECASE,
)
_TIME = ways("""
    what time (?:is it|it is) | what is the (?:current )?time | (?:tell|give) me the (?:current )?time | time is it
    do you (?:know|have) (?:what |the )(?:current )?time | what time (?:do|have) (?:you|we) (?:have|got)
    how late is it | got the time | the time (?:now |right now )?please | current time
""")
_DATE = ways("""
    what (?:days?|date)(?: of the (?:week|month))? (?:is|of) | what is (?:the |todays |today )?(?:date|day)
    which day is | todays? date | the date(?: today)? please | (?:tell|give) me the date | what (?:month|year) is
    which (?:month|year) | what is today | what (?:day|date) (?:will|was)
""")


def plain(utterance: Utterance) -> str:
    """The words in lower case with single spaces, contractions expanded."""
    return " ".join(utterance.lows)


def strip_politeness(text: str) -> str:
    """The text without "please", "could you" and the like at its front, nor punctuation at its end."""
    return _POLITE.sub("", text.strip()).rstrip(" .!?,;")


def do_skill(utterance: Utterance, said_before: str, turn: int, now: datetime) -> str | None:
    """The answer of the first skill that understands; None where none does.

    `said_before` is the agent's last message, `turn` counts its messages: stories and jokes take turns by it.
    """
    low = plain(utterance)
    answer = calculate(utterance.lows)
    if answer is not None:
        return answer.sentence()
    return do_echo(utterance, said_before) or _clock(utterance, low, now) or _count(utterance, low) or _tell(low, turn)


def do_echo(utterance: Utterance, said_before: str) -> str | None:
    """Repeating and spelling: what is said there is to be said, whatever it means."""
    text = strip_politeness(utterance.said)
    repeated = _repeat(text, plain(utterance), said_before)
    return repeated if repeated is not None else _spell(text)


def _repeat(text: str, low: str, said_before: str) -> str | None:
    if _REPEAT_THAT.fullmatch(strip_politeness(low)):
        return said_before or "I have not said anything yet."
    found = _SAY_AFTER_ME.match(text)
    if found is None:
        return None
    words = next(group for group in found.groups() if group)
    words = words.strip().strip('"“”')
    if not any(letter.isalnum() for letter in words):
        return None
    return _sentence(words)


def _spell(text: str) -> str | None:
    found = _SPELL.match(text)
    if found is None or (text.lower().startswith("how is") and not found["tail"]):
        return None
    word = found["word"].strip(" \"'“”.,?!")
    letters = [letter.upper() for letter in word if letter.isalnum()]
    if not letters or len(letters) > 60 or len(word.split()) > 5:
        return None
    return f"{word[:1].upper()}{word[1:]} is spelled {', '.join(letters)}."


def _clock(utterance: Utterance, low: str, now: datetime) -> str | None:
    if _TIME.search(low) and " in " not in low.replace(" in the ", " "):
        return f"It is {spoken_time(now)}."
    if re.fullmatch(r"(?:the )?time(?: please)?", low):
        return f"It is {spoken_time(now)}."
    if not _DATE.search(low) and low not in ("date", "the date", "date please"):
        return None
    if "year" in utterance.lows:
        return f"It is the year {now.year}."
    moment = find_moment(utterance.lows, now)
    if moment is None or moment.day is None or moment.day == now.date():
        return f"Today is {spoken_date(now)}."
    when = datetime.combine(moment.day, now.time(), now.tzinfo)
    asked = utterance.cut(*(moment.day_span or (0, 0)))
    verb = "was" if moment.day < now.date() else "will be"
    if any(word in WEEKDAYS for word in utterance.lows):
        return f"It {verb} {spoken_date(when)}."
    return f"{asked[:1].upper()}{asked[1:]} {verb} {spoken_date(when)}."


def spoken_time(now: datetime) -> str:
    """The time as a voice reads it well: "3:05 PM"."""
    return f"{now.hour % 12 or 12}:{now.minute:02d} {'AM' if now.hour < 12 else 'PM'}"


def spoken_date(day: datetime) -> str:
    """The day in words: "Wednesday, November 18, 2026"."""
    weekday, month = list(WEEKDAYS)[day.weekday()], list(MONTHS)[day.month - 1]  # strftime follows the locale
    return f"{weekday.capitalize()}, {month.capitalize()} {day.day}, {day.year}"


def _count(utterance: Utterance, low: str) -> str | None:
    found = re.search(r"\bcount (?:down |up |backwards? )?(?:from|to|until|till|up to)\b|\bcount ?down from\b", low)
    if found is None and not (re.match(r"^(?:please )?count\b", low) and len(utterance.words) < 6):
        return None
    numbers, at = [], 0
    while at < len(utterance.words):
        number = parse_number(utterance.lows, at)
        if number is None:
            at += 1
            continue
        numbers.append(number[0])
        at = number[1]
    if not numbers or any(n != n.to_integral_value() or not 0 <= n <= 999 for n in numbers):
        return (
            f"I can count between zero and nine hundred and ninety-nine, {_LARGEST_COUNT} numbers at a time."
            if numbers
            else None
        )
    down = "down" in utterance.lows or "backward" in low
    first, last = (
        (int(numbers[0]), int(numbers[1]))
        if len(numbers) > 1
        else (int(numbers[0]), 0)
        if down
        else (1, int(numbers[0]))
    )
    step = 1 if last >= first else -1
    said = [in_words(n) for n in range(first, last + step, step)]
    if len(said) > _LARGEST_COUNT:
        return f"That is a long way. I count {_LARGEST_COUNT} numbers at most."
    # Sentences of ten: a voice breathes between them, and an interruption cuts at one of them.
    groups = [", ".join(said[i : i + 10]) for i in range(0, len(said), 10)]
    return " ".join(_sentence(group) for group in groups)


def _tell(low: str, turn: int) -> str | None:
    request = re.search(r"\b(?:tell|read|give|sing|recite|make|know|hear|want|need|another|say|write)\b", low)
    asked = low in ("a story", "story", "a joke", "joke", "a poem", "another one", "story please", "joke please")
    if not (request or asked) or re.search(r"\bstor(?:y|ies) of my\b", low):
        return None
    if re.search(r"\b(?:story|stories|tale|fairy tale|something (?:long|nice|interesting))\b", low):
        return STORIES[turn % len(STORIES)]
    if re.search(r"\b(?:joke|jokes|something funny|pun)\b", low):
        return JOKES[turn % len(JOKES)]
    if re.search(r"\b(?:poem|poetry|rhyme|verse)\b", low):
        return POEM
    if re.search(r"\b(?:fun|interesting|random) fact|(?:a|another) fact\b", low):
        return FACTS[turn % len(FACTS)]
    return None


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


SKILLS = listed(
    ["tell the time and the date", "do sums", "spell words", "count", "repeat what you say", "tell a story or a joke"]
)

__all__ = ["SKILLS", "do_skill", "plain", "spoken", "spoken_date", "spoken_time", "strip_politeness"]
