"""The user made of memory."""

from __future__ import annotations

import asyncio

import pytest

from realtime_agent.errors import DeviceError
from realtime_agent.protocol.formats import PCM, PCMA, PCMU, AudioFormat
from realtime_agent.testing.clock import run
from realtime_agent.transports.user.memory import MemoryUser
from tests.check_user_transport import RecordingReceiver, check_user_transport

_FRAME = b"\1\0" * 480


@pytest.mark.parametrize("format", [PCM, PCMU, PCMA], ids=lambda format: str(format.name))
@pytest.mark.parametrize(("latency_ms", "recall"), [(0, True), (80, True), (80, False)])
def test_it_is_a_user_transport(format: AudioFormat, latency_ms: float, recall: bool) -> None:
    run(check_user_transport(lambda: MemoryUser(format=format, latency_ms=latency_ms, recall=recall, open_mic=True)))


def test_a_pushed_frame_is_heard_at_once() -> None:
    async def main() -> None:
        user, receiver = MemoryUser(), RecordingReceiver()
        user.push(_FRAME)  # nobody there yet
        await user.open(receiver)
        user.push(_FRAME)
        assert receiver.audio == _FRAME
        await user.close()
        user.push(_FRAME)
        assert receiver.audio == _FRAME

    run(main())


def test_speech_is_said_at_real_time_pace_and_the_last_frame_is_filled_with_silence() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        user, receiver = MemoryUser(), RecordingReceiver()
        first = user.speak(_FRAME * 3)
        await user.open(receiver)
        second = user.speak(_FRAME[:100])
        await first
        assert loop.time() == pytest.approx(0.06)
        await second
        assert loop.time() == pytest.approx(0.08)
        assert receiver.audio == _FRAME * 3 + _FRAME[:100] + bytes(860)
        await asyncio.sleep(1)
        assert len(receiver.audio) == 4 * 960, "a microphone that is not open is silent"
        await user.speak(_FRAME)
        assert len(receiver.audio) == 5 * 960
        await user.close()

    run(main())


def test_closing_ends_what_was_being_said() -> None:
    async def main() -> None:
        user = MemoryUser()
        await user.open(RecordingReceiver())
        said = user.speak(_FRAME * 100)
        await asyncio.sleep(0.1)
        await user.close()
        assert said.done()

    run(main())


def test_an_open_microphone_sends_silence_in_between() -> None:
    async def main() -> None:
        user, receiver = MemoryUser(format=PCMU, open_mic=True), RecordingReceiver()
        await user.open(receiver)
        await asyncio.sleep(0.1)
        await user.close()
        assert receiver.audio == b"\xff" * 160 * 5

    run(main())


def test_what_was_heard_is_kept_on_the_time_line_of_the_device() -> None:
    async def main() -> None:
        user = MemoryUser(latency_ms=20)
        await user.open(RecordingReceiver())
        await asyncio.sleep(0.1)
        user.play(_FRAME)
        await asyncio.sleep(0.1)
        assert user.take_heard() == bytes(2880 * 2) + _FRAME + bytes(1440 * 2)
        await asyncio.sleep(0.01)
        assert user.take_heard() == bytes(480)
        await user.close()

    run(main())


def test_a_device_that_cannot_recall_plays_what_it_holds_after_a_flush() -> None:
    async def main() -> None:
        user = MemoryUser(latency_ms=800, recall=False)
        await user.open(RecordingReceiver())
        user.play(bytes(48_000 * 2))
        await asyncio.sleep(1)
        assert user.played == 4800
        assert user.flush() == 24_000
        await asyncio.sleep(1)
        assert user.played == 24_000
        await user.close()

    run(main())


def test_beyond_ten_minutes_audio_is_dropped_and_not_counted() -> None:
    async def main() -> None:
        user, receiver = MemoryUser(keep_s=0), RecordingReceiver()
        await user.open(receiver)
        for _ in range(11):
            user.play(bytes(60 * 48_000))
        await asyncio.sleep(700)
        assert receiver.playback == [(0, True), (600 * 24_000, False)]
        await user.close()

    run(main())


def test_hanging_up_is_told_once() -> None:
    async def main() -> None:
        user, receiver = MemoryUser(), RecordingReceiver()
        await user.open(receiver)
        lost = DeviceError("gone")
        user.hang_up(lost)
        user.hang_up()
        assert receiver.ended == [lost]
        await user.close()

    run(main())


def test_an_hour_drifts_by_nothing() -> None:
    async def main() -> None:
        user, receiver = MemoryUser(open_mic=True, keep_s=0), RecordingReceiver()
        await user.open(receiver)
        await asyncio.sleep(3600 + 0.001)
        await user.close()
        assert len(receiver.audio) == 3600 * 48_000

    run(main())
