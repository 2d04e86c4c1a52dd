"""Which words were heard by a given sample."""

from __future__ import annotations

import pytest

from realtime_agent.engine.alignment import Alignment, words_until


def _of(*clauses: tuple[str, int]) -> Alignment:
    alignment = Alignment()
    for text, samples in clauses:
        alignment.add(text, samples)
    return alignment


def test_clauses_edges_are_exact() -> None:
    alignment = _of(("Hello there. ", 16000), ("How are you?", 8000))
    assert alignment.text_until(16000) == "Hello there. "
    assert alignment.text_until(24000) == "Hello there. How are you?"
    assert alignment.total_samples == 24000


def test_nothing_heard_is_nothing_said() -> None:
    assert _of(("Hello.", 16000)).text_until(0) == ""
    assert _of(("Hello.", 16000)).text_until(-5) == ""
    assert Alignment().text_until(100) == ""


def test_within_a_clause_the_cut_falls_between_words() -> None:
    alignment = _of(("First. ", 1000), ("one two three four", 4000))
    assert alignment.text_until(1000 + 2000) == "First. one two "


def test_a_word_counts_once_half_of_it_was_heard() -> None:
    assert words_until("one two", 200, 1000) == ""
    assert words_until("one two", 300, 1000) == "one "


def test_a_long_word_takes_longer_than_a_short_one() -> None:
    assert words_until("a extraordinarily", 200, 1000) == "a "
    assert words_until("extraordinarily a", 400, 1000) == ""


def test_silent_text_goes_with_the_sound_before_it() -> None:
    alignment = _of(("Look. ", 1000), ("😀 ", 0), ("Nice.", 1000))
    assert alignment.text_until(999) == "Look. "
    assert alignment.text_until(1000) == "Look. 😀 "
    assert alignment.text_until(2000) == "Look. 😀 Nice."


def test_a_clause_cannot_last_less_than_no_time() -> None:
    with pytest.raises(ValueError, match="less than no time"):
        Alignment().add("x", -1)
