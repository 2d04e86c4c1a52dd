"""How often a growing utterance is decoded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.server.core.partial_pace import PartialPace


def test_the_first_partial_may_come_at_once() -> None:
    assert PartialPace().wait_s(0.0) == 0.0
    assert PartialPace().wait_s(1e9) == 0.0


def test_after_an_answer_comes_as_long_a_rest() -> None:
    pace = PartialPace()
    pace.note(10.0, 10.6)
    assert abs(pace.wait_s(10.6) - 0.6) < 1e-9
    assert abs(pace.wait_s(11.0) - 0.2) < 1e-9
    assert pace.wait_s(11.2) < 1e-9


@given(decodes=st.lists(st.floats(0.01, 3.0), min_size=1, max_size=50))
def test_partials_never_take_more_than_half_of_the_time(decodes: list[float]) -> None:
    pace = PartialPace()
    now = busy = 0.0
    for takes in decodes:
        now += pace.wait_s(now)
        pace.note(now, now + takes)
        now += takes
        busy += takes
    now += pace.wait_s(now)
    assert busy <= now / 2 + 1e-6
