"""Days as people say them, read from a given today; and moments, a day and a time together.

"Friday" is the coming one, never today; "next Friday" is the one of the next calendar week (Monday to Sunday).
A time without its half of the day is the next such moment today; on another day 1 to 5 are the afternoon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from realtime_agent.engine.brain.numbers import parse_number, parse_ordinal
from realtime_agent.engine.brain.times import ClockTime, parse_duration, parse_time
from realtime_agent.engine.brain.vocabulary import MONTHS, TEENS, TENS, WEEKDAYS

_SHORT_MONTHS = {w[:3]: n for w, n in MONTHS.items() if w != "may"} | {"sept": 9}
_DAYPARTS = ("morning", "afternoon", "evening", "night")
_DAYPART_HOURS = {"morning": 9, "afternoon": 15, "evening": 19, "night": 20, "tonight": 20}


def _month(word: str) -> int | None:
    return MONTHS.get(word) or _SHORT_MONTHS.get(word)


def parse_date(lows: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    """The day that is said at word `at`, and the index after it."""
    if at < len(lows) and lows[at] in ("on", "for", "from", "until", "by", "this", "the", "coming"):
        return parse_date(lows, at + 1, today)
    for reader in (_named_day, _weekday, _iso, _day_of_month, _in_some_days):
        found = reader(lows, at, today)
        if found is not None:
            return found
    return None


def _named_day(lows: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    rest = tuple(lows[at : at + 3])
    if not rest:
        return None
    if rest == ("day", "after", "tomorrow"):
        return today + timedelta(days=2), at + 3
    if rest == ("day", "before", "yesterday"):
        return today - timedelta(days=2), at + 3
    if rest[:2] in (("next", "week"), ("next", "month")):
        return (today + timedelta(days=7) if rest[1] == "week" else _add_months(today, 1)), at + 2
    days = {"today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1}.get(rest[0])
    if days is None:
        return (today, at + 1) if rest[0] in _DAYPARTS and at > 0 and lows[at - 1] == "this" else None
    end = at + 1 + (rest[1:2] != () and rest[1] in _DAYPARTS)
    return today + timedelta(days=days), end


def _weekday(lows: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    following = at < len(lows) and lows[at] == "next"
    index = at + following
    day = WEEKDAYS.get(lows[index]) if index < len(lows) else None
    if day is None:
        return None
    end = index + 1 + (index + 1 < len(lows) and lows[index + 1] in _DAYPARTS)
    if following:
        return today + timedelta(days=7 - today.weekday() + day), end
    return today + timedelta(days=(day - today.weekday() - 1) % 7 + 1), end


def _iso(lows: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    try:
        return (date.fromisoformat(lows[at]), at + 1) if at < len(lows) and lows[at].count("-") == 2 else None
    except ValueError:
        return None


def _day_of_month(lows: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    """ "3rd of May", "May third 2027", "May 3", "3 May", and "the 15th" alone."""
    month = _month(lows[at]) if at < len(lows) else None
    if month is not None:
        index = at + 1 + (lows[at + 1 : at + 2] == ("the",))
        day = _day(lows, index)
        if day is None:
            return None
        return _dated(day[0], month, lows, day[1], today)
    ordinal = parse_ordinal(lows, at)
    day = ordinal or _day(lows, at)
    if day is None:
        return None
    index = day[1] + (lows[day[1] : day[1] + 1] == ("of",))
    month = _month(lows[index]) if index < len(lows) else None
    if month is not None:
        return _dated(day[0], month, lows, index + 1, today)
    if ordinal is None or lows[at - 1 : at] != ("the",):
        return None
    for months in range(13):
        base = _add_months(today.replace(day=1), months)
        try:
            candidate = base.replace(day=day[0])
        except ValueError:
            continue
        if candidate >= today:
            return candidate, day[1]
    return None


def _day(lows: Sequence[str], at: int) -> tuple[int, int] | None:
    found = parse_ordinal(lows, at)
    if found is None:
        number = parse_number(lows, at)
        if number is None or number[0] != number[0].to_integral_value():
            return None
        found = int(number[0]), number[1]
    return found if 1 <= found[0] <= 31 else None


def _dated(day: int, month: int, lows: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    year, end = _year(lows, at) or (None, at)
    try:
        if year is not None:
            return date(year, month, day), end
        candidate = date(today.year, month, day)
        return (candidate if candidate >= today else date(today.year + 1, month, day)), end
    except ValueError:
        return None


def _year(lows: Sequence[str], at: int) -> tuple[int, int] | None:
    if at >= len(lows):
        return None
    if lows[at].isdecimal() and len(lows[at]) == 4:
        return int(lows[at]), at + 1
    number = parse_number(lows, at)
    if number is not None and number[0] == number[0].to_integral_value() and 1900 <= number[0] <= 2999:
        return int(number[0]), number[1]
    century = {**TEENS, **TENS}.get(lows[at])
    rest = parse_number(lows, at + 1)
    if century in (19, 20) and rest and rest[0] == rest[0].to_integral_value() and 10 <= rest[0] <= 99:
        return century * 100 + int(rest[0]), rest[1]
    return None


def _in_some_days(lows: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    if at >= len(lows):
        return None
    index = at + (lows[at] in ("in", "after"))
    number = parse_number(lows, index)
    if number is None and lows[index : index + 1] == ("a",):
        number = parse_number(("1",), 0)
        number = (number[0], index + 1) if number else None
    if number is None or number[0] != number[0].to_integral_value() or not 0 <= number[0] <= 5000:
        return None
    count, end = int(number[0]), number[1]
    unit = lows[end].rstrip("s") if end < len(lows) else ""
    later = lows[end + 1 : end + 3] == ("from", "now") or lows[end + 1 : end + 2] == ("later",)
    if index == at and not later:
        return None
    end += 1 + (2 if lows[end + 1 : end + 2] == ("from",) else 1 if later else 0)
    try:
        if unit in ("day", "week"):
            return today + timedelta(days=count * (7 if unit == "week" else 1)), end
        if unit in ("month", "year"):
            return _add_months(today, count * (12 if unit == "year" else 1)), end
    except (OverflowError, ValueError):
        return None
    return None


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(last, day.day))
        except ValueError:
            continue
    raise ValueError(f"no such month: {year}-{month + 1}")


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, a time, or both, and which words said so (a span is first word and end)."""

    day: date | None
    clock: ClockTime | None
    day_span: tuple[int, int] | None = None
    clock_span: tuple[int, int] | None = None
    exact: datetime | None = None  # "in ten minutes"
    part: str = ""  # "morning", where no clock time says more

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        return tuple(dict.fromkeys(span for span in (self.day_span, self.clock_span) if span))

    def when(self, now: datetime) -> datetime:
        """The moment in full."""
        if self.exact is not None:
            return self.exact
        day = self.day or now.date()
        if self.clock is None:
            return datetime.combine(day, time(_DAYPART_HOURS.get(self.part, 0), 0), now.tzinfo)
        return datetime.combine(day, self.time_of_day(now), now.tzinfo) + self._over_midnight(now)

    def _over_midnight(self, now: datetime) -> timedelta:
        passed = self.day is None and datetime.combine(now.date(), self.time_of_day(now), now.tzinfo) <= now
        return timedelta(days=1 if passed else 0)

    def time_of_day(self, now: datetime) -> time:
        """The time on the 24 hour clock."""
        if self.exact is not None:
            return self.exact.time().replace(microsecond=0)
        clock = (self.clock or ClockTime(_DAYPART_HOURS.get(self.part, 0), 0, "24")).resolved()
        if clock.half:
            return time(clock.hour % 24, clock.minute)
        if self.day is not None and self.day != now.date():
            return time(
                clock.hour % 12 + (12 if clock.hour % 12 in range(1, 6) or clock.hour == 12 else 0), clock.minute
            )
        choices = sorted(time(clock.hour % 12 + half, clock.minute) for half in (0, 12))
        return next((choice for choice in choices if choice > now.time()), choices[0])


