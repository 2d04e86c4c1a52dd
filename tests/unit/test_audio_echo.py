"""The echo canceller in simulated rooms. The agent's voice is real speech, and so is the person's."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from realtime_agent.audio.echo import EchoCanceller
from realtime_agent.audio.pcm import rms, samples_of
from realtime_agent.audio.vad import CascadeDetector
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.errors import ConfigError
from tests.real_speech import two_cities_path
from tests.rooms import RATE_HZ, Signal, echo, level, microphone

_FRAME = 960


@cache
def _speech(begin_s: float, end_s: float) -> bytes:
    return read_wav(two_cities_path(), RATE_HZ)[2 * round(begin_s * RATE_HZ) : 2 * round(end_s * RATE_HZ)]


def _agent() -> bytes:
    return _speech(1.0, 16.0)


def _person(at_s: float) -> Signal:
    """Somebody else's words from then on, as loud as a person in front of the machine."""
    words = samples_of(_speech(24.0, 28.0)).astype(np.float64)
    words = words[int(np.argmax(np.abs(words) > 1500)) :]
    words *= level(samples_of(_agent()).astype(np.float64)) / level(words) * 10 ** (-4 / 20)
    return np.concatenate((np.zeros(round(at_s * RATE_HZ)), words))


def _clean(near: bytes, far: bytes, canceller: EchoCanceller | None = None, *, chunk: int = _FRAME) -> bytes:
    canceller = canceller or EchoCanceller(RATE_HZ)
    out = []
    for begin in range(0, len(near), chunk):
        canceller.far_end(far[begin : begin + chunk])
        out.append(canceller.process(near[begin : begin + chunk]))
    return b"".join(out)


def _speech_frames(pcm: bytes) -> list[int]:
    detector = CascadeDetector(RATE_HZ)
    frames = [pcm[n : n + _FRAME] for n in range(0, len(pcm) - _FRAME + 1, _FRAME)]
    return [index for index, frame in enumerate(frames) if detector.process(frame)]


@pytest.mark.parametrize("delay_ms", [30, 110, 200])
def test_an_agent_that_speaks_alone_is_not_taken_for_a_person(delay_ms: int) -> None:
    heard = microphone(echo(_agent(), delay_ms, seed=delay_ms))
    assert len(_speech_frames(heard)) > 100, "without the canceller it is"
    assert _speech_frames(_clean(heard, _agent())) == []


def test_a_loudspeaker_that_distorts_does_not_matter_much() -> None:
    heard = microphone(echo(_agent(), 80, distortion=1.0))
    assert _speech_frames(_clean(heard, _agent())) == []


def test_the_echo_is_taken_out_by_25_decibels_once_the_room_is_known() -> None:
    heard = microphone(echo(_agent(), 80))
    rest = _clean(heard, _agent())
    known = slice(2 * 5 * RATE_HZ, None)
    assert 20 * np.log10(rms(heard[known]) / rms(rest[known])) > 25


@pytest.mark.parametrize("at_s", [2.0, 5.0, 9.5])
def test_a_person_who_speaks_into_the_agents_voice_is_heard_within_200_ms(at_s: float) -> None:
    person = microphone(np.zeros(len(_agent()) // 2), _person(at_s))
    both = microphone(echo(_agent(), 80), _person(at_s))
    alone = _speech_frames(person)[0]
    heard = _speech_frames(_clean(both, _agent()))
    assert heard
    assert -1 <= heard[0] - alone <= 10


def test_the_persons_words_come_through_the_agents_voice_as_they_are() -> None:
    at = 2 * 6 * RATE_HZ
    rest = samples_of(_clean(microphone(echo(_agent(), 80), _person(6.0)), _agent())[at:]).astype(np.float64)
    words = samples_of(microphone(np.zeros(len(_agent()) // 2), _person(6.0))[at:]).astype(np.float64)
    spoken = slice(RATE_HZ // 5, 3 * RATE_HZ)
    error = rest[spoken] - words[spoken]
    assert 10 * np.log10((words[spoken] ** 2).sum() / (error**2).sum()) > 8


def test_while_nothing_is_played_the_microphone_is_untouched() -> None:
    near = _speech(20.0, 23.0)
    assert _clean(near, bytes(len(near))) == near


def test_with_headphones_the_person_is_heard_at_once_after_some_seconds() -> None:
    near = microphone(np.zeros(len(_agent()) // 2), _person(6.0))
    canceller = EchoCanceller(RATE_HZ)
    rest = _clean(near, _agent(), canceller)
    assert canceller.person_heard
    assert abs(_speech_frames(rest)[0] - _speech_frames(near)[0]) <= 3


def test_a_leap_of_the_devices_that_is_told_interrupts_nobody() -> None:
    half = len(_agent()) // 2 // _FRAME * _FRAME
    near, moved = microphone(echo(_agent(), 80)), microphone(echo(_agent(), 130))
    canceller = EchoCanceller(RATE_HZ)
    rest = _clean(near[:half], _agent()[:half], canceller)
    canceller.disturbed()
    rest += _clean(moved[half:], _agent()[half:], canceller)
    assert _speech_frames(rest) == []


def test_a_leap_that_nobody_told_interrupts_nobody_either() -> None:
    half = len(_agent()) // 2 // _FRAME * _FRAME
    near = microphone(echo(_agent(), 80))[:half] + microphone(echo(_agent(), 30))[half:]
    assert _speech_frames(_clean(near, _agent())) == []


def test_a_known_delay_is_looked_for_where_it_is() -> None:
    heard = microphone(echo(_agent(), 400))
    far_away = _clean(heard, _agent(), EchoCanceller(RATE_HZ, delay_ms=380))
    known = slice(2 * 6 * RATE_HZ, None)
    assert rms(far_away[known]) < rms(heard[known]) / 10


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
def test_every_usual_rate_will_do(rate_hz: int) -> None:
    rng = np.random.default_rng(3)
    far = (rng.standard_normal(4 * rate_hz) * 3000).astype("<i2")
    near = (np.roll(far, rate_hz // 20) * 0.3).astype("<i2").tobytes()
    rest = _clean(near, far.tobytes(), EchoCanceller(rate_hz), chunk=rate_hz // 25)
    assert rms(rest[-2 * rate_hz :]) < rms(near[-2 * rate_hz :]) / 10


def test_after_a_reset_it_is_as_new() -> None:
    canceller = EchoCanceller(RATE_HZ)
    near, far = microphone(echo(_agent(), 80))[: 4 * RATE_HZ], _agent()[: 4 * RATE_HZ]
    first = _clean(near, far, canceller)
    canceller.reset()
    assert _clean(near, far, canceller) == first


def test_a_far_end_that_runs_ahead_is_bounded() -> None:
    canceller = EchoCanceller(RATE_HZ)
    for _ in range(10):
        canceller.far_end(bytes(2 * RATE_HZ))
    assert len(canceller._far) == 2 * 2 * RATE_HZ


@pytest.mark.parametrize("make", [lambda: EchoCanceller(4_000), lambda: EchoCanceller(24_000, delay_ms=-1)])
def test_what_cannot_be_is_refused(make: object) -> None:
    with pytest.raises(ConfigError):
        make()  # type: ignore[operator]
