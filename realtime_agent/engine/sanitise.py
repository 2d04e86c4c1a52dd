"""Text into what a small voice can say without harm: plain words, digits and ordinary stops. Pure.

Pico loops for ever on long runs of punctuation, raises on very long numbers, falls silent on NUL, emoji and scripts it
does not know, and takes `<` for markup, some of which writes files. Nothing of that may reach it.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_WORD_CHARACTERS = 40
LONGEST_NUMBER_DIGITS = 12

_Readings = tuple[tuple[re.Pattern[str], str], ...]


def _compiled(*readings: tuple[str, str]) -> _Readings:
    return tuple((re.compile(pattern, re.IGNORECASE | re.MULTILINE), reading) for pattern, reading in readings)


_AMOUNT = r"(?<![\d,])\d(?:[\d,]{0,20}\d)?"
_MARKDOWN = _compiled(
    (r"```[^`]*(?:```|\Z)", " "),
    (r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,500}\)", r"\1"),  # [text](address)
    (r"https?://(?:www\.)?([\w.-]+)\S*", r"\1"),
    (r"^\s{0,3}(?:#{1,6}|[-*+•])\s+", ""),
)
_ENGLISH = _compiled(
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
    (r"(\d)\s*÷\s*(?=\d)|(\d)\s+/\s+(?=\d)", r"\1\2 divided by "),
    (r"(\d)\s+[-−]\s+(?=\d)", r"\1 minus "),
    (r"(?<![\d-])(\d{1,3})\s?[-–]\s?(?=\d{1,3}(?![\d-]))", r"\1 to "),  # not a date's, nor a telephone number's
    (r"\s*\+\s*(?=\d)", " plus "),
    (r"\s=\s|(?<=\d)=(?=\d)", " equals "),
    (r"(?<![\d/])1/2(?![\d/])", "one half"),
    (r"(?<![\d/])1/4(?![\d/])", "one quarter"),
    (r"(?<![\d/])3/4(?![\d/])", "three quarters"),
    (r"\bkm/h\b", "kilometers per hour"),
    (r"\s?&\s?", " and "),
    (r"(?<=\w)@(?=\w)", " at "),
    (r"#(?=\d)", "number "),
)
_STOPS = _compiled(
    (r"…|\.{2,}", ". "),
    (r"\s[-–—]+\s|—", ", "),
)

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_KEPT_SIGNS = frozenset(" .,;:!?'-")
_LONG_NUMBER = re.compile(rf"\d{{{LONGEST_NUMBER_DIGITS + 1},}}")
_LONG_WORD = re.compile(rf"[^\s.,;:!?-]{{{LONGEST_WORD_CHARACTERS + 1},}}")
_LOOSE_SIGN = re.compile(r"(?<!\w)['-]|['-](?!\w)")  # runs of apostrophes hang Pico too
_STOP_RUN = re.compile(r"\s?[.,;:!?](?:\s?[.,;:!?])+\s?")
_SPACES = re.compile(r"\s+")
_BLANKS = re.compile(r"[^\S\n]+")
_SPACE_BEFORE_STOP = re.compile(r"\s([.,;:!?])")


def sanitise(text: str, *, language: str = "en") -> str:
    """What the voice should say for `text`: empty where there is nothing to say. For a clause, not for a book.

    The result holds only Latin letters, digits, spaces and single ordinary stops. English texts get readings of
    money, times, signs and Markdown; in other languages signs that have no letters are dropped.
    """
    text = _BLANKS.sub(" ", _CONTROLS.sub(" ", text)).translate(_APOSTROPHES)
    for pattern, reading in (*_MARKDOWN, *(_ENGLISH if language.startswith("en") else ()), *_STOPS):
        text = pattern.sub(reading, text)
    text = "".join(map(_spoken, unicodedata.normalize("NFC", text)))
    text = _SPACES.sub(" ", _LOOSE_SIGN.sub(" ", text))
    text = _LONG_NUMBER.sub(lambda run: " ".join(run.group()), text)
    text = _LONG_WORD.sub(lambda run: _broken(run.group()), text)
    text = _STOP_RUN.sub(_strongest_stop, text)
    text = _SPACE_BEFORE_STOP.sub(r"\1", text).strip().lstrip(".,;:!? ")
    return text if any(map(str.isalnum, text)) else ""


def harden(text: str) -> str:
    """The plainest form of `text`: words, short numbers and at most one stop at the end. For a second try."""
    words = re.findall(r"[^\W\d_]{1,20}|\d{1,4}", sanitise(text))
    return " ".join(words) + "." if words else ""


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
