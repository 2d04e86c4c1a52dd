"""What every way to the person must do. One check, run over each of them."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable

from realtime_agent.errors import DeviceError, LocalProtocolError
from realtime_agent.protocol.formats import FORMATS
from realtime_agent.transports.user.base import UserTransport

_PATIENCE_S = 3.0


class RecordingReceiver:
    """Writes down what it is told, and notices a call from within a call of its own."""

    def __init__(self) -> None:
        self.audio = bytearray()
        self.playback: list[tuple[int, bool]] = []
        self.ended: list[DeviceError | None] = []
        self.busy = False  # the test is inside a method of the transport

    def on_audio(self, audio: bytes) -> None:
        self._not_reentrant()
        self.audio += audio

    def on_playback(self, position: int, playing: bool) -> None:
        self._not_reentrant()
        self.playback.append((position, playing))

    def on_ended(self, error: DeviceError | None) -> None:
        self._not_reentrant()
        self.ended.append(error)

    def _not_reentrant(self) -> None:
        assert not self.busy, "the receiver was called from within a call of its own"


class _Probe:
    """One transport, its receiver, and what was played on it."""

    def __init__(self, user: UserTransport) -> None:
        self.user = user
        self.receiver = RecordingReceiver()
        self.rate_hz = user.format.rate_hz

    def tone(self, duration_s: float) -> bytes:
        samples = round(self.rate_hz * duration_s)
        if self.user.format.bytes_per_sample == 1:
            return bytes(range(128)) * (samples // 128) + bytes(samples % 128)
        wave = (round(9000 * math.sin(440 * 2 * math.pi * n / self.rate_hz)) for n in range(samples))
        return struct.pack(f"<{samples}h", *wave)

    def play(self, audio: bytes) -> None:
        self.receiver.busy = True
        self.user.play(audio)
        self.receiver.busy = False

    def flush(self) -> int:
        self.receiver.busy = True
        position = self.user.flush()
        self.receiver.busy = False
        return position

    def duck(self, ducked: bool) -> None:
        self.receiver.busy = True
        self.user.duck() if ducked else self.user.resume()
        self.receiver.busy = False

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_S
        while not condition():
            assert loop.time() < deadline, f"waited in vain until {what}"
            await asyncio.sleep(0.005)

    async def run_ends(self, position: int) -> None:
        """Wait until playback has run dry at this position, and see that it stays there."""
        await self.until(lambda: self.receiver.playback[-1:] == [(position, False)], f"playback ended at {position}")
        assert self.user.played == position


async def check_user_transport(maker: Callable[[], UserTransport]) -> None:
    """Run a transport made by `maker` through the contract of `UserTransport`. Its microphone must be an open one."""
    probe = _Probe(maker())
    assert probe.user.format in FORMATS.values()
    await probe.user.open(probe.receiver)
    try:
        await _it_opens_once(probe)
        await _the_microphone_keeps_real_time(probe)
        await _what_is_played_is_counted_exactly(probe)
        await _ducking_loses_nothing(probe)
        await _flush_tells_the_final_position(probe)
        await _flush_ends_ducking(probe)
    finally:
        await probe.user.close()
    await _nothing_happens_after_close(probe)


async def _it_opens_once(probe: _Probe) -> None:
    try:
        await probe.user.open(probe.receiver)
    except LocalProtocolError:
        return
    raise AssertionError("a second open() was accepted")


async def _the_microphone_keeps_real_time(probe: _Probe) -> None:
    await probe.until(lambda: len(probe.receiver.audio) > 0, "the microphone was heard")
    loop = asyncio.get_running_loop()
    since, before = loop.time(), len(probe.receiver.audio)
    await asyncio.sleep(0.3)
    heard_s = probe.user.format.duration_ms(len(probe.receiver.audio) - before) / 1000
    assert abs(heard_s - (loop.time() - since)) < 0.1
    assert len(probe.receiver.audio) % probe.user.format.bytes_per_sample == 0


async def _what_is_played_is_counted_exactly(probe: _Probe) -> None:
    assert probe.user.played == 0
    audio = probe.tone(0.25)
    total = probe.user.format.samples(len(audio))
    for piece in (audio[:1000], b"", audio[1000:2000], audio[2000:]):
        probe.play(piece)
    positions = []
    await probe.until(lambda: len(probe.receiver.playback) > 0, "playback began")
    while probe.receiver.playback[-1][1]:
        positions.append(probe.user.played)
        await asyncio.sleep(0.01)
    assert positions == sorted(positions)
    assert all(position <= total for position in positions)
    assert len(set(positions)) > 10, "the position moves in between, not in leaps"
    assert probe.receiver.playback == [(0, True), (total, False)]
    await probe.run_ends(total)


async def _ducking_loses_nothing(probe: _Probe) -> None:
    before, edges = probe.user.played, len(probe.receiver.playback)
    audio = probe.tone(0.3)
    probe.play(audio)
    await probe.until(lambda: probe.user.played > before, "playback began")
    probe.duck(True)
    probe.duck(True)
    await asyncio.sleep(0.15)  # what the device held is heard by now
    silent = probe.user.played
    await asyncio.sleep(0.1)
    assert probe.user.played == silent, "ducked and still playing"
    assert len(probe.receiver.playback) == edges + 1, "ducking is not the end of a run"
    probe.duck(False)
    probe.duck(False)
    await probe.run_ends(before + probe.user.format.samples(len(audio)))


async def _flush_tells_the_final_position(probe: _Probe) -> None:
    before = probe.user.played
    probe.play(probe.tone(0.5))
    await probe.until(lambda: probe.user.played > before, "playback began")
    final = probe.flush()
    assert probe.user.played <= final < before + 0.5 * probe.rate_hz
    await probe.run_ends(final)
    assert probe.flush() == final, "flushing nothing changes nothing"
    probe.play(probe.tone(0.05))
    await probe.run_ends(final + round(0.05 * probe.rate_hz))


async def _flush_ends_ducking(probe: _Probe) -> None:
    before = probe.user.played
    probe.play(probe.tone(0.3))
    await probe.until(lambda: probe.user.played > before, "playback began")
    probe.duck(True)
    final = probe.flush()
    await probe.run_ends(final)
    probe.play(probe.tone(0.05))
    await probe.run_ends(final + round(0.05 * probe.rate_hz))


async def _nothing_happens_after_close(probe: _Probe) -> None:
    heard, edges, position = len(probe.receiver.audio), list(probe.receiver.playback), probe.user.played
    await probe.user.close()
    await _it_opens_once(probe)
    probe.user.play(probe.tone(0.1))
    probe.user.duck()
    probe.user.resume()
    assert probe.user.flush() == position
    await asyncio.sleep(0.1)
    assert len(probe.receiver.audio) == heard
    assert probe.receiver.playback == edges
    assert probe.user.played == position
    assert all(error is None for error in probe.receiver.ended)
    assert len(probe.receiver.ended) <= 1
