"""Text into clauses: what is cut, and what must stay whole."""

from __future__ import annotations

import pytest

from realtime_agent.engine.segment import SILENT_LONGEST_CHARACTERS, ClauseSplitter, split_clauses


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Hello. How are you?", ["Hello. ", "How are you?"]),
        ("One line\nand another", ["One line\n", "and another"]),
        ("Really?! Yes.", ["Really?! ", "Yes."]),
        ('He said "Stop." Then he left.', ['He said "Stop." ', "Then he left."]),
        ("(It rains.) Take a coat.", ["(It rains.) ", "Take a coat."]),
        ("**Done.** Next.", ["**Done.** ", "Next."]),
        ("Wait... what?", ["Wait... ", "what?"]),
        ("It is me. I. You know.", ["It is me. ", "I. ", "You know."]),
    ],
)
def test_a_sentence_ends_a_clause(text: str, clauses: list[str]) -> None:
    assert list(split_clauses(text)) == clauses


@pytest.mark.parametrize(
    "text",
    [
        "Pi is 3.14159 or so.",
        "Dr. Smith met Mrs. Jones.",
        "J. R. R. Tolkien wrote it.",
        "It starts at 10:30 sharp.",
        "See you at 5 p.m. tomorrow.",
        "Tea, e.g. green tea, is fine.",
        "The U.S. is big.",
        "See example.com for more.",
        "1. Buy milk.",
        "Yes, sir.",
    ],
)
def test_what_looks_like_a_stop_and_is_none_stays_whole(text: str) -> None:
    assert list(split_clauses(text)) == [text]


def test_the_first_clause_is_short_so_that_the_voice_starts_early() -> None:
    text = "Well, that is a good question, and the answer, as so often, is not simple."
    assert next(split_clauses(text, eager=True)) == "Well, that is a good question, "
    assert list(split_clauses(text)) == [text]


def test_text_without_stops_is_cut_at_spaces() -> None:
    clauses = list(split_clauses("word " * 200, eager=True))
    assert max(map(len, clauses)) <= 205
    assert all(clause.endswith("word ") for clause in clauses)


def test_text_without_even_a_space_is_cut_anywhere() -> None:
    assert max(map(len, split_clauses("a" * 5000))) <= 400


def test_text_that_says_nothing_does_not_grow_without_bound() -> None:
    assert max(map(len, split_clauses("." * 5000))) <= SILENT_LONGEST_CHARACTERS


def test_a_clause_is_handed_out_as_soon_as_it_is_complete() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("Hello there") == []
    assert splitter.feed(".") == []  # it might be "there.com"
    assert splitter.feed(" I") == ["Hello there. "]
    assert splitter.flush() == ["I"]
    assert splitter.flush() == []


def test_stops_alone_are_no_clause_but_join_the_next() -> None:
    assert list(split_clauses("... \n Hello.")) == ["... \n Hello."]
