"""Numbers, sums, times and days as people say them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from realtime_agent.engine.brain.arithmetic import calculate
from realtime_agent.engine.brain.dates import find_moment
from realtime_agent.engine.brain.numbers import in_words, parse_digits, parse_number, parse_ordinal, spoken
from realtime_agent.engine.brain.times import parse_duration, spoken_duration
from realtime_agent.engine.brain.words import read
from tests.brain_talk import NOW


@pytest.mark.parametrize(
    ("text", "value", "rest"),
    [
        ("five", 5, 0), ("nineteen", 19, 0), ("twenty five", 25, 0), ("twenty-five", 25, 0),
        ("two hundred and five", 205, 0),
        ("one million two hundred thousand and six", 1_200_006, 0), ("a hundred", 100, 0), ("a dozen", 12, 0),
        ("three point one four", "3.14", 0), ("five and a half", "5.5", 0), ("two point five million", 2_500_000, 0),
        ("minus four", -4, 0), ("1,000", 1000, 0), ("3.5", "3.5", 0), ("three quarters", "0.75", 0),
        ("a couple of", 2, 0),
        ("half a million", 500_000, 0), ("one two three", 1, 2), ("twenty and five", 20, 2), ("two hundred and",
        200, 1),
    ],
)  # fmt: skip
def test_spoken_numbers_are_read_as_far_as_they_go(text: str, value: int | str, rest: int) -> None:
    lows = read(text).lows
    found = parse_number(lows, 0)
    assert found is not None
    assert (found[0], len(lows) - found[1]) == (Decimal(value), rest)


@pytest.mark.parametrize("text", ["hello", "a cat", "point five", "hundred", "and", ""])
def test_words_that_are_no_numbers_are_none(text: str) -> None:
    assert parse_number(read(text).lows, 0) is None


def test_every_small_number_in_words_is_read_back() -> None:
    for number in range(1000):
        lows = read(in_words(number)).lows
        assert parse_number(lows, 0) == (Decimal(number), len(lows))


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("five five five one two", "55512"),
        ("double one two", "112"),
        ("one oh five", "105"),
        ("twenty twenty", "2020"),
        ("0049", "0049"),
    ],
)
def test_digits_said_one_by_one_are_a_code(text: str, digits: str) -> None:
    found = parse_digits(read(text).lows, 0)
    assert found is not None
    assert found[0] == digits


@pytest.mark.parametrize(
    ("text", "number"), [("3rd", 3), ("third", 3), ("twenty first", 21), ("twelfth", 12), ("tenth", 10)]
)
def test_ordinals_are_read(text: str, number: int) -> None:
    found = parse_ordinal(read(text).lows, 0)
    assert found is not None
    assert found[0] == number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.3"), (10**20, "about 1 times ten to the power 20"), (1 / 3, "0.3333"), (-2.5, "minus 2.5"), (0,
    "0"),
     (1e-7, "0.0000001"), (42.0, "42"), (float("inf"), "infinity"), (float("nan"), "not a number")],
)  # fmt: skip
def test_numbers_are_written_as_a_voice_reads_them_well(value: float, text: str) -> None:
    assert spoken(value) == text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("what is seventeen plus twenty five", "17 plus 25 is 42."),
        ("What's 17 + 25?", "17 plus 25 is 42."),
        ("whats seven times eight", "7 times 8 is 56."),
        ("seven x eight", "7 times 8 is 56."),
        ("what is fifteen percent of eighty", "15 percent of 80 is 12."),
        ("What is fifteen per cent of eighty?", "15 percent of 80 is 12."),
        ("two to the power of ten", "2 to the power of 10 is 1024."),
        ("what is the square root of one hundred and forty-four", "The square root of 144 is 12."),
        ("nine squared plus one", "9 squared plus 1 is 82."),
        ("add five to seven", "5 plus 7 is 12."),
        ("subtract 5 from seven", "7 minus 5 is 2."),
        ("divide ten by four", "10 divided by 4 is 2.5."),
        ("what is the sum of two and three", "2 plus 3 is 5."),
        ("what is 2 plus 3 times 4", "2 plus 3 times 4 is 14."),
        ("(2+3)*4", "(2 plus 3) times 4 is 20."),
        ("half of thirty", "Half of 30 is 15."),
        ("20 divided by 3", "20 divided by 3 is about 6.6667."),
        ("minus three plus five", "Minus 3 plus 5 is 2."),
        ("how much is three point five times two please", "3.5 times 2 is 7."),
        ("what does five minus two equal", "5 minus 2 is 3."),
        ("nine hundred divided by four", "900 divided by 4 is 225."),
        ("what is ten divided by zero", "Dividing by zero has no answer."),
        ("what is the square root of minus four", "A negative number has no square root I can say."),
        ("nine to the power of 99999", "That number is too large for me to say."),
    ],
)
def test_sums_are_understood_and_answered(text: str, answer: str) -> None:
    found = calculate(read(text).lows)
    assert found is not None
    assert found.sentence() == answer


@pytest.mark.parametrize(
    "text", ["hello", "five", "what is one third", "two and two make friends", "plus", "i am 25 plus tired", "(" * 500]
)
def test_what_is_not_a_sum_to_the_last_word_is_none(text: str) -> None:
    assert calculate(read(text).lows) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("five minutes", 300), ("an hour and a half", 5400), ("half an hour", 1800), ("two hours and thirty minutes",
    9000),
     ("ninety seconds", 90), ("a minute", 60), ("one and a half hours", 5400), ("a quarter of an hour", 900), (
     "10-minute", 600)],
)  # fmt: skip
def test_lengths_of_time_are_read(text: str, seconds: int) -> None:
    found = parse_duration(read(text).lows, 0)
    assert found is not None
    assert found[0] == seconds


def test_lengths_of_time_are_spoken_with_two_units_at_most() -> None:
    assert [spoken_duration(Decimal(s)) for s in (0, 1, 90, 3600, 90_061)] == [
        "0 seconds", "1 second", "1 minute and 30 seconds", "1 hour", "1 day and 1 hour",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("tomorrow", "2026-11-19T00:00"), ("friday", "2026-11-20T00:00"), ("next friday", "2026-11-27T00:00"),
        ("wednesday", "2026-11-25T00:00"), ("the day after tomorrow", "2026-11-20T00:00"), ("in three days",
        "2026-11-21T00:00"),
        ("two weeks from now", "2026-12-02T00:00"), ("on the 3rd of may", "2027-05-03T00:00"), ("may third",
        "2027-05-03T00:00"),
        ("the fifteenth", "2026-12-15T00:00"), ("december 24 2027", "2027-12-24T00:00"), ("2027-01-02",
        "2027-01-02T00:00"),
        ("the 24th of december twenty twenty eight", "2028-12-24T00:00"), ("in ten minutes", "2026-11-18T15:30"),
        ("in half an hour", "2026-11-18T15:50"), ("at seven", "2026-11-18T19:00"), ("at three", "2026-11-19T03:00"),
        ("tomorrow at three", "2026-11-19T15:00"), ("tomorrow at nine", "2026-11-19T09:00"), ("half past six",
        "2026-11-18T18:30"),
        ("tomorrow at three p.m.", "2026-11-19T15:00"), ("quarter to seven tomorrow evening", "2026-11-19T18:45"),
        ("at 7:30 in the evening", "2026-11-18T19:30"), ("today at noon", "2026-11-18T12:00"), ("seven thirty pm",
        "2026-11-18T19:30"),
        ("tonight at eight", "2026-11-18T20:00"), ("tomorrow morning", "2026-11-19T09:00"), ("at 23:15",
        "2026-11-18T23:15"),
        ("six o'clock", "2026-11-18T18:00"), ("to-morrow at ten past eight am", "2026-11-19T08:10"),
    ],
)  # fmt: skip
def test_days_and_times_are_read_from_a_given_now(text: str, when: str) -> None:
    moment = find_moment(read(text).lows, NOW)
    assert moment is not None
    assert moment.when(NOW).isoformat(timespec="minutes") == when


@pytest.mark.parametrize(
    "text",
    ["nothing here", "may i", "the 31st of february", "in 99999999999999999999 days", "10:99", "i second that", "one"],
)
def test_words_that_say_no_time_give_no_moment(text: str) -> None:
    assert find_moment(read(text).lows, NOW) is None


@pytest.mark.parametrize("days", range(0, 400, 13))
def test_a_weekday_is_always_the_coming_one_and_never_today(days: int) -> None:
    now = NOW + timedelta(days=days)
    for number, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")):
        moment = find_moment((name,), now)
        assert moment is not None
        assert moment.day is not None
        assert moment.day.weekday() == number
        assert timedelta(days=1) <= datetime.combine(moment.day, now.time()) - now <= timedelta(days=7)
