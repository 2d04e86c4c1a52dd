"""Changing the rate of a stream."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.audio.pcm import samples_of
from realtime_agent.audio.resample import Resampler, resample
from realtime_agent.errors import ConfigError

_PAIRS = [(24_000, 48_000), (48_000, 24_000), (44_100, 24_000), (8_000, 24_000), (24_000, 8_000), (24_000, 24_000)]


def _speechlike(samples: int) -> bytes:
    rng = np.random.default_rng(7)
    return bytes((np.sin(np.arange(samples) * 0.07) * 9000 + rng.normal(0, 2000, samples)).astype("<i2").data)


@pytest.mark.parametrize(("from_hz", "to_hz"), _PAIRS)
@given(cuts=st.lists(st.integers(0, 4000), max_size=12))
def test_any_chunking_gives_the_same_samples(from_hz: int, to_hz: int, cuts: list[int]) -> None:
    audio = _speechlike(2000)
    whole = Resampler(from_hz, to_hz)
    expected = whole.process(audio) + whole.flush()
    resampler = Resampler(from_hz, to_hz)
    edges = [0, *sorted(cuts), len(audio)]  # odd ones too: half a sample may arrive
    got = b"".join(resampler.process(audio[begin:end]) for begin, end in itertools.pairwise(edges))
    assert got + resampler.flush() == expected
    assert len(expected) // 2 == pytest.approx(2000 * to_hz / from_hz, abs=1)


@pytest.mark.parametrize(("from_hz", "to_hz"), _PAIRS)
def test_a_tone_stays_the_tone_that_it_is_without_clicks(from_hz: int, to_hz: int) -> None:
    tone = (np.sin(2 * np.pi * 440 * np.arange(from_hz) / from_hz) * 10_000).astype("<i2").tobytes()
    resampler = Resampler(from_hz, to_hz)
    step = from_hz // 50 * 2
    got = b"".join(resampler.process(tone[n : n + step]) for n in range(0, len(tone), step)) + resampler.flush()
    ideal = np.sin(2 * np.pi * 440 * np.arange(to_hz) / to_hz) * 10_000
    middle = slice(to_hz // 10, -to_hz // 10)
    assert np.abs(samples_of(got)[middle] - ideal[middle]).max() < 20


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_a_conversation_is_held_back_by_less_than_a_frame(rate_hz: int) -> None:
    for from_hz, to_hz in ((rate_hz, 24_000), (24_000, rate_hz)):
        resampler = Resampler(from_hz, to_hz)
        given_s = got_s = 0.0
        for _ in range(50):
            given_s += 0.02
            got_s += len(resampler.process(bytes(from_hz // 50 * 2))) / 2 / to_hz
            assert given_s - got_s < 0.0205


def test_loud_audio_is_clipped_and_never_wraps() -> None:
    square = np.repeat(np.tile([32767, -32768], 100), 24).astype("<i2").tobytes()
    heard = samples_of(resample(square, 24_000, 48_000)).astype(int)
    assert np.abs(np.diff(heard)).max() < 50_000


def test_a_flushed_stream_begins_anew() -> None:
    resampler = Resampler(48_000, 24_000)
    first = resampler.process(_speechlike(960)) + resampler.flush()
    assert resampler.process(_speechlike(960)) + resampler.flush() == first


def test_a_rate_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError):
        Resampler(0, 24_000)
