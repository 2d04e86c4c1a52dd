"""Limits on virtual time: buckets give what they hold and no more, and every place is given back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.server.web.http_errors import Refusal
from realtime_agent.server.web.limits import Admission, InputMeter, Place, TokenBucket, address_group
from realtime_agent.server.web.serve_settings import AUDIO_BYTES_PER_S, ServeLimits

AMOUNT = st.floats(0.01, 1000)
STEPS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), max_size=50)


@given(AMOUNT, AMOUNT, STEPS)
def test_a_bucket_never_gives_more_than_it_held_and_got(
    capacity: float, per_s: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now, given_out = TokenBucket(capacity, per_s, 0.0), 0.0, 0.0
    for wait_s, cost in steps:
        now += wait_s
        if bucket.take(cost, now):
            given_out += cost
        assert bucket.level(now) <= capacity
        assert given_out <= capacity + now * per_s + 1e-6 * (1 + given_out)


@given(AMOUNT, AMOUNT, st.floats(0, 1000))
def test_what_is_promised_for_later_is_there_then(capacity: float, per_s: float, cost: float) -> None:
    bucket = TokenBucket(capacity, per_s, 0.0)
    bucket.take(capacity, 0.0)
    wait_s = bucket.wait_s(cost, 0.0)
    assert bucket.level(wait_s * (1 + 1e-9) + 1e-9) >= min(cost, capacity) * (1 - 1e-6)


@given(AMOUNT, AMOUNT, st.floats(0, 5000))
def test_a_debt_is_paid_in_the_time_that_was_said(capacity: float, per_s: float, cost: float) -> None:
    bucket = TokenBucket(capacity, per_s, 0.0)
    wait_s = bucket.charge(cost, 0.0)
    assert bucket.level(wait_s) >= -1e-6 * (1 + cost)
    assert wait_s == 0 or cost > capacity


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=20))
def test_a_clock_that_goes_back_gives_nothing(times: list[float]) -> None:
    bucket = TokenBucket(10, 1, 0.0)
    bucket.take(10, 0.0)
    levels = [bucket.level(now) for now in times]
    assert all(later >= earlier for earlier, later in pairwise(levels))


@given(st.lists(st.integers(1, 400_000), min_size=1, max_size=200))
def test_a_sender_that_waits_as_told_is_held_to_twice_real_time(sizes: list[int]) -> None:
    limits = ServeLimits(audio_burst_s=10)
    meter, now, sent = InputMeter(limits, 0.0), 0.0, 0
    for size in sizes:
        wait_s = meter.charge(size, audio=True, now=now)
        if wait_s is None:
            break
        sent += size
        now += wait_s
    assert sent <= 10 * AUDIO_BYTES_PER_S + (now + 1e-6) * 2 * AUDIO_BYTES_PER_S + 1


def test_real_time_audio_never_waits() -> None:
    meter = InputMeter(ServeLimits(), 0.0)
    assert {meter.charge(AUDIO_BYTES_PER_S // 50, audio=True, now=frame / 50) for frame in range(50 * 600)} == {0.0}


def test_audio_that_would_wait_too_long_is_not_taken_and_costs_nothing() -> None:
    meter = InputMeter(ServeLimits(audio_burst_s=1, max_audio_wait_s=1), 0.0)
    assert meter.charge(10 * AUDIO_BYTES_PER_S, audio=True, now=0.0) is None
    assert meter.charge(AUDIO_BYTES_PER_S, audio=True, now=0.0) == 0.0


def test_text_is_not_counted_as_audio() -> None:
    meter = InputMeter(ServeLimits(audio_burst_s=1, max_audio_wait_s=1), 0.0)
    assert meter.charge(10 * AUDIO_BYTES_PER_S, audio=False, now=0.0) == 0.0


def test_more_messages_than_allowed_wait() -> None:
    meter = InputMeter(ServeLimits(messages_per_s=10), 0.0)
    waits = [meter.charge(10, audio=False, now=0.0) for _ in range(110)]
    assert waits[:100] == [0.0] * 100
    assert waits[-1] == pytest.approx(1.0)


CALLERS = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.one_of(st.tuples(CALLERS, CALLERS), st.integers(0, 10)), max_size=80))
def test_places_are_never_more_than_allowed_and_all_come_back(steps: list[tuple[str, str] | int]) -> None:
    limits = ServeLimits(max_sessions=5, max_sessions_per_key=3, max_sessions_per_address=2)
    admission = Admission(limits)
    places: list[Place] = []
    for step in steps:
        if isinstance(step, int):
            if places:
                admission.release(places.pop(step % len(places)))
            continue
        caller, address = step
        of_caller = sum(place.caller == caller for place in places)
        of_address = sum(place.address == address for place in places)
        place = admission.admit(caller, address)
        if isinstance(place, Place):
            assert (len(places), of_caller, of_address) < (5, 3, 2) or (of_caller < 3 and of_address < 2)
            places.append(place)
        else:
            assert place.status == (503 if len(places) == 5 else 429)
            assert len(places) == 5 or of_caller == 3 or of_address == 2
        assert admission.sessions == len(places)
    for place in places:
        admission.release(place)
    assert admission.sessions == 0
    assert isinstance(admission.admit("a", "a"), Place)


def test_who_knocks_too_often_is_told_when_to_come_back() -> None:
    admission = Admission(ServeLimits(opens_per_minute=60))
    assert all(admission.knock("a", 0.0) is None for _ in range(60))
    refused = admission.knock("a", 0.0)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.retry_after_s) == (429, 2)
    assert admission.knock("b", 0.0) is None
    assert admission.knock("a", 2.0) is None


def test_strangers_in_any_number_are_forgotten_again() -> None:
    admission = Admission(ServeLimits())
    for number in range(25_000):
        admission.knock(f"stranger {number}", number / 1000)
    assert len(admission._buckets) <= 10_001


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
        ("testclient", "testclient"),
    ],
)
def test_addresses_are_counted_by_who_has_them(host: str | None, group: str) -> None:
    assert address_group(host) == group
