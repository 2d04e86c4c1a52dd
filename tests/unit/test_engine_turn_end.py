"""Whether a turn is over: what words say, what sound says, and what real speech is judged to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.engine import Engine
from realtime_agent.engine.prosody import hear_ending
from realtime_agent.engine.turn_end import HeuristicTurnEnd, prosody_logit, words_logit
from realtime_agent.errors import EngineError
from realtime_agent.server.core.actions import JudgeTurnEnd, TurnJudged
from realtime_agent.server.shell.judging import judge_turn_end
from tests.fakes_engine import FakeBrain, FakeEar, FakeVoice
from tests.real_speech import two_cities_path

RATES = [8_000, 16_000, 24_000]


def voice(
    pitch_hz: Callable[[NDArray[np.float64]], NDArray[np.float64]], seconds: float = 2.0, rate_hz: int = 16_000
) -> bytes:
    """A buzz like a voice's, with syllables, its pitch a function of time; and 100 ms of silence behind it."""
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * np.cumsum(pitch_hz(time)) / rate_hz
    sound = np.sum([np.sin(harmonic * phase) / harmonic for harmonic in range(1, 8)], axis=0)
    syllables = np.where((time * 5 % 1 < 0.75) | (time > seconds - 0.4), 1.0, 0.0)
    return bytes((sound * syllables * 4000).astype("<i2").data) + bytes(rate_hz // 10 * 2)


def falling(time: NDArray[np.float64]) -> NDArray[np.float64]:
    return 150 + 30 * np.sin(time * 4) - np.clip(time - 1.4, 0, 1) * 120


def rising(time: NDArray[np.float64]) -> NDArray[np.float64]:
    return 150 + 30 * np.sin(time * 4) + np.clip(time - 1.4, 0, 1) * 160


def level(time: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(time < 1.4, 150 + 40 * np.sin(time * 4), 150.0)


@pytest.mark.parametrize(
    ("complete", "incomplete"),
    [
        ("What time is it?", "What time is"),
        ("Book a table.", "Book a table"),
        ("Book a table", "Book a table,"),
        ("Book a table for two.", "Book a table for"),
        ("All right!", "All right..."),
        ("Who are you with?", "I am with"),
        ("No.", ""),
    ],
)
def test_words_that_are_complete_weigh_more(complete: str, incomplete: str) -> None:
    assert words_logit(complete) > words_logit(incomplete)


@given(st.text())
def test_any_text_has_a_weight_within_bounds(text: str) -> None:
    assert -3 <= words_logit(text) <= 2


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_fall_to_the_floor_yields_the_turn_and_a_rise_keeps_it(rate_hz: int) -> None:
    fall, rise = (hear_ending(voice(pitch, rate_hz=rate_hz), rate_hz) for pitch in (falling, rising))
    assert fall is not None
    assert rise is not None
    assert fall.pitch_above_floor < 2
    assert rise.pitch_above_floor > 5
    assert prosody_logit(voice(falling, rate_hz=rate_hz), rate_hz) > prosody_logit(
        voice(rising, rate_hz=rate_hz), rate_hz
    )


def test_a_question_may_rise() -> None:
    assert prosody_logit(voice(rising), 16_000, is_question=True) > prosody_logit(voice(rising), 16_000)


def test_a_long_level_ending_is_a_hesitation() -> None:
    ending = hear_ending(voice(level), 16_000)
    assert ending is not None
    assert ending.level_ms >= 300


@pytest.mark.parametrize("pcm", [b"", b"\x00", bytes(32_000), bytes(range(256)) * 10, b"\xff\x7f" * 8000])
def test_sound_without_a_voice_says_nothing(pcm: bytes) -> None:
    assert hear_ending(pcm, 16_000) is None
    assert prosody_logit(pcm, 16_000) == 0


@given(st.binary(max_size=4000), st.sampled_from(RATES))
def test_any_bytes_are_listened_to(pcm: bytes, rate_hz: int) -> None:
    assert -3 <= prosody_logit(pcm, rate_hz) <= 1.5


async def test_the_end_of_a_reading_is_told_from_a_pause_within_it() -> None:
    pcm = read_wav(two_cities_path(), 16_000)
    judge = HeuristicTurnEnd()
    within = await judge.judge(pcm[: int(26.24 * 32_000)], 16_000, "We were all going direct to heaven,")
    end = await judge.judge(pcm[: int(41.84 * 32_000)], 16_000, "in the superlative degree of comparison only.")
    assert within < 0.2
    assert end > 0.7


class Judge:
    """Says what the test wants; a part of an engine."""

    name = "judge"

    def __init__(self, verdict: float | Exception) -> None:
        self.verdict = verdict
        self.started = self.closed = 0

    async def start(self) -> None:
        self.started += 1

    async def judge(self, pcm: bytes, rate_hz: int, text: str) -> float:
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    async def close(self) -> None:
        self.closed += 1


async def test_an_engine_starts_and_closes_its_judge() -> None:
    judge = Judge(0.5)
    engine = Engine(FakeEar(), FakeBrain(), FakeVoice(), turn_end=judge)
    await engine.start()
    await engine.close()
    assert (judge.started, judge.closed) == (1, 1)


@pytest.mark.parametrize("verdict", [EngineError("no"), ValueError("no"), float("nan"), TimeoutError()])
async def test_a_judge_that_fails_gives_no_verdict_and_harms_nobody(verdict: float | Exception) -> None:
    answers: list[TurnJudged] = []
    await judge_turn_end(Judge(verdict), JudgeTurnEnd("item_1", 1, b"", 16_000, ""), answers.append)
    assert answers == []
    await judge_turn_end(Judge(0.25), JudgeTurnEnd("item_1", 1, b"", 16_000, ""), answers.append)
    assert answers == [TurnJudged("item_1", 1, 0.25)]


async def test_a_verdict_takes_its_time_off_the_event_loop() -> None:
    pcm = voice(falling, seconds=8)
    work = asyncio.create_task(HeuristicTurnEnd().judge(pcm, 16_000, "Done."))
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1
    assert 0 <= await work <= 1
