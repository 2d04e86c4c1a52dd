"""smart-turn as a judge of turn ends: its spectrogram; and the model itself, where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.smart_turn import SmartTurnEnd, installed_model, log_mel
from realtime_agent.errors import EngineError, MissingExtra
from tests.real_speech import two_cities_path


def have_model() -> bool:
    try:
        import onnxruntime  # noqa: F401

        installed_model()
    except (ImportError, EngineError):
        return False
    return True


needs_model = pytest.mark.skipif(not have_model(), reason="pip install onnxruntime; pip install --no-deps pipecat-ai")


def test_a_tone_lies_in_its_band() -> None:
    time = np.arange(128_000) / 16_000
    for hz, band in ((200, 4), (1000, 26), (4000, 62)):
        features = log_mel(np.sin(2 * np.pi * hz * time).astype(np.float32))
        assert features.shape == (80, 800)
        assert features.dtype == np.float32
        assert abs(int(features[:, 400].argmax()) - band) <= 1


def test_silence_is_finite() -> None:
    assert np.isfinite(log_mel(np.zeros(128_000, dtype=np.float32))).all()


async def test_a_judge_that_was_not_started_says_so() -> None:
    with pytest.raises(EngineError) as raised:
        await SmartTurnEnd("nowhere.onnx").judge(b"", 16_000, "")
    assert raised.value.code == "not_started"


async def test_a_missing_model_or_runtime_is_told_at_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    judge = SmartTurnEnd(broken)
    with pytest.raises((EngineError, MissingExtra)):
        await judge.start()
    await judge.close()
    await judge.close()


@needs_model
async def test_a_finished_reading_is_more_likely_over_than_one_cut_in_the_middle() -> None:
    pcm = read_wav(two_cities_path(), 24_000)
    judge = SmartTurnEnd()
    await judge.start()
    try:
        end = await judge.judge(pcm[: int(41.84 * 48_000)], 24_000, "of comparison only.")
        middle = await judge.judge(pcm[: int(26.24 * 48_000)], 24_000, "all going direct to heaven,")
        assert end > 0.7
        assert middle < 0.4
        assert 0 <= await judge.judge(b"", 8_000, "") < 0.6
    finally:
        await judge.close()
