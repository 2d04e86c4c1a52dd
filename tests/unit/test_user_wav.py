"""Sound files as microphone and loudspeaker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from realtime_agent.audio.pcm import samples_of
from realtime_agent.audio.wavfile import WavWriter, read_wav
from realtime_agent.errors import DeviceError
from realtime_agent.testing.clock import run
from realtime_agent.transports.user.wav import WavUser
from tests.check_user_transport import RecordingReceiver, check_user_transport

_RATE_HZ = 24_000


def _ramp(samples: int, start: int = 1) -> bytes:
    return (np.arange(start, start + samples) % 30_000 + 1).astype("<i2").tobytes()


@pytest.fixture
def question(tmp_path: Path) -> Path:
    """0.105 s of audio without a silent sample: five frames and a quarter."""
    path = tmp_path / "question.wav"
    with WavWriter(path) as writer:
        writer.write(_ramp(2520))
    return path


def test_it_is_a_user_transport(question: Path, tmp_path: Path) -> None:
    run(check_user_transport(lambda: WavUser(question, output=tmp_path / "a.wav", both=tmp_path / "b.wav")))


def test_the_file_is_heard_whole_then_the_end_is_told_then_silence_follows(question: Path) -> None:
    async def main() -> None:
        receiver = RecordingReceiver()
        user = WavUser(question)
        await user.open(receiver)
        await asyncio.sleep(0.119)
        assert receiver.ended == []
        await asyncio.sleep(0.002)
        assert receiver.ended == [None]
        await asyncio.sleep(0.1)
        assert receiver.audio[: 2520 * 2] == _ramp(2520)
        assert not any(receiver.audio[2520 * 2 :])
        assert len(receiver.audio) == 11 * 960
        await user.close()
        assert receiver.ended == [None]

    run(main())


def test_no_file_is_written_over_that_is_being_read(question: Path, tmp_path: Path) -> None:
    before = question.read_bytes()
    alias = tmp_path / "alias.wav"
    alias.symlink_to(question)
    for files in ({"output": question}, {"both": alias}, {"output": tmp_path / "a.wav", "both": tmp_path / "a.wav"}):

        async def main(files: dict[str, Path] = files) -> None:
            with pytest.raises(DeviceError, match="given twice"):
                await WavUser(question, **files).open(RecordingReceiver())

        run(main())
    assert question.read_bytes() == before


def test_both_sides_are_written_aligned_to_the_sample(question: Path, tmp_path: Path) -> None:
    async def main() -> None:
        user = WavUser(question, output=tmp_path / "output.wav", both=tmp_path / "both.wav")
        await user.open(RecordingReceiver())
        await asyncio.sleep(0.05)
        user.play(_ramp(240, 5000))
        await asyncio.sleep(0.151)
        await user.close()

    run(main())
    silent = 1200
    agent = bytes(silent * 2) + _ramp(240, 5000)
    output = read_wav(tmp_path / "output.wav")
    assert output == agent + bytes(4824 * 2 - len(agent)), "0.201 s, the agent from 0.05 s on"
    with (tmp_path / "both.wav").open("rb") as file:
        stereo = samples_of(file.read()[44:]).reshape(-1, 2)
    assert stereo[:, 1].tobytes() == output
    assert stereo[:2520, 0].tobytes() == _ramp(2520)
    assert not stereo[2520:, 0].any()


def test_a_late_loop_loses_no_frame_and_stays_aligned(question: Path, tmp_path: Path) -> None:
    async def main() -> None:
        user = WavUser(question, both=tmp_path / "both.wav")
        receiver = RecordingReceiver()
        loop = asyncio.get_running_loop()
        await user.open(receiver)
        user.play(_ramp(24_000))
        await asyncio.sleep(0.02)
        loop._jumping.now += 1.5137  # type: ignore[attr-defined]  # the loop was stuck
        await asyncio.sleep(0.1)
        assert len(receiver.audio) == int(loop.time() / 0.02) * 960
        await user.close()

    run(main())
    with (tmp_path / "both.wav").open("rb") as file:
        stereo = samples_of(file.read()[44:]).reshape(-1, 2)
    assert stereo[:24_000, 1].tobytes() == _ramp(24_000)
    assert stereo[:2520, 0].tobytes() == _ramp(2520)


def test_an_interrupted_voice_fades_and_a_resumed_one_has_all_its_samples(question: Path, tmp_path: Path) -> None:
    flat = np.full(4800, 8000, dtype="<i2").tobytes()

    async def main() -> None:
        user = WavUser(question, output=tmp_path / "output.wav")
        await user.open(RecordingReceiver())
        user.play(flat)
        await asyncio.sleep(0.1)
        user.duck()
        await asyncio.sleep(0.1)
        user.resume()
        await asyncio.sleep(0.05)
        user.flush()
        await asyncio.sleep(0.05)
        await user.close()

    run(main())
    heard = samples_of(read_wav(tmp_path / "output.wav")).astype(int)
    assert np.abs(np.diff(heard)).max() <= 100, "no click"
    fade = 120
    crossed = heard[2400 : 2400 + fade] + heard[4800 : 4800 + fade]
    assert np.abs(crossed - 8000).max() <= 1, "what fades out comes again, fading in"
    assert not heard[2400 + fade : 4800].any()
    assert not heard[6000 + fade :].any()


def test_a_missing_file_and_a_folder_that_is_not_there_are_device_errors(question: Path, tmp_path: Path) -> None:
    async def main() -> None:
        for user in (
            WavUser(tmp_path / "nowhere.wav"),
            WavUser(question, output=tmp_path / "no" / "a.wav"),
            WavUser(question, output=tmp_path / "a.wav", both=tmp_path / "no" / "b.wav"),
        ):
            with pytest.raises(DeviceError, match=r"no such file"):
                await user.open(RecordingReceiver())
            await user.close()

    run(main())


def test_a_full_disk_is_told_when_opening(question: Path) -> None:
    async def main() -> None:
        user = WavUser(question, output="/dev/full")
        with pytest.raises(DeviceError, match="no space left"):
            await user.open(RecordingReceiver())
        await user.close()

    run(main())


def test_a_disk_that_fails_later_ends_the_person_and_is_told_again_at_close(
    question: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        receiver = RecordingReceiver()
        user = WavUser(question, output=tmp_path / "a.wav")
        await user.open(receiver)
        await asyncio.sleep(0.05)
        monkeypatch.setattr(WavWriter, "_put", _full)
        await asyncio.sleep(0.1)
        assert [str(error) for error in receiver.ended] == [f"Cannot write {tmp_path / 'a.wav'}: disk full."]
        assert len(receiver.audio) == 7 * 960, "silence goes on"
        with pytest.raises(DeviceError, match="disk full"):
            await user.close()
        await user.close()

    run(main())


def _full(writer: WavWriter, data: bytes) -> None:
    raise OSError(28, "Disk full")


def test_no_file_stays_open(question: Path, tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    async def main() -> None:
        user = WavUser(question, output=tmp_path / "a.wav", both=tmp_path / "b.wav")
        await user.open(RecordingReceiver())
        await asyncio.sleep(0.2)
        await user.close()
        with pytest.raises(DeviceError):
            await WavUser(question, output=tmp_path / "a.wav", both=tmp_path / "no" / "b.wav").open(RecordingReceiver())

    run(main())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
