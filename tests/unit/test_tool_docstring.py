"""Docstrings in the three styles that people write."""

from __future__ import annotations

import pytest

from realtime_agent.tools.docstring import parse

GOOGLE = """Order tea.

    It comes from
    the kitchen.

    Args:
        kind (str, optional): which tea,
            green or black: both are good
        cups: how many

    Returns:
        dict: what was ordered

    Never coffee.
"""

NUMPY = """Order tea.

    It comes from the kitchen.

    Parameters
    ----------
    kind : {"green", "black"}, optional
        which tea,
        green or black: both are good
    cups
        how many

    Returns
    -------
    dict
        what was ordered

    Notes
    -----
    Never coffee.
"""

SPHINX = """Order tea.

    It comes from the kitchen.

    :param str kind: which tea,
        green or black: both are good
    :param cups: how many
    :type cups: int
    :returns: what was ordered
    :raises ValueError: never
"""


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX])
def test_parameters_are_found_in_each_style(text: str) -> None:
    assert parse(text).parameters == {
        "kind": "which tea, green or black: both are good",
        "cups": "how many",
    }


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX])
def test_the_description_is_what_is_not_in_a_section(text: str) -> None:
    described = parse(text).description
    assert described.startswith("Order tea.\n\nIt comes from the kitchen.")
    assert "ordered" not in described
    assert "how many" not in described


def test_text_behind_a_google_section_is_description_again() -> None:
    assert parse(GOOGLE).description.endswith("Never coffee.")


def test_several_numpy_names_share_a_description() -> None:
    found = parse("Add.\n\nParameters\n----------\na, b : int\n    a number\n").parameters
    assert found == {"a": "a number", "b": "a number"}


def test_lists_keep_their_lines() -> None:
    assert parse("Do one of:\n\n- this\n- that").description == "Do one of:\n\n- this\n- that"


def test_a_word_with_a_colon_is_not_a_section() -> None:
    assert parse("Say it.\n\nNote: args are fine.").description == "Say it.\n\nNote: args are fine."
    assert parse("Returns: 3").description == "Returns: 3"


@pytest.mark.parametrize("text", [None, "", "   ", "\n\n"])
def test_no_docstring_is_no_description(text: str | None) -> None:
    assert parse(text).description == ""
