"""What is speech and what is not, on real speech and on the noises that fool cheap detectors."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import cache
from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime_agent.audio import g711
from realtime_agent.audio.decimate import Decimator
from realtime_agent.audio.pcm import to_float
from realtime_agent.audio.resample import resample
from realtime_agent.audio.silero import SileroModels
from realtime_agent.audio.vad import (
    CascadeDetector,
    SileroDetector,
    SpeechDetector,
    SpeechProbability,
    WebRtcDetector,
    make_detector,
)
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.errors import ConfigError

_RATE_HZ = 24_000
_FRAME_BYTES = 960
_SECONDS = 5
# Where a voice begins after a pause in `two_cities.wav`, in seconds, read off its envelope.
_ONSETS_S = (1.21, 8.82, 13.49, 15.15, 18.98, 21.27, 24.66, 29.95, 37.02, 38.72)


@cache
def _speech() -> bytes:
    """44 s of real speech."""
    return read_wav(str(files("moonshine_voice") / "assets" / "two_cities.wav"))


def _pcm(samples: NDArray[np.float64]) -> bytes:
    return bytes((samples * 32_767).astype("<i2").data)


def _noises() -> dict[str, bytes]:
    rng = np.random.default_rng(1)
    n = _RATE_HZ * _SECONDS
    spectrum = np.fft.rfft(rng.standard_normal(n)) / np.sqrt(np.maximum(np.arange(n // 2 + 1), 1))
    pink = np.fft.irfft(spectrum, n)
    clicks = np.zeros(n)
    for begin in range(0, n, _RATE_HZ // 3):
        clicks[begin : begin + 24] = 0.8
    chord = sum(np.sin(2 * np.pi * hz * np.arange(n) / _RATE_HZ) for hz in (220, 277.2, 329.6))
    return {
        "silence": bytes(2 * n),
        "hiss": _pcm(rng.standard_normal(n) * 0.003),
        "pink noise": _pcm(pink / np.abs(pink).max() * 0.3),
        "clicks": _pcm(clicks),
        "a chord": _pcm(np.asarray(chord) * 0.15),
    }


def _verdicts(detector: SpeechDetector, pcm: bytes) -> list[bool]:
    size = detector.rate_hz // 50 * 2
    return [detector.process(pcm[n : n + size]) for n in range(0, len(pcm) - size + 1, size)]


@pytest.mark.parametrize("name", ["silence", "hiss", "pink noise", "clicks", "a chord"])
def test_noise_is_never_speech(name: str) -> None:
    assert not any(_verdicts(make_detector(_RATE_HZ), _noises()[name]))


def test_the_cheap_detector_alone_takes_pink_noise_for_speech() -> None:
    """Why there is a cascade."""
    assert np.mean(_verdicts(WebRtcDetector(_RATE_HZ), _noises()["pink noise"])) > 0.5


@pytest.mark.parametrize("make", [CascadeDetector, SileroDetector, WebRtcDetector])
def test_real_speech_is_speech(make: Callable[[int], SpeechDetector]) -> None:
    assert 0.6 < np.mean(_verdicts(make(_RATE_HZ), _speech()[: _RATE_HZ * 2 * 20])) < 0.95


def test_the_cascade_agrees_with_the_sure_detector_on_speech() -> None:
    speech = _speech()[: _RATE_HZ * 2 * 20]
    cascade = np.array(_verdicts(CascadeDetector(_RATE_HZ), speech))
    silero = np.array(_verdicts(SileroDetector(_RATE_HZ), speech))
    assert (cascade == silero).mean() > 0.93


def test_the_onset_of_real_speech_is_found_within_60_ms() -> None:
    latencies = []
    for onset_s in _ONSETS_S:
        for phase in (0, 160, 320):  # the frames fall as they like
            begin = round((onset_s - 0.5) * _RATE_HZ) - phase
            heard = _verdicts(CascadeDetector(_RATE_HZ), _speech()[begin * 2 : (begin + _RATE_HZ) * 2])
            ends = [(index + 1) * 20 - 500 - phase / 24 for index, speech in enumerate(heard) if speech]
            latencies.append(min((end for end in ends if end > 0), default=float("inf")))
    assert np.median(latencies) <= 40
    assert np.mean(np.array(latencies) <= 60) >= 0.9


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_other_rates_hear_the_same(rate_hz: int) -> None:
    speech = resample(_speech()[: _RATE_HZ * 2 * 10], _RATE_HZ, rate_hz)
    if rate_hz == 8_000:  # as it comes from the telephone
        speech = g711.ulaw_decode(g711.ulaw_encode(speech))
    detector = CascadeDetector(rate_hz)
    assert 0.5 < np.mean(_verdicts(detector, speech)) < 0.95
    assert not any(_verdicts(detector, bytes(rate_hz * 2 * 2))[50:])


def test_the_model_is_borrowed_only_while_something_is_heard() -> None:
    models = SileroModels(capacity=1)
    detector = CascadeDetector(_RATE_HZ, models=models)
    assert not any(_verdicts(detector, bytes(_RATE_HZ * 2)))
    models.give_back(models.borrow(16_000))  # it is there for others
    _verdicts(detector, _speech()[int(8.5 * 48_000) : int(9.5 * 48_000)])
    assert models.borrow(16_000) is None
    _verdicts(detector, bytes(_RATE_HZ * 2))
    assert models.borrow(16_000) is not None


def test_with_no_model_left_the_cheap_detector_decides_alone() -> None:
    models = SileroModels(capacity=1)
    taken = models.obtain(16_000)
    detector = CascadeDetector(_RATE_HZ, models=models)
    speech = _speech()[: _RATE_HZ * 2 * 5]
    assert _verdicts(detector, speech) == _verdicts(WebRtcDetector(_RATE_HZ), speech)
    models.give_back(taken)


def test_a_detector_dropped_in_the_middle_of_speech_gives_its_model_back() -> None:
    models = SileroModels(capacity=1)
    detector = SileroDetector(_RATE_HZ, models=models)
    detector.process(bytes(_FRAME_BYTES))
    assert models.borrow(16_000) is None
    del detector
    gc.collect()
    assert models.borrow(16_000) is not None


def test_so_does_a_detector_that_is_dropped_with_all_that_knew_it() -> None:
    models = SileroModels(capacity=1)
    session: list[object] = [SileroDetector(_RATE_HZ, models=models)]
    session[0].process(bytes(_FRAME_BYTES))  # type: ignore[attr-defined]
    session.append(session)  # a cycle, so the garbage collector finalises all of it, in an order of its own
    del session
    gc.collect()
    model = models.borrow(16_000)
    assert model is not None
    model.process(np.zeros(512, dtype=np.float32).data)


def test_a_reset_detector_hears_as_a_new_one() -> None:
    speech = _speech()[: _RATE_HZ * 2 * 5]
    for detector in (CascadeDetector(_RATE_HZ), SileroDetector(_RATE_HZ), WebRtcDetector(_RATE_HZ)):
        first = _verdicts(detector, speech)
        detector.reset()
        assert _verdicts(detector, speech) == first


def test_probability_and_threshold_are_what_process_rests_on() -> None:
    speech = _speech()[: _RATE_HZ * 2 * 5]
    for make in (CascadeDetector, SileroDetector):
        measured = make(_RATE_HZ)
        assert isinstance(measured, SpeechProbability)
        frames = [speech[n : n + _FRAME_BYTES] for n in range(0, len(speech), _FRAME_BYTES)]
        probabilities = np.array([measured.probability(frame) for frame in frames])
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
        strict = make(_RATE_HZ)
        strict.threshold = 0.9
        verdicts = np.array([strict.process(frame) for frame in frames])
        assert verdicts[probabilities >= 0.9].all()
        assert not verdicts[probabilities < 0.75].any()


def test_rates_that_no_detector_hears_are_refused() -> None:
    for make in (CascadeDetector, SileroDetector, WebRtcDetector):
        with pytest.raises(ConfigError):
            make(4_000)
    with pytest.raises(ConfigError):
        Decimator(8_000, 16_000)


def test_the_decimator_keeps_speech_and_drops_what_would_fold_into_it() -> None:
    seconds = np.arange(_RATE_HZ) / _RATE_HZ
    for to_hz in (8_000, 16_000):
        for hz, kept in ((0.25 * to_hz, True), (0.75 * to_hz, False)):
            tone = _pcm(np.sin(2 * np.pi * hz * seconds) * 0.5)
            decimator = Decimator(_RATE_HZ, to_hz)
            size = 480
            out = np.concatenate([decimator.process(to_float(tone)[n : n + size]) for n in range(0, _RATE_HZ, size)])
            assert len(out) == to_hz
            gain = np.abs(out[100:]).max() / 0.5
            assert (gain > 0.8) if kept else (gain < 0.1), (to_hz, hz, gain)
