"""Which words of a text that may still change are sent, and how it goes on after one that did change."""

from __future__ import annotations

import pytest

from realtime_agent.server.core.transcription.agreement import PATIENCE, Agreement, Patience

EAGER = Patience(0, 0, 100)


def test_an_impatient_reader_gets_every_word_at_once() -> None:
    shown = Agreement(EAGER)
    assert shown.decode("it was the", 240) == "it was the"
    assert shown.decode("it was the best of", 480) == " best of"


def test_the_last_word_may_be_half_a_word_and_waits() -> None:
    shown = Agreement(Patience(0, 1, 240))
    assert shown.decode("it was the be", 240) == "it was the"
    assert shown.decode("it was the best of", 480) == " best"


def test_a_word_is_sent_once_it_has_stood_long_enough() -> None:
    shown = Agreement(Patience(800, 1, 400))
    assert [shown.decode("one two", at_ms) for at_ms in (400, 800, 1200)] == ["", "", "one"]


def test_a_word_that_changes_begins_its_time_anew_and_so_do_those_after_it() -> None:
    shown = Agreement(Patience(800, 0, 400))
    shown.decode("one to three", 400)
    shown.decode("one two three", 800)
    assert shown.decode("one two three", 1200) == "one"
    assert shown.decode("one two three", 1600) == " two three"


def test_words_that_never_changed_are_the_final_text() -> None:
    shown = Agreement(PATIENCE["medium"])
    for at_ms, text in ((400, "it was"), (800, "it was the best"), (1200, "it was the best of times")):
        shown.decode(text, at_ms)
    shown.finish("it was the best of times, it was")
    assert shown.text == "it was the best of times, it was"


@pytest.mark.parametrize(
    ("sent", "final", "joined"),
    [
        ("it was the best off", "it was the best of times", "it was the best off times"),
        ("recognise speech", "wreck a nice beach today", "recognise speech nice beach today"),
        ("One two", "Well, one two three", "One two three"),
        ("one two two", "one two three", "one two two"),
        ("The Age", "the age. Of wisdom", "The Age Of wisdom"),
        ("one two three", "one", "one two three"),
        ("one two", "", "one two"),
        ("Hm", "hello there", "Hm there"),
    ],
)
def test_after_a_wrong_word_the_text_goes_on_where_it_was(sent: str, final: str, joined: str) -> None:
    shown = Agreement(EAGER)
    shown.decode(sent, 100)
    shown.finish(final)
    assert shown.text == joined


def test_a_long_text_goes_on_after_a_change_far_from_its_beginning() -> None:
    words = [f"word{index}" for index in range(400)]
    shown = Agreement(EAGER)
    shown.decode(" ".join([*words[:200], "wrong"]), 100)
    shown.finish(" ".join(words))
    assert shown.text.split() == [*words[:200], "wrong", *words[201:]]
