"""The queue between the conversation and a sound device, without the device."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.audio.pcm import samples_of
from realtime_agent.transports.user.output_feed import OutputFeed

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("play"), st.integers(0, 3000)),
        st.tuples(st.just("block"), st.integers(1, 6)),
        st.tuples(st.sampled_from(["duck", "resume", "flush"]), st.just(0)),
    ),
    max_size=40,
)
_LATENCY_S = 0.057


class _Device:
    """Takes a block every 20 ms, and plays it 57 ms later."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.feed = OutputFeed(rate_hz)
        self.out = bytearray()

    @property
    def now(self) -> float:
        return len(self.out) / 2 / self.rate_hz

    def block(self) -> bytes:
        block = self.feed.fill(self.rate_hz // 50, self.now + _LATENCY_S)
        self.out += block
        return block

    def drain(self) -> None:
        for _ in range(20_000):
            if self.feed.empty:
                return
            self.block()
            self.feed.played(self.now)
        raise AssertionError("it never ran dry")


def _tone(samples: int) -> bytes:
    return bytes((np.sin(np.arange(samples) * 0.1) * 8000).astype("<i2").data)


@pytest.mark.parametrize("rate_hz", [24_000, 48_000, 44_100, 16_000])
@given(steps=_STEPS)
def test_every_sample_is_played_once_or_flushed_and_the_position_follows(
    rate_hz: int, steps: list[tuple[str, int]]
) -> None:
    device = _Device(rate_hz)
    feed = device.feed
    accepted = 0  # where the position goes if nothing more is flushed
    last = 0
    for action, amount in steps:
        if action == "play":
            feed.play(_tone(amount))
            accepted += amount
        elif action == "block":
            for _ in range(amount):
                device.block()
        elif action == "flush":
            final = feed.flush()
            assert last <= final <= accepted
            accepted = final
        else:
            getattr(feed, action)()
        position = feed.played(device.now)
        assert last <= position <= accepted
        last = position
    feed.resume()
    device.drain()
    assert feed.played(device.now) == accepted


@given(st.integers(1, 60), st.integers(1, 8))
def test_ducking_and_resuming_give_back_the_very_same_audio(blocks_before: int, blocks_ducked: int) -> None:
    device = _Device(24_000)
    audio = _tone(24_000 * 2)
    device.feed.play(audio)
    for _ in range(blocks_before):
        device.block()
    device.feed.duck()
    fading = samples_of(device.block()).astype(int)
    assert not fading[120:].any(), "silent after a fade of 5 ms"
    for _ in range(blocks_ducked - 1):
        assert not any(device.block())
    device.feed.resume()
    rising = samples_of(device.block()).astype(int)
    device.drain()
    heard = samples_of(device.out)
    whole = samples_of(audio)
    cut = blocks_before * 480
    assert np.array_equal(heard[:cut], whole[:cut])
    assert np.abs(fading[:120] + rising[:120] - whole[cut : cut + 120]).max() <= 1
    after = cut + blocks_ducked * 480 + 120
    assert np.array_equal(heard[after : after + len(whole) - cut - 120], whole[cut + 120 :])


def test_a_duck_that_no_block_saw_changes_nothing() -> None:
    device = _Device(24_000)
    audio = _tone(2400)
    device.feed.play(audio)
    device.block()
    device.feed.duck()
    device.feed.resume()
    device.drain()
    assert device.out[: len(audio)] == audio


def test_flushed_audio_fades_out_and_the_position_says_what_was_taken() -> None:
    device = _Device(24_000)
    device.feed.play(np.full(4800, 8000, dtype="<i2").tobytes())
    device.block()
    assert device.feed.flush() == 480
    block = samples_of(device.block()).astype(int)
    assert 7900 < block[0] <= 8000
    assert np.abs(np.diff(block)).max() < 100
    assert not block[120:].any()
    device.drain()
    assert device.feed.played(device.now) == 480


def test_a_device_that_stands_still_plays_nothing_more() -> None:
    device = _Device(24_000)
    device.feed.play(_tone(4800))
    device.block()
    assert device.feed.played(device.now + 10) == 480


def test_what_goes_beyond_the_capacity_is_never_counted() -> None:
    feed = OutputFeed(24_000, capacity_s=0.02)
    feed.play(bytes(400 * 2))
    feed.play(bytes(400 * 2))
    feed.fill(2400, 0.0)
    assert feed.played(10) == 480


@pytest.mark.parametrize("rate_hz", [24_000, 48_000, 44_100])
def test_the_position_is_exact_at_the_loudspeaker(rate_hz: int) -> None:
    device = _Device(rate_hz)
    for _ in range(5):
        device.block()
    device.feed.play(_tone(24_000))
    for _ in range(20):
        device.block()
    line = np.abs(samples_of(device.out)) > 200
    first_s = float(np.argmax(line)) / rate_hz  # where the tone begins in what the device got
    for at_s in (first_s + 0.05, first_s + 0.1, first_s + 0.2):
        position = device.feed.played(at_s + _LATENCY_S)
        assert position == pytest.approx((at_s - first_s) * 24_000, abs=24)


def test_two_threads_agree_on_what_was_taken() -> None:
    """The device's thread takes blocks as fast as it can, while the loop queues, ducks and flushes."""
    feed = OutputFeed(24_000)
    stop = threading.Event()
    taken = 0

    thrown: list[BaseException] = []

    def device() -> None:
        nonlocal taken
        try:
            while not stop.is_set():
                taken += int(np.count_nonzero(samples_of(feed.fill(480, 0.0)) == 7))  # a fade has other values
        except RuntimeError as error:
            thrown.append(error)

    thread = threading.Thread(target=device)
    thread.start()
    piece = np.full(1000, 7, dtype="<i2").tobytes()
    try:
        for turn in range(5000):
            feed.play(piece)
            if turn % 10 == 8:
                feed.duck()
            elif turn % 10 == 9:
                feed.resume()
            if turn % 100 == 99:
                position = feed.flush()
                assert position <= (turn + 1) * 1000
    finally:
        stop.set()
        thread.join()
    final = feed.flush()
    assert thrown == []
    assert final >= taken
    assert feed.played(1e9) == final
