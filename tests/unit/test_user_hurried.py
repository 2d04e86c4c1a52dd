"""A sound file that is heard faster than it was said."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from realtime_agent.audio.wavfile import WavWriter
from realtime_agent.errors import ConfigError, DeviceError, LocalProtocolError
from realtime_agent.testing.clock import run
from realtime_agent.transports.user.hurried import HurriedWav
from tests.check_user_transport import RecordingReceiver

SECOND = bytes(range(1, 241)) * 200  # 24,000 samples


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    with WavWriter(path) as writer:
        writer.write(SECOND)
    return path


@pytest.mark.parametrize("speed", [1, 4, 50])
def test_the_file_is_heard_whole_in_a_fraction_of_its_time(speech: Path, speed: int) -> None:
    async def main() -> None:
        receiver = RecordingReceiver()
        user = HurriedWav(speech, speed)
        await user.open(receiver)
        await asyncio.sleep(1 / speed - 0.001)
        assert receiver.ended == []
        await asyncio.sleep(0.03)
        assert receiver.ended == [None]
        assert receiver.audio == SECOND
        await asyncio.sleep(1)
        assert receiver.audio == SECOND  # nothing comes after the end
        await user.close()
        await user.close()

    run(main())


def test_closing_stops_it(speech: Path) -> None:
    async def main() -> None:
        receiver = RecordingReceiver()
        user = HurriedWav(speech, 2)
        await user.open(receiver)
        await asyncio.sleep(0.1)
        await user.close()
        heard = len(receiver.audio)
        await asyncio.sleep(1)
        assert len(receiver.audio) == heard < len(SECOND)
        assert receiver.ended == []
        with pytest.raises(LocalProtocolError):
            await user.open(receiver)

    run(main())


def test_it_has_no_speaker(speech: Path) -> None:
    user = HurriedWav(speech, 2)
    user.play(b"\1\0")
    user.duck()
    user.resume()
    assert user.flush() == user.played == 0


def test_a_file_that_is_not_there_is_a_device_error(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(DeviceError):
            await HurriedWav(tmp_path / "nowhere.wav", 2).open(RecordingReceiver())

    run(main())


@pytest.mark.parametrize("speed", [0, -1, 101])
def test_there_are_limits(tmp_path: Path, speed: int) -> None:
    with pytest.raises(ConfigError):
        HurriedWav(tmp_path / "x.wav", speed)
