"""The far end in step with the microphone, with noisy times, other rates, lost audio and clocks that drift."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime_agent.audio.echo_reference import EchoReference

_RATE_HZ = 24_000
_MARGIN = 240


def _sound(samples: int) -> NDArray[np.int16]:
    """Smooth, and unlike itself everywhere."""
    rng = np.random.default_rng(7)
    rough = rng.standard_normal(samples + 64) * 20_000
    return np.convolve(rough, np.hanning(32) / 16, "same")[:samples].astype("<i2")


class _Devices:
    """A loudspeaker and a microphone; the microphone lags by `lag_s`, the loudspeaker's clock is fast by `drift`."""

    def __init__(self, *, lag_s: float = 0.0, drift: float = 0.0, jitter_s: float = 0.0) -> None:
        self.reference = EchoReference(_RATE_HZ, _RATE_HZ, _RATE_HZ)
        self.sound = _sound(80 * _RATE_HZ)
        self._rng = np.random.default_rng(2)
        self._lag_s, self._drift, self._jitter_s = lag_s, drift, jitter_s
        self._played = self._captured = 0
        self.skipped_s = 0.0

    def _noisy(self, at: float) -> float:
        return at + self._jitter_s * float(self._rng.uniform(-1, 1))

    def run(self, seconds: float) -> NDArray[np.int16]:
        """What `take` gives for the next so many seconds of the microphone."""
        taken = []
        for _ in range(round(seconds * 50)):
            now = self._captured / _RATE_HZ + self.skipped_s + self._lag_s
            while self._played / _RATE_HZ / (1 + self._drift) < now + 0.1:
                heard_at = self._noisy(self._played / _RATE_HZ / (1 + self._drift))
                self.reference.played(self.sound[self._played : self._played + 480].tobytes(), heard_at)
                self._played += 480
            self.reference.captured(480, self._noisy(now))
            self._captured += 480
            taken.append(np.frombuffer(self.reference.take(480), "<i2"))
        return np.concatenate(taken)


def _place(devices: _Devices, piece: NDArray[np.int16]) -> int:
    """Where in the sound the piece is."""
    whole = devices.sound.astype(np.float64)
    size = 1 << (len(whole) + len(piece)).bit_length()
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(piece.astype(np.float64), size)), size)
    return int(np.argmax(product[: len(whole)]))


def test_the_reference_is_what_was_played_when_the_microphone_heard() -> None:
    devices = _Devices(lag_s=0.25)
    taken = devices.run(2)
    begin = round(0.25 * _RATE_HZ) + _MARGIN + 960
    assert (taken[960:] == devices.sound[begin : begin + len(taken) - 960]).all()


def test_times_that_are_some_milliseconds_off_move_nothing_once_something_was_played() -> None:
    devices = _Devices(lag_s=0.25, jitter_s=0.008)
    taken = devices.run(10)
    begin = _place(devices, taken[:4_800])
    assert abs(begin - 0.25 * _RATE_HZ - _MARGIN) < 0.016 * _RATE_HZ
    assert (taken[4_800:] == devices.sound[begin + 4_800 : begin + len(taken)]).all()


def test_audio_lost_at_the_microphone_is_a_leap_and_then_all_is_in_step_again() -> None:
    devices = _Devices(lag_s=0.1, jitter_s=0.003)
    devices.run(5)
    assert devices.reference.leaps == 0
    devices.skipped_s = 0.2
    devices.run(3)
    assert devices.reference.leaps == 1
    begin = _place(devices, devices.run(1))
    assert abs(begin - (8 + 0.2 + 0.1) * _RATE_HZ - _MARGIN) < 0.005 * _RATE_HZ


@pytest.mark.parametrize("ppm", [-80, 80])
def test_the_drift_of_two_clocks_is_followed(ppm: float) -> None:
    devices = _Devices(lag_s=0.1, drift=ppm * 1e-6, jitter_s=0.004)
    devices.run(60)
    assert devices.reference.drift_ppm == pytest.approx(ppm, abs=12)
    assert devices.reference.leaps == 0
    before = _place(devices, devices.run(0.5))
    devices.run(9)
    after = _place(devices, devices.run(0.5))
    assert after - before == pytest.approx(9.5 * _RATE_HZ * (1 + ppm * 1e-6), abs=5)


def test_one_clock_is_left_alone_however_noisy_its_times() -> None:
    devices = _Devices(jitter_s=0.01)
    devices.run(60)
    assert abs(devices.reference.drift_ppm) < 8


def test_before_anything_is_played_the_reference_is_silence() -> None:
    reference = EchoReference(48_000, 44_100, _RATE_HZ)
    reference.captured(882, 5.0)
    assert reference.take(480) == bytes(960)
    reference.played(bytes(1920), 5.0)
    assert reference.take(480) == bytes(960)


def test_devices_of_other_rates_are_in_step_too() -> None:
    reference = EchoReference(48_000, 44_100, _RATE_HZ)
    tone = np.sin(2 * np.pi * 440 * np.arange(48_000 * 3) / 48_000) * np.linspace(0, 20_000, 48_000 * 3)
    taken = []
    for block in range(140):
        played = tone[block * 960 : (block + 1) * 960].astype("<i2").tobytes()
        reference.played(played, block * 0.02)
        if block >= 10:  # the microphone is read 200 ms later
            reference.captured(882, (block - 10) * 0.02)
            taken.append(np.frombuffer(reference.take(480), "<i2"))
    heard = np.concatenate(taken).astype(np.float64)
    expected = tone[::2][_MARGIN : _MARGIN + len(heard)]
    error = (heard - expected)[2_400:-2_400]
    assert np.abs(error).max() < 0.02 * 20_000
