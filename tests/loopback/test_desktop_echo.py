"""An agent with open loudspeakers: what it plays comes back into its microphone, and it must not mind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from realtime_agent.audio.pcm import gain
from realtime_agent.audio.wavfile import WavWriter
from tests.pulse import Pulse
from tests.real_speech import two_cities

_PROGRAM = Path(__file__).parent / "echo_program.py"


@contextmanager
def _open_loudspeaker(pulse: Pulse, delay_ms: int, gain_db: float) -> Iterator[None]:
    """The air between loudspeaker and microphone."""
    module = pulse.pactl(
        "load-module",
        "module-loopback",
        "source=spk.monitor",
        "sink=micfeed",
        f"latency_msec={delay_ms}",
        "adjust_time=0",
    ).strip()
    try:
        stream = None
        for line in pulse.pactl("list", "sink-inputs").splitlines():
            if line.startswith("Sink Input #"):
                stream = line.removeprefix("Sink Input #")
            elif line.strip() == f"Owner Module: {module}":
                break
        assert stream is not None
        pulse.pactl("set-sink-input-volume", stream, f"{gain_db:g}dB")
        yield
    finally:
        pulse.pactl("unload-module", module)


def _tell_a_story(pulse: Pulse, echo_cancellation: str, interruption: Path) -> Any:
    with pulse.python(_PROGRAM, echo_cancellation) as program:
        try:
            assert program.stdin is not None
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
            player = pulse.play_into_microphone(interruption)
            out, _ = program.communicate("\n", timeout=30)
            player.wait(timeout=10)
        except BaseException:
            program.kill()
            raise
    assert program.returncode == 0, out
    return json.loads(out.splitlines()[-1])


@pytest.fixture
def interruption(tmp_path: Path) -> Path:
    path = tmp_path / "interruption.wav"
    with WavWriter(path) as writer:
        writer.write(gain(two_cities()[0], 10))  # the reading is soft; so a person sits in front of the machine
    return path


def test_the_agent_tells_a_story_to_the_end_of_patience_and_stops_for_a_person(
    pulse: Pulse, interruption: Path
) -> None:
    with _open_loudspeaker(pulse, delay_ms=80, gain_db=-10):
        told = _tell_a_story(pulse, "on", interruption)
    assert told["alone"] == {
        "played_s": pytest.approx(10, abs=0.5),
        "ducked": False,
        "user_turns": 0,
        "interrupted": False,
    }
    assert told["after"]["interrupted"]
    assert told["after"]["user_turns"] == 1
    assert told["after"]["ducked_after_s"] < 1.0, "the player takes 200 ms to begin, and the machine may be busy"


def test_without_the_canceller_it_interrupts_itself(pulse: Pulse, interruption: Path) -> None:
    with _open_loudspeaker(pulse, delay_ms=80, gain_db=-10):
        told = _tell_a_story(pulse, "off", interruption)
    assert told["alone"]["interrupted"]
    assert told["alone"]["played_s"] < 5
