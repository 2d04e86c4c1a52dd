"""Clock times and durations as people say them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from realtime_agent.engine.brain.numbers import parse_number
from realtime_agent.engine.brain.vocabulary import TENS, UNITS

SECONDS = {
    **dict.fromkeys(("second", "seconds", "sec", "secs"), 1),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 60),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), 3600),
    **dict.fromkeys(("day", "days"), 86_400),
    **dict.fromkeys(("week", "weeks"), 604_800),
}
_DAYPARTS = {"morning": "am", "afternoon": "pm", "evening": "pm", "night": "pm", "tonight": "pm"}
_PAST = {"past": 1, "after": 1, "to": -1, "till": -1, "before": -1}


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day. `half` says which half of the day was meant: "am", "pm", "24" (as on a 24 hour clock), or ""."""

    hour: int
    minute: int
    half: str = ""

    def resolved(self) -> ClockTime:
        """On the 24 hour clock where the half was said; otherwise as it is."""
        if self.half == "am":
            return ClockTime(self.hour % 12, self.minute, "24")
        if self.half == "pm":
            return ClockTime(self.hour % 12 + 12, self.minute, "24")
        return self


def parse_duration(lows: Sequence[str], at: int) -> tuple[Decimal, int] | None:
    """The duration at word `at` in seconds, and the index after it: "an hour and a half", "2 hours and 30 minutes
    "."""
    total, index, seen = Decimal(0), at, False
    while True:
        piece = _one_duration(lows, index + (1 if seen and lows[index : index + 1] == ("and",) else 0))
        if piece is None:
            return (total, index) if seen else None
        total, index, seen = total + piece[0], piece[1], True


def _one_duration(lows: Sequence[str], at: int) -> tuple[Decimal, int] | None:
    rest = tuple(lows[at : at + 5])
    if rest[:2] in (("half", "an"), ("half", "a")) and rest[2:3] and rest[2] in SECONDS:
        return Decimal(SECONDS[rest[2]]) / 2, at + 3
    if rest[:2] == ("half", "hour"):
        return Decimal(1800), at + 2
    if rest[:3] == ("a", "half", "hour"):
        return Decimal(1800), at + 3
    if rest in (("a", "quarter", "of", "an", "hour"),) or rest[:4] == ("quarter", "of", "an", "hour"):
        return Decimal(900), at + (5 if rest[0] == "a" else 4)
    if rest[:3] == ("three", "quarters", "of") and rest[3:5] == ("an", "hour"):
        return Decimal(2700), at + 5
    number = parse_number(lows, at)
    if number is None and rest[:1] in (("a",), ("an",), ("one",)):
        number = Decimal(1), at + 1
    if number is None or number[0] < 0:
        return None
    value, end = number
    if lows[end : end + 1] and lows[end] == "-":
        end += 1
    if end >= len(lows) or lows[end] not in SECONDS:
        return None
    unit = SECONDS[lows[end]]
    seconds, end = value * unit, end + 1
    if tuple(lows[end : end + 3]) == ("and", "a", "half"):
        return seconds + Decimal(unit) / 2, end + 3
    return seconds, end


def spoken_duration(seconds: Decimal) -> str:
    """A duration in words: "5 minutes", "1 hour and 30 minutes"."""
    left, pieces = int(seconds), []
    for name, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, size)
        if count:
            pieces.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " and ".join(pieces[:2]) or "0 seconds"


def parse_time(lows: Sequence[str], at: int, *, bare: bool = False) -> tuple[ClockTime, int] | None:
    """The time of day at word `at`, and the index after it.

    `bare` also takes a lone number ("seven"), as after "at" or in an answer to "at what time?".
    """
    if lows[at : at + 1] in (("at",), ("by",), ("around",), ("for",), ("@",)):
        at, bare = at + 1, bare or lows[at] in ("at", "by", "around")
    found = _named(lows, at) or _relative(lows, at) or _digital(lows, at) or _worded(lows, at, bare)
    if found is None:
        return None
    clock, end = found
    half, end = _half(lows, end)
    if half and not clock.half and clock.hour <= 12:
        clock = ClockTime(clock.hour, clock.minute, half)
    return clock, end


def _named(lows: Sequence[str], at: int) -> tuple[ClockTime, int] | None:
    word = lows[at] if at < len(lows) else ""
    if word in ("noon", "midday"):
        return ClockTime(12, 0, "pm"), at + 1
    if word == "midnight":
        return ClockTime(12, 0, "am"), at + 1
    return None


