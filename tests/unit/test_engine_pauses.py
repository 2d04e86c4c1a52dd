"""The silence around a clause."""

from __future__ import annotations

import numpy as np
import pytest

from realtime_agent.engine.pauses import (
    LEAD_SAMPLES,
    NO_PAUSE_SAMPLES,
    RATE_HZ,
    SENTENCE_PAUSE_SAMPLES,
    STOP_PAUSE_SAMPLES,
    set_pauses,
)

_TONE = (8000 * np.sin(np.arange(RATE_HZ) / 5)).astype("<i2")


def _clause(before_s: float, after_s: float) -> bytes:
    return bytes(2 * int(before_s * RATE_HZ)) + _TONE.tobytes() + bytes(2 * int(after_s * RATE_HZ))


@pytest.mark.parametrize(
    ("text", "pause_samples"),
    [
        ("Hello.", SENTENCE_PAUSE_SAMPLES),
        ('He said "Hello." ', SENTENCE_PAUSE_SAMPLES),
        ("One line\n", SENTENCE_PAUSE_SAMPLES),
        ("Well, ", STOP_PAUSE_SAMPLES),
        ("and so on ", NO_PAUSE_SAMPLES),
        ("", NO_PAUSE_SAMPLES),
    ],
)
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.8])
def test_a_clause_starts_at_once_and_pauses_by_its_punctuation(text: str, pause_samples: int, after_s: float) -> None:
    samples = len(set_pauses(_clause(0.3, after_s), text)) // 2
    assert abs(samples - (LEAD_SAMPLES + RATE_HZ + pause_samples)) <= RATE_HZ // 100


def test_slow_speech_pauses_longer() -> None:
    slow, fast = (len(set_pauses(_clause(0, 2), "Yes.", speed=speed)) // 2 - RATE_HZ for speed in (0.5, 1.0))
    assert abs(slow - 2 * fast) <= RATE_HZ // 50


def test_silence_comes_back_empty() -> None:
    assert set_pauses(bytes(32000), "Hello.") == b""
    assert set_pauses(b"", "Hello.") == b""
    assert set_pauses(b"\0", "Hello.") == b""
