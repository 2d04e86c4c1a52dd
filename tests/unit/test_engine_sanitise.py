"""Text as the small voice gets it: readable, and harmless."""

from __future__ import annotations

import pytest

from realtime_agent.engine.sanitise import LONGEST_WORD_CHARACTERS, harden, sanitise


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It costs $5.", "It costs 5 dollars."),
        ("$3.50, please", "3 dollars 50, please"),
        ("1,000$ or £2,500", "1,000 dollars or 2,500 pounds"),
        ("€30, e.g. now", "30 euros, for example, now"),
        ("At 3:45 p.m. sharp", "At 3 45 p m sharp"),
        ("at 9:05 or 10:00", "at 9 oh 5 or 10 o'clock"),
        ("I am 5.", "I am 5."),
        ("-5°C and 20%", "minus 5 degrees Celsius and 20 percent"),
        ("2+2=4", "2 plus 2 equals 4"),
        ("17 * 25 = 425", "17 times 25 equals 425"),
        ("10 - 3", "10 minus 3"),
        ("pages 3-4", "pages 3 to 4"),
        ("2026-11-03 or 555-1234", "2026-11-03 or 555-1234"),
        ("a 1/2 cup", "a one half cup"),
        ("tea & milk, i.e. both", "tea and milk, that is, both"),
        ("**Bold** and `code`", "Bold and code"),
        ("# Title", "Title"),
        ("- item", "item"),
        ("see [the page](http://example.com/x?y=z)", "see the page"),
        ("https://www.example.com/a/b?c=d", "example.com"),
        ("me@example.com", "me at example.com"),
        ("Wi-Fi isn't e-mail", "Wi-Fi isn't e-mail"),
        ("café, naïve, Müller’s “quote”", "café, naïve, Müller's quote"),
        ("x²", "x2"),
        ("well -- yes — no", "well, yes, no"),
        ("Hello 😀 日本 world", "Hello world"),
        ("wait...what?!?!", "wait. what?"),
        ("'quoted' --- 'words'", "quoted, words"),
    ],
)
def test_text_is_read_as_a_person_would(written: str, spoken: str) -> None:
    assert sanitise(written) == spoken


@pytest.mark.parametrize("nothing", ["", "   \n", "😀", "日本語", "...", "," * 100, "\0", "<>", "-", "''''"])
def test_what_has_no_words_is_nothing(nothing: str) -> None:
    assert sanitise(nothing) == ""
    assert harden(nothing) == ""


def test_runs_that_hang_the_voice_are_broken() -> None:
    assert sanitise("Hi" + "," * 100 + "you") == "Hi, you"
    assert sanitise("Hi " + "' " * 100 + "you") == "Hi you"
    assert max(map(len, sanitise("a" * 500).split())) <= LONGEST_WORD_CHARACTERS
    assert sanitise("7" * 20) == " ".join("7" * 20)


def test_the_voices_own_markup_does_not_pass() -> None:
    assert sanitise('<genfile file="x.wav">Hello</genfile>') == "genfile file x.wav Hello genfile"


def test_other_languages_get_no_english_words() -> None:
    assert sanitise("Es kostet 5 % & mehr.", language="de") == "Es kostet 5 mehr."


def test_the_plainest_form_is_short_words_and_one_stop() -> None:
    assert harden("Well, (what) " + "b" * 50 + " 12345?") == f"Well what {'b' * 20} {'b' * 20} {'b' * 10} 1234 5."
