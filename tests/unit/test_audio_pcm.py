"""Levels, gain, fades and mixing."""

from __future__ import annotations

import numpy as np
import pytest

from realtime_agent.audio import pcm


def _pcm(*samples: int) -> bytes:
    return np.array(samples, dtype="<i2").tobytes()


def test_levels_are_relative_to_full_scale() -> None:
    assert pcm.level_dbfs(_pcm(-32768, -32768)) == 0
    assert pcm.level_dbfs(_pcm(16384, -16384)) == pytest.approx(-6.02, abs=0.01)
    assert pcm.level_dbfs(b"") == pcm.level_dbfs(bytes(100)) == pcm.SILENT_DBFS
    assert pcm.rms(_pcm(3, 4)) == pytest.approx(12.5**0.5)


def test_gain_clips_and_never_wraps() -> None:
    assert pcm.gain(_pcm(1000, -1000), 6.0206) == _pcm(2000, -2000)
    assert pcm.gain(_pcm(30000, -30000), 6) == _pcm(32767, -32768)
    assert pcm.gain(_pcm(1, 2, 3), 0) == _pcm(1, 2, 3)


def test_the_two_fades_add_up_to_the_original() -> None:
    audio = np.random.default_rng(1).integers(-32768, 32768, 120).astype("<i2")
    out = pcm.samples_of(pcm.fade_out(audio.tobytes())).astype(int)
    back = pcm.samples_of(pcm.fade_in(audio.tobytes())).astype(int)
    assert out[0] == audio[0]
    assert back[0] == 0
    assert np.abs(out + back - audio).max() <= 1
    assert pcm.fade_out(b"") == pcm.fade_in(b"") == b""


def test_mixing_clips_and_takes_the_longer_length() -> None:
    assert pcm.mix(_pcm(1, 2, 3), _pcm(10)) == _pcm(11, 2, 3)
    assert pcm.mix(_pcm(30000), _pcm(30000, -5)) == _pcm(32767, -5)


def test_mono_is_the_mean_and_leaves_out_half_a_frame() -> None:
    assert pcm.mono(_pcm(10, 20, -30, -31, 7), 2) == _pcm(15, -30)
    assert pcm.mono(_pcm(32767, 32767), 2) == _pcm(32767)
    assert pcm.mono(_pcm(1, 2), 1) == _pcm(1, 2)


def test_interleaving_fills_the_shorter_side() -> None:
    assert pcm.interleave(_pcm(1, 2), _pcm(9)) == _pcm(1, 9, 2, 0)


def test_floats_go_there_and_back_and_nonsense_is_made_harmless() -> None:
    every = np.arange(-32768, 32768).astype("<i2").tobytes()
    assert pcm.from_float(pcm.to_float(every)) == every
    assert pcm.from_float(np.array([2.0, -2.0, np.nan, np.inf])) == _pcm(32767, -32768, 0, 32767)


def test_an_odd_byte_is_left_out() -> None:
    assert len(pcm.samples_of(b"\0\0\0")) == 1


def test_silence_is_so_many_samples() -> None:
    assert pcm.silence(3) == bytes(6)
