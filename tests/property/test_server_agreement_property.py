"""Whatever the ear says first and last: text only grows, and joined it is the final text unless a sent word changed."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from realtime_agent.server.core.transcription.agreement import PATIENCE, Agreement, Patience

WORD = st.sampled_from(["it", "was", "the", "best", "of", "times,", "times", "Worst.", "a", "…", "日本語"])
TEXT = st.lists(WORD, max_size=12).map(" ".join)
PATIENCES = st.sampled_from([*PATIENCE.values(), Patience(0, 3, 100)])
DECODES = st.lists(st.tuples(TEXT, st.integers(0, 900)), max_size=8)


@given(PATIENCES, DECODES, TEXT)
def test_deltas_joined_are_what_was_sent_and_have_all_the_words_apart(
    patience: Patience, decodes: list[tuple[str, int]], final: str
) -> None:
    shown, deltas, at_ms = Agreement(patience), [], 0
    for text, later_ms in decodes:
        at_ms += later_ms
        deltas.append(shown.decode(text, at_ms))
    deltas.append(shown.finish(final))
    assert "".join(deltas) == shown.text
    assert shown.text == " ".join(shown.text.split())


@given(PATIENCES, st.lists(WORD, max_size=20), st.lists(st.integers(0, 20), max_size=10))
def test_where_no_word_changes_the_deltas_are_the_final_text(
    patience: Patience, words: list[str], lengths: list[int]
) -> None:
    shown = Agreement(patience)
    for step, length in enumerate(sorted(lengths)):
        shown.decode(" ".join(words[:length]), 400.0 * step)
    shown.finish(" ".join(words))
    assert shown.text == " ".join(words)


@given(DECODES, TEXT)
def test_the_most_patient_reader_is_told_no_more_than_the_least_patient(
    decodes: list[tuple[str, int]], final: str
) -> None:
    eager, patient, at_ms = Agreement(PATIENCE["minimal"]), Agreement(PATIENCE["xhigh"]), 0
    for text, later_ms in decodes:
        at_ms += later_ms
        eager.decode(text, at_ms)
        patient.decode(text, at_ms)
        assert len(patient.text) <= len(eager.text)