def _relative(lows: Sequence[str], at: int) -> tuple[ClockTime, int] | None:
    """ "Half past six", "quarter to seven", "ten past three", "five minutes to nine"."""
    if lows[at : at + 1] == ("a",) and lows[at + 1 : at + 2] == ("quarter",):
        at += 1
    if lows[at : at + 2] == ("half", "past"):
        minutes, index, sign = 30, at + 2, 1
    else:
        if lows[at : at + 1] == ("quarter",):
            minutes, index = 15, at + 1
        else:
            number = parse_number(lows, at)
            if number is None or not 0 < number[0] < 60 or number[0] != int(number[0]):
                return None
            minutes, index = int(number[0]), number[1]
            index += lows[index : index + 1] in (("minutes",), ("minute",))
        if index >= len(lows) or lows[index] not in _PAST:
            return None
        sign, index = _PAST[lows[index]], index + 1
    named = _named(lows, index)
    if named:
        hour, end, half = named[0].hour, named[1], named[0].half
    else:
        spoken_hour = parse_number(lows, index)
        if spoken_hour is None or not 1 <= spoken_hour[0] <= 12:
            return None
        hour, end, half = int(spoken_hour[0]), spoken_hour[1], ""
    if sign > 0:
        return ClockTime(hour, minutes, half), end
    if half:
        half = "am" if half == "pm" else "pm"
    return ClockTime(hour - 1 or 12, 60 - minutes, half), end


def _digital(lows: Sequence[str], at: int) -> tuple[ClockTime, int] | None:
    word = lows[at] if at < len(lows) else ""
    hour, mark, minute = word.partition(":")
    if not mark or not hour.isdecimal() or not minute[:2].isdecimal() or len(hour) > 2 or len(minute) not in (2, 5):
        return None
    if int(hour) > 23 or int(minute[:2]) > 59:
        return None
    said24 = int(hour) > 12 or hour.startswith("0")
    return ClockTime(int(hour), int(minute[:2]), "24" if said24 else ""), at + 1


def _worded(lows: Sequence[str], at: int, bare: bool) -> tuple[ClockTime, int] | None:
    """ "Seven thirty", "six o'clock", "five pm", and with `bare` a lone hour."""
    if at >= len(lows):
        return None
    hour = _hour(lows, at)
    if hour is None:
        return None
    value, index = hour
    minute, sure = 0, bare
    if lows[index : index + 1] == ("o'clock",):
        index, sure = index + 1, True
    else:
        found = _minute(lows, index)
        if found and (bare or _half(lows, found[1])[0]):
            (minute, index), sure = found, True
    sure = sure or (bool(_half(lows, index)[0]) and value <= 12)
    if not sure or (lows[index : index + 1] and lows[index] in SECONDS):
        return None
    return ClockTime(value, minute, "24" if value > 12 or value == 0 else ""), index


def _hour(lows: Sequence[str], at: int) -> tuple[int, int] | None:
    if lows[at] in TENS and lows[at + 1 : at + 2] and lows[at + 1] in UNITS and TENS[lows[at]] == 20:
        value, end = 20 + UNITS[lows[at + 1]], at + 2
    else:
        number = parse_number(lows[: at + 1], at)
        if number is None or number[0] != number[0].to_integral_value():
            return None
        value, end = int(number[0]), number[1]
    return (value, end) if 0 <= value <= 23 else None


def _minute(lows: Sequence[str], at: int) -> tuple[int, int] | None:
    if lows[at : at + 1] in (("oh",), ("o",)) and lows[at + 1 : at + 2] and lows[at + 1] in UNITS:
        return UNITS[lows[at + 1]], at + 2
    number = parse_number(lows, at)
    if number is None or number[0] != number[0].to_integral_value() or not 10 <= number[0] <= 59:
        return None
    return int(number[0]), number[1]


def _half(lows: Sequence[str], at: int) -> tuple[str, int]:
    """Which half of the day the words at `at` say, and the index after them."""
    rest = tuple(lows[at : at + 3])
    if rest[:1] and rest[0] in ("am", "pm"):
        return rest[0], at + 1
    if rest[:2] in (("a", "m"), ("p", "m")):
        return rest[0] + "m", at + 2
    if len(rest) == 3 and rest[:2] == ("in", "the") and rest[2] in _DAYPARTS:
        return _DAYPARTS[rest[2]], at + 3
    if rest[:2] == ("at", "night"):
        return "pm", at + 2
    if rest[:1] == ("tonight",):
        return "pm", at  # the word also says the day: it is left for the date
    if len(rest) >= 2 and rest[0] in ("this", "tomorrow") and rest[1] in _DAYPARTS:
        return _DAYPARTS[rest[1]], at
    return "", at
