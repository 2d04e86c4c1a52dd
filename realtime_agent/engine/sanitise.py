"""Text into what a small voice can say without harm: plain words, digits and ordinary stops. Pure.

Pico loops for ever on long runs of punctuation, raises on very long numbers, falls silent on NUL, emoji and scripts it
does not know, and takes `<` for markup, some of which writes files. Nothing of that may reach it.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_WORD_CHARACTERS = 40
LONGEST_NUMBER_DIGITS = 12

_AMOUNT = r"\d(?:[\d,]*\d)?"
_READINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reading)
    for pattern, reading in (
        (r"```.*?(?:```|$)", " code "),
        (r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,500}\)", r"\1"),  # [text](address)
        (r"https?://(?:www\.)?([\w.-]+)\S*", r"\1"),
        (r"^\s{0,3}(?:#{1,6}|[-*+•])\s+", ""),
        (rf"\$\s?({_AMOUNT})\.(\d\d)\b", r"\1 dollars \2"),
        (rf"\$\s?({_AMOUNT}(?:\.\d+)?)", r"\1 dollars"),
        (rf"({_AMOUNT}(?:\.\d+)?)\s?\$", r"\1 dollars"),
        (rf"€\s?({_AMOUNT}(?:\.\d+)?)|({_AMOUNT}(?:\.\d+)?)\s?€", r"\1\2 euros"),
        (rf"£\s?({_AMOUNT}(?:\.\d+)?)", r"\1 pounds"),
        (r"\b(\d{1,2}):00(?=\s?[ap]\.?m\b)", r"\1"),
        (r"\b(\d{1,2}):00\b(?!:)", r"\1 o'clock"),
        (r"\b(\d{1,2}):0(\d)\b(?!:)", r"\1 oh \2"),
        (r"\b(\d{1,2}):(\d\d)\b(?!:)", r"\1 \2"),
        (r"\be\.\s?g\.,?", "for example,"),
        (r"\bi\.\s?e\.,?", "that is,"),
        (r"\betc\.", "et cetera"),
        (r"\bvs\.?(?=\s)", "versus"),
        (r"(?<=\d)\s?([ap])\.?m\b\.?", r" \1 m"),
        (r"(?<![\w.])-(?=\d)", "minus "),
        (r"(\d)\s?°\s?c\b", r"\1 degrees Celsius"),
        (r"(\d)\s?°\s?f\b", r"\1 degrees Fahrenheit"),
        (r"°", " degrees "),
        (r"(\d)\s?%", r"\1 percent"),
        (r"(\d)\s*[x×*]\s*(?=\d)", r"\1 times "),
        (r"(\d)\s*÷\s*(?=\d)", r"\1 divided by "),
        (r"(\d)\s+/\s+(?=\d)", r"\1 divided by "),
        (r"(\d)\s+[-−]\s+(?=\d)", r"\1 minus "),
        (r"(\d)\s?[-–]\s?(?=\d)", r"\1 to "),
        (r"\s*\+\s*(?=\d)", " plus "),
        (r"\s=\s|(?<=\d)=(?=\d)", " equals "),
        (r"\s?&\s?", " and "),
        (r"(?<=\w)@(?=\w)", " at "),
        (r"#(?=\d)", "number "),
        (r"…|\.{2,}", ". "),
        (r"\s[-–—]+\s|—", ", "),
    )
)
_ENGLISH_ONLY_FROM, _ENGLISH_ONLY_TO = 4, len(_READINGS) - 2

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_KEPT_SIGNS = frozenset(" .,;:!?'-")
_LONG_NUMBER = re.compile(rf"\d{{{LONGEST_NUMBER_DIGITS + 1},}}")
_LONG_WORD = re.compile(rf"[^\s.,;:!?-]{{{LONGEST_WORD_CHARACTERS + 1},}}")
_STOP_RUN = re.compile(r"\s*([.,;:!?])(?:[\s'-]*[.,;:!?])+")
_SPACES = re.compile(r"\s+")
_SPACE_BEFORE_STOP = re.compile(r"\s+([.,;:!?])")


def sanitise(text: str, *, language: str = "en") -> str:
    """What the voice should say for `text`: empty where there is nothing to say. Never longer than is harmless.

    The result holds only Latin letters, digits, spaces and single ordinary stops. English texts get readings of
    money, times, signs and Markdown; in other languages signs that have no letters are dropped.
    """
    text = _READING_MARKS.sub(" ", text).translate(_APOSTROPHES)
    readings = _READINGS if language.startswith("en") else _READINGS[:_ENGLISH_ONLY_FROM] + _READINGS[_ENGLISH_ONLY_TO:]
    for pattern, reading in readings:
        text = pattern.sub(reading, text)
    text = "".join(map(_spoken, unicodedata.normalize("NFC", text)))
    text = _LONG_NUMBER.sub(lambda run: " ".join(run.group()), text)
    text = _LONG_WORD.sub(lambda run: _broken(run.group()), text)
    text = _STOP_RUN.sub(_strongest_stop, text)
    text = _SPACE_BEFORE_STOP.sub(r"\1", _SPACES.sub(" ", text)).strip().lstrip(".,;:!?-' ")
    return text if any(map(str.isalnum, text)) else ""


def harden(text: str) -> str:
    """The plainest form of `text`: words, short numbers and at most one stop at the end. For a second try."""
    words = re.findall(r"[^\W\d_]{1,20}|\d{1,4}", sanitise(text))
    return " ".join(words) + "." if words else ""


_READING_MARKS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")


def _spoken(character: str) -> str:
    if character in _KEPT_SIGNS:
        return character
    if character.isalnum():
        # Latin letters only: the rest is silence or worse. Superscripts and fullwidth forms read as their plain digits.
        if character.isascii() or "LATIN" in unicodedata.name(character, ""):
            return character if ord(character) < 0x250 else _plain(character)
        return _plain(character)
    return " "


def _plain(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character)
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum()) or " "


def _broken(word: str) -> str:
    return " ".join(
        word[start : start + LONGEST_WORD_CHARACTERS] for start in range(0, len(word), LONGEST_WORD_CHARACTERS)
    )


def _strongest_stop(run: re.Match[str]) -> str:
    stops = run.group()
    return next(stop for stop in "?!.;:," if stop in stops) + " "
