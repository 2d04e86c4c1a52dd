"""Numbers as people say them ("two hundred and five", "three point one four") and as a voice should say them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from realtime_agent.engine.brain.vocabulary import ORDINALS, SCALES, TEENS, TENS, UNITS

_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_FRACTIONS = {"half": Decimal("0.5"), "quarter": Decimal("0.25"), "third": Decimal(1) / 3, "halves": Decimal("0.5"),
              "quarters": Decimal("0.25"), "thirds": Decimal(1) / 3}  # fmt: skip
Found = tuple[Decimal, int]


def parse_number(lows: Sequence[str], at: int) -> Found | None:
    """The number that begins at word `at` and the index after it, the longest reading; None where there is none."""
    if at >= len(lows):
        return None
    if lows[at] in ("minus", "negative", "-"):
        rest = parse_number(lows, at + 1)
        return (-rest[0], rest[1]) if rest and rest[0] >= 0 else None
    found = _with_article(lows, at) or _cardinal(lows, at)
    if found is None:
        return None
    value, end = found
    value, end = _fractional(lows, value, end)
    while end < len(lows) and lows[end] in SCALES and value != value.to_integral_value():
        value, end = value * SCALES[lows[end]], end + 1  # "two point five million"
    return value, end


def _with_article(lows: Sequence[str], at: int) -> Found | None:
    if lows[at] in ("half", "quarter") and lows[at + 1 : at + 2] in (["a"], ("a",)) and lows[at + 2 : at + 3]:
        scale = SCALES.get(lows[at + 2])
        return (_FRACTIONS[lows[at]] * scale, at + 3) if scale else None
    if lows[at] == "dozen":
        return Decimal(12), at + 1
    if lows[at] not in ("a", "an") or at + 1 >= len(lows):
        return None
    word = lows[at + 1]
    if word in SCALES:
        return _cardinal(("one", *lows[at + 1 :]), 0, shift=at)
    if word == "dozen":
        return Decimal(12), at + 2
    if word == "couple":
        return Decimal(2), at + 3 if lows[at + 2 : at + 3] in (["of"], ("of",)) else at + 2
    return None


def _cardinal(lows: Sequence[str], at: int, shift: int = 0) -> Found | None:
    total, current, room, index, seen = 0, Decimal(0), 10**15, at, False
    while index < len(lows):
        word = lows[index]
        if word == "and" and seen and room in (100, 1000) and _below_hundred(lows, index + 1, room):
            index += 1
            continue
        small = _small(word)
        if small is not None and small < room and (not seen or room < 10**15):
            current, seen, index = current + small, True, index + 1
            room = 10 if word in TENS else 0
            continue
        if not seen and _DIGITS.fullmatch(word):
            current, seen, index, room = Decimal(word.replace(",", "")), True, index + 1, 0
            continue
        scale = SCALES.get(word)
        if scale is None or not seen or (scale > 100 and current == 0):
            break
        if scale == 100:
            if current >= 100 or current == 0:
                break
            current, room = current * 100, 100
        else:
            total, current, room = total + int(current * scale), Decimal(0), 1000
        index += 1
    return (total + current, index + shift) if seen else None


def _below_hundred(lows: Sequence[str], at: int, room: int) -> bool:
    """Whether "and" at this place belongs to the number: "two hundred and five", not "two hundred and five plus"."""
    if at >= len(lows):
        return False
    small = _small(lows[at])
    return small is not None and 0 < small < 100 and room >= 100


def _small(word: str) -> int | None:
    for table in (UNITS, TEENS, TENS):
        if word in table:
            return table[word]
    return None


def _fractional(lows: Sequence[str], value: Decimal, end: int) -> Found:
    if lows[end : end + 3] in (["and", "a", "half"], ("and", "a", "half")):
        return value + Decimal("0.5"), end + 3
    if lows[end : end + 3] in (["and", "a", "quarter"], ("and", "a", "quarter")):
        return value + Decimal("0.25"), end + 3
    if end < len(lows) and lows[end] == "point":
        digits, index = "", end + 1
        while index < len(lows) and (lows[index] in UNITS or lows[index] in ("oh", "o") or lows[index].isdecimal()):
            digits += str(UNITS.get(lows[index], 0)) if not lows[index].isdecimal() else lows[index]
            index += 1
        if not digits and index < len(lows):
            small = _small(lows[index])
            digits, index = ("", index) if small is None else (str(small), index + 1)
        if digits and value == value.to_integral_value():
            try:
                return Decimal(f"{int(value)}.{digits}"), index
            except InvalidOperation:
                return value, end
    if end < len(lows) and lows[end] in ("quarters", "thirds", "halves"):
        return value * _FRACTIONS[lows[end]], end + 1
    return value, end


def parse_ordinal(lows: Sequence[str], at: int) -> tuple[int, int] | None:
    """The ordinal at word `at` ("3rd", "third", "twenty first") and the index after it."""
    if at >= len(lows):
        return None
    word = lows[at]
    if re.fullmatch(r"\d+(st|nd|rd|th)", word):
        return int(word[:-2]) if len(word) < 12 else 0, at + 1
    if word in ORDINALS:
        return ORDINALS[word], at + 1
    if word in TENS and at + 1 < len(lows) and ORDINALS.get(lows[at + 1], 99) < 10:
        return TENS[word] + ORDINALS[lows[at + 1]], at + 2
    return None


def parse_digits(lows: Sequence[str], at: int) -> tuple[str, int] | None:
    """A string of digits said one by one or in groups: "five five five, double one two"."""
    digits, index = "", at
    while index < len(lows):
        word = lows[index]
        if word in ("double", "triple") and lows[index + 1 : index + 2] and lows[index + 1] in UNITS:
            digits += str(UNITS[lows[index + 1]]) * (2 if word == "double" else 3)
            index += 2
            continue
        if word in ("oh", "o") and (digits or (index + 1 < len(lows) and lows[index + 1] in UNITS)):
            digits, index = digits + "0", index + 1
            continue
        if word == "-" and digits:
            index += 1
            continue
        found = _cardinal(lows, index) if word not in UNITS else (Decimal(UNITS[word]), index + 1)
        if found is None or found[0] != found[0].to_integral_value():
            break
        # Digits written as such keep their leading zeros.
        digits += word.replace(",", "") if found[1] == index + 1 and word[0].isdecimal() else str(int(found[0]))
        index = found[1]
    return (digits, index) if digits else None


_BELOW_TWENTY = [*UNITS, *TEENS]


def in_words(number: int) -> str:
    """A whole number from 0 to 999 in words."""
    if number < 20:
        return _BELOW_TWENTY[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        word = next(w for w, n in TENS.items() if n == tens * 10)
        return f"{word}-{_BELOW_TWENTY[rest]}" if rest else word
    hundreds, rest = divmod(number, 100)
    return f"{_BELOW_TWENTY[hundreds]} hundred" + (f" and {in_words(rest)}" if rest else "")


def spoken(value: Decimal | float | int) -> str:
    """A number as digits that a voice reads well: no trailing zeros, four decimals at most, no exponent."""
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        return "not a number" if number.is_nan() else "infinity"
    if number == 0:
        return "0"
    sign = "minus " if number < 0 else ""
    number = abs(number)
    if number.adjusted() >= 15:
        lead = number.scaleb(-number.adjusted()).quantize(Decimal("0.01")).normalize()
        return f"{sign}about {lead:f} times ten to the power {number.adjusted()}"
    if number.adjusted() < -4:
        places = -number.adjusted() + 1
        return sign + f"{round(number, places):f}".rstrip("0") if places < 12 else sign + "almost 0"
    rounded = round(number, 4)
    text = f"{rounded:f}"
    return sign + (text.rstrip("0").rstrip(".") if "." in text else text)
