"""Microphone and loudspeaker through a real PortAudio stream, on PulseAudio null sinks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime_agent.audio.pcm import samples_of
from realtime_agent.audio.resample import resample
from realtime_agent.audio.wavfile import WavWriter, read_wav
from tests.pulse import Pulse

_PROGRAM = Path(__file__).parent / "desktop_program.py"
_RATE_HZ = 24_000

Signal = NDArray[np.float64]


def _run(pulse: Pulse, task: str, argument: str = "", *, meanwhile: Callable[[], object] | None = None) -> Any:
    """Run a task of the program to its end; `meanwhile` is called when it says that it is ready."""
    with pulse.python(_PROGRAM, task, argument) as program:
        try:
            if meanwhile is not None:
                assert program.stdout is not None
                assert program.stdout.readline() == "ready\n"
                meanwhile()
            out, _ = program.communicate("\n", timeout=20)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
    assert program.returncode == 0, out
    return json.loads(out.splitlines()[-1])


def _melody(seconds: float) -> bytes:
    """Band-limited noise: every stretch of it is unlike every other."""
    rng = np.random.default_rng(11)
    coarse = (rng.normal(0, 3000, round(seconds * 8_000))).clip(-15_000, 15_000).astype("<i2").tobytes()
    return resample(coarse, 8_000, _RATE_HZ)


def _signal(pcm: bytes) -> Signal:
    return samples_of(pcm).astype(np.float64)


def _find(part: Signal, whole: Signal) -> tuple[int, float]:
    """Where in `whole` the part is, and how well it fits there (1 is perfectly)."""
    size = 1 << (len(whole) + len(part)).bit_length()
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)
    product = product[: len(whole) - len(part) + 1]
    energy = np.cumsum(np.concatenate(([0.0], whole**2)))
    fit = product / np.sqrt(np.maximum(energy[len(part) :] - energy[: -len(part)], 1) * (part**2).sum())
    at = int(np.argmax(fit))
    return at, float(fit[at])


@pytest.fixture
def melody(tmp_path: Path) -> Path:
    path = tmp_path / "melody.wav"
    with WavWriter(path) as writer:
        writer.write(_melody(2.0))
    return path


def test_it_is_a_user_transport(pulse: Pulse) -> None:
    assert _run(pulse, "conformance") == {}


def test_a_device_with_another_rate_and_two_channels_is_one_too(pulse: Pulse) -> None:
    assert _run(pulse, "conformance_of_a_stereo_device_at_44100_hz") == {}


def test_the_microphone_is_heard_as_it_is(pulse: Pulse, tmp_path: Path, melody: Path) -> None:
    heard_path = tmp_path / "heard.wav"
    player: list[subprocess.Popen[bytes]] = []
    told = _run(pulse, "listen", str(heard_path), meanwhile=lambda: player.append(pulse.play_into_microphone(melody)))
    player[0].wait(timeout=10)
    whole, heard = _signal(_melody(2.0)), _signal(read_wav(heard_path))
    first, fit = _find(whole[4_800:9_600], heard)
    assert fit > 0.95
    last, fit = _find(whole[40_000:44_800], heard)
    assert fit > 0.95
    lost = 480 * told["xruns"]  # a loaded machine may lose blocks; then it must have said so
    assert last - first == pytest.approx(40_000 - 4_800, abs=24 + lost), "nothing is missing in between"
    assert told["names"] == ["micin", "spkout"]


def test_ducking_and_resuming_lose_no_sample_at_the_loudspeaker(pulse: Pulse, tmp_path: Path, melody: Path) -> None:
    recorded = tmp_path / "recorded.wav"
    with pulse.recording(recorded):
        told = _run(pulse, "speak", str(melody))
    assert told["playback"] == [[0, True], [48_000, False]]
    whole, heard = _signal(_melody(2.0)), _signal(read_wav(recorded))
    shifts = []
    for begin in range(0, 48_000 - 2_400, 2_400):  # each stretch of 100 ms is there, but for those that were cut
        at, fit = _find(whole[begin : begin + 2_400], heard)
        if fit > 0.95:
            shifts.append(at - begin)
    assert len(shifts) >= 14
    assert shifts == sorted(shifts)
    steps = np.diff(sorted(shifts))
    pauses = steps[steps > 2_400]
    assert len(pauses) == 2, "two pauses, and all the rest in one piece"
    assert steps[steps <= 2_400].sum() <= 48
    assert (np.abs(pauses / _RATE_HZ - 0.3) < 0.1).all()


def test_the_position_of_a_truncation_is_what_was_really_played(pulse: Pulse, tmp_path: Path, melody: Path) -> None:
    recorded = tmp_path / "recorded.wav"
    with pulse.recording(recorded):
        told = _run(pulse, "truncate", str(melody))
    whole, heard = _signal(_melody(2.0)), _signal(read_wav(recorded))
    end = int(np.flatnonzero(np.abs(heard) > 300)[-1]) - 120  # the last 5 ms are the fade, and do not count
    begin, fit = _find(heard[end - 2_400 : end], whole)
    assert fit > 0.95
    assert begin + 2_400 == pytest.approx(told["final"], abs=0.02 * _RATE_HZ)
    assert told["final"] - told["heard"] <= 0.12 * _RATE_HZ, "what the device held"


def test_a_microphone_that_stops_without_a_word_is_found(pulse: Pulse) -> None:
    try:
        told = _run(pulse, "silent_stop", meanwhile=pulse.suspend_microphone)
    finally:
        pulse.resume_microphone()
    assert told["errors"] == ["The microphone 'micin' stopped working."]
    assert told["after_s"] <= 0.5


def test_a_loop_that_stood_still_does_not_take_the_devices_for_dead(pulse: Pulse) -> None:
    told = _run(pulse, "stuck_loop")
    assert told["ended"] == 0
    assert told["heard_s"] == pytest.approx(told["passed_s"], abs=0.1), "what was said meanwhile is not lost"
    assert told["played"] == _RATE_HZ


def test_a_device_that_is_not_there_is_refused_with_the_names_of_those_that_are(pulse: Pulse) -> None:
    microphone, loudspeaker = _run(pulse, "refused", "Yeti")["messages"]
    assert microphone.startswith("There is no microphone named 'Yeti'. There are: ")
    assert "'micin'" in microphone
    assert loudspeaker.startswith("There is no loudspeaker named 'Yeti'. There are: ")
    assert "'spkout'" in loudspeaker


def test_the_devices_are_listed_by_name(pulse: Pulse) -> None:
    assert {"micin", "spkout", "default"} <= set(_run(pulse, "devices")["names"])


def test_a_sound_server_that_dies_is_found(tmp_path: Path, pulse: Pulse) -> None:
    own = Pulse(tmp_path)  # `pulse` is asked for because it skips where PulseAudio is missing
    try:
        told = _run(own, "crash_of_the_server", meanwhile=own.process.kill)
    finally:
        own.close()
    assert told["errors"] == ["The loudspeaker 'spkout' stopped working."] or told["errors"] == [
        "The microphone 'micin' stopped working."
    ]
