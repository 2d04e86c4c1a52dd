"""What holds for every text, however it comes."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.engine.alignment import Alignment
from realtime_agent.engine.sanitise import LONGEST_WORD_CHARACTERS, harden, sanitise
from realtime_agent.engine.segment import LATER_LONGEST_CHARACTERS, ClauseSplitter, split_clauses

_PROSE = st.lists(
    st.sampled_from(
        [
            "Hello",
            "Dr.",
            "3.5",
            "10:30",
            ",",
            ". ",
            "? ",
            "! ",
            " ",
            "\n",
            '"',
            ")",
            "e.g.",
            "1.",
            "J.",
            "…",
            "。",
            "a" * 30,
        ]
    ),
    max_size=60,
).map("".join)
_TEXT = st.one_of(_PROSE, st.text(max_size=300))


@given(text=_TEXT, cuts=st.lists(st.integers(0, 300)), eager=st.booleans())
def test_any_chunking_gives_the_same_clauses_and_joined_they_are_the_text(
    text: str, cuts: list[int], eager: bool
) -> None:
    splitter = ClauseSplitter(eager=eager)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    clauses = [clause for start, end in pairwise(edges) for clause in splitter.feed(text[start:end])]
    clauses += splitter.flush()
    assert clauses == list(split_clauses(text, eager=eager))
    assert "".join(clauses) == text
    assert all(len(clause) <= 2 * LATER_LONGEST_CHARACTERS for clause in clauses)


@given(text=_TEXT)
def test_nothing_dangerous_reaches_the_voice(text: str) -> None:
    for spoken in (sanitise(text), harden(text)):
        assert all(character.isalnum() or character in " .,;:!?'-" for character in spoken)
        assert not re.search(r"[.,;:!?\s'-]\s*[,;:!?]|''|--|\s\s|(?<!\w)['-]|['-](?!\w)", spoken)
        assert not re.search(r"\d{13}", spoken)
        assert all(len(word) <= LONGEST_WORD_CHARACTERS for word in re.split(r"[\s.,;:!?-]+", spoken))
        assert spoken == "" or any(map(str.isalnum, spoken))


@given(
    clauses=st.lists(st.tuples(_PROSE, st.integers(0, 2000))),
    positions=st.lists(st.integers(-10, 20_000), min_size=2, max_size=2),
)
def test_what_was_heard_is_a_prefix_that_never_shrinks(clauses: list[tuple[str, int]], positions: list[int]) -> None:
    alignment = Alignment()
    for text, samples in clauses:
        alignment.add(text, samples)
    less, more = (alignment.text_until(position) for position in sorted(positions))
    assert alignment.text.startswith(more)
    assert more.startswith(less)
    assert alignment.text_until(alignment.total_samples) == (alignment.text if alignment.total_samples else "")
