"""Noise suppression: what it takes away, what it leaves, and that chunking does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime_agent.audio.noise import FLOOR_DB, NoiseSuppressor
from realtime_agent.audio.pcm import level_dbfs, silence
from realtime_agent.audio.resample import resample
from realtime_agent.audio.vad import WebRtcDetector
from tests.real_speech import two_cities

RATE_HZ = 24_000


def pink(seconds: float, level: float, rate_hz: int = RATE_HZ, seed: int = 0) -> NDArray[np.float64]:
    """Pink noise of this root mean square."""
    count = int(seconds * rate_hz)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    noise: NDArray[np.float64] = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), count)
    return np.asarray(noise * level / noise.std(), dtype=np.float64)


def pcm_of(samples: NDArray[np.float64]) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def clean(pcm: bytes, suppressor: NoiseSuppressor, step_bytes: int = 960) -> bytes:
    return b"".join(suppressor.process(pcm[at : at + step_bytes]) for at in range(0, len(pcm), step_bytes))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("field", ["near_field", "far_field"])
def test_steady_noise_sinks_to_the_floor(rate_hz: int, field: str) -> None:
    noise = pcm_of(pink(4, 500, rate_hz))
    left = clean(noise, NoiseSuppressor(rate_hz, field))  # type: ignore[arg-type]
    gain_db = level_dbfs(left[-2 * rate_hz * 2 :]) - level_dbfs(noise)
    floor_db = FLOOR_DB[field]  # type: ignore[index]
    assert floor_db - 1 < gain_db < floor_db + 4.5, "the lowest bands hold most of it, and flicker"


def test_noise_that_becomes_louder_is_followed_within_two_seconds() -> None:
    samples = np.concatenate((pink(2, 100), pink(4, 1000, seed=1)))
    left = clean(pcm_of(samples), NoiseSuppressor(RATE_HZ, "far_field"))
    assert level_dbfs(left[-2 * RATE_HZ * 2 :]) - level_dbfs(pcm_of(samples[-2 * RATE_HZ :])) < -12


def test_speech_in_noise_gets_clearer_and_loses_little() -> None:
    speech = np.concatenate([np.frombuffer(phrase, "<i2") for phrase in two_cities()[:6]]).astype(np.float64)
    lead = RATE_HZ
    noise = pink(len(speech) / RATE_HZ + 1, speech.std() * 10 ** (-10 / 20))
    noise[lead:] += speech[: len(noise) - lead]
    suppressor = NoiseSuppressor(RATE_HZ, "far_field")
    delay = suppressor.delay_samples
    heard = np.frombuffer(clean(pcm_of(noise) + silence(delay), suppressor), "<i2").astype(np.float64)[delay:][lead:]
    speech = speech[: len(heard)]
    gain = float(heard.dot(speech) / speech.dot(speech))
    error = heard - gain * speech
    assert 0.85 < gain < 1.05
    assert 10 * np.log10((gain * speech).var() / error.var()) > 12.5, "it was 10 dB"


@pytest.mark.parametrize("field", ["near_field", "far_field"])
def test_a_cheap_detector_stops_taking_noise_for_speech(field: str) -> None:
    noise = pcm_of(pink(6, 1000))

    def share(pcm: bytes) -> float:
        detector = WebRtcDetector(RATE_HZ)
        frames = [pcm[at : at + 960] for at in range(0, len(pcm) - 959, 960)]
        return sum(map(detector.process, frames)) / len(frames)

    assert share(noise) > 0.1
    assert share(clean(noise, NoiseSuppressor(RATE_HZ, field))) < 0.05  # type: ignore[arg-type]


def test_clean_speech_passes_almost_unchanged() -> None:
    pcm = b"".join(two_cities()[:4])
    suppressor = NoiseSuppressor(RATE_HZ)
    left = clean(pcm + silence(suppressor.delay_samples), suppressor)[suppressor.delay_samples * 2 :]
    assert level_dbfs(left) == pytest.approx(level_dbfs(pcm), abs=1.0)


def test_with_no_strength_nothing_is_changed_but_the_time() -> None:
    pcm = pcm_of(pink(1, 1000))
    suppressor = NoiseSuppressor(RATE_HZ, "far_field", strength=0.0)
    left = clean(pcm + silence(suppressor.delay_samples), suppressor)
    assert left[: suppressor.delay_samples * 2] == silence(suppressor.delay_samples)
    came = np.frombuffer(left[suppressor.delay_samples * 2 :], "<i2").astype(np.int32)
    assert np.abs(came - np.frombuffer(pcm, "<i2")).max() <= 1


def test_digital_silence_stays_silent() -> None:
    assert clean(silence(RATE_HZ), NoiseSuppressor(RATE_HZ)) == silence(RATE_HZ)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=12), st.sampled_from([8_000, 24_000]))
def test_however_it_is_chunked_the_samples_are_the_same_and_as_many(sizes: list[int], rate_hz: int) -> None:
    whole = resample(two_cities()[0], RATE_HZ, rate_hz)[: 2 * sum(sizes)]
    suppressor = NoiseSuppressor(rate_hz)
    pieces, at = [], 0
    for size in sizes:
        piece = whole[2 * at : 2 * (at + size)]
        out = suppressor.process(piece)
        assert len(out) == len(piece)
        pieces.append(out)
        at += size
    assert b"".join(pieces) == NoiseSuppressor(rate_hz).process(whole)