def find_moment(lows: Sequence[str], now: datetime, *, bare: bool = False) -> Moment | None:
    """The first day and the first time said anywhere in the words. `bare` also takes a lone number as a time."""
    exact = _in_a_while(lows, now)
    if exact is not None:
        return exact
    day: tuple[date, int] | None = None
    clock: tuple[ClockTime, int] | None = None
    day_span: tuple[int, int] | None = None
    clock_span: tuple[int, int] | None = None
    part, at = "", 0
    while at < len(lows):
        start = at
        if clock is None and (clock := parse_time(lows, at, bare=bare)) is not None:
            clock_span, at = (start, clock[1]), clock[1]
        elif day is None and (day := parse_date(lows, at, now.date())) is not None:
            part = next((word for word in lows[at : day[1]] if word in _DAYPART_HOURS), "")
            day_span, at = (start, day[1]), max(day[1], at + 1)
        else:
            at += 1
    if day is None and clock is None:
        return None
    return Moment(day[0] if day else None, clock[0] if clock else None, day_span, clock_span, part=part)


def _in_a_while(lows: Sequence[str], now: datetime) -> Moment | None:
    for at, word in enumerate(lows):
        if word not in ("in", "after"):
            continue
        found = parse_duration(lows, at + 1)
        if found is not None and 0 < found[0] < 86_400 * 36_500:
            days = lows[found[1] - 1].startswith(("day", "week"))
            try:
                later = now + timedelta(seconds=float(found[0]))
            except OverflowError:
                return None
            if days:
                return Moment(later.date(), None, (at, found[1]))
            return Moment(later.date(), None, (at, found[1]), (at, found[1]), exact=later.replace(microsecond=0))
    return None
