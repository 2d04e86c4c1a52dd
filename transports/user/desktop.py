"""Microphone and loudspeaker of this machine, through PortAudio.

PortAudio calls us on threads of its own, one for each stream. The microphone's thread leaves its blocks in a ring; the
loudspeaker's takes what `OutputFeed` gives it, and leaves a copy for the echo canceller, which needs to know what was
at the loudspeaker when the microphone heard something. The event loop does the rest: it is woken once for a batch,
and looks every 10 ms whether a run of playback began or ended and whether both threads still live. That last is
needed: a suspended PulseAudio source stops calling, reports nothing, and `stream.active` stays True.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any, Literal

from realtime_agent.audio.pcm import interleave, mono
from realtime_agent.audio.resample import Resampler
from realtime_agent.errors import DeviceError, LocalProtocolError
from realtime_agent.protocol.formats import PCM, AudioFormat
from realtime_agent.transports.user import portaudio
from realtime_agent.transports.user.base import UserReceiver
from realtime_agent.transports.user.echo_path import EchoPath
from realtime_agent.transports.user.output_feed import OutputFeed
from realtime_agent.transports.user.portaudio import SoundDevice, list_devices

__all__ = ["DesktopUser", "SoundDevice", "list_devices"]

_FRAME_BYTES = PCM.size_bytes(20)
_RING_BLOCKS = 250  # 5 s of microphone while the loop is stuck; the oldest are dropped then, and counted
_WATCH_S = 0.01
_SILENT_STOP_S = 0.35  # no block for so long is a dead device: blocks come every 20 ms, at worst 30 ms apart
_OPEN_S = 8.0
_CLOSE_S = 3.0


class DesktopUser:
    """The person at this computer.

    Args:
        input_device: microphone by name or part of it, or by PortAudio's number; None for the default one.
        output_device: loudspeaker likewise.
        latency: what PortAudio is asked for: seconds, or its idea of "low" and "high".
        echo_cancellation: take the agent's voice out of the microphone, so that with open loudspeakers it does not
            interrupt itself. With headphones it can be switched off, which saves 2 % of a core while the agent speaks.
    """

    def __init__(
        self,
        input_device: str | int | None = None,
        output_device: str | int | None = None,
        *,
        latency: float | Literal["low", "high"] = "low",
        echo_cancellation: bool = True,
    ) -> None:
        self._wanted = (input_device, output_device)
        self._latency = latency
        self._cancels_echo = echo_cancellation
        self._echo: EchoPath | None = None
        self._streams: _Streams | None = None
        self._receiver: UserReceiver | None = None
        self._both_run = asyncio.Event()
        self._watch: asyncio.TimerHandle | None = None
        self._running = False  # a run of playback is being heard
        self._dry_at = 0  # the position where the last one ended
        self._ended = False
        self._closed = False
        self._final = 0

    @property
    def format(self) -> AudioFormat:
        """16-bit PCM at 24 kHz, whatever the devices do."""
        return PCM

    @property
    def device_names(self) -> tuple[str, str]:
        """The microphone and the loudspeaker in use; empty before `open`."""
        streams = self._streams
        return ("", "") if streams is None else (streams.input.device.name, streams.output.device.name)

    @property
    def xruns(self) -> int:
        """How often audio was lost on its way from or to the devices, as far as PortAudio and we know."""
        return 0 if self._streams is None else self._streams.xruns

    async def open(self, receiver: UserReceiver) -> None:
        """Open both devices and wait until both run.

        Raises:
            MissingExtra: sounddevice is not installed.
            DeviceError: PortAudio or a device is missing, busy, or gives no audio.
        """
        if self._receiver is not None or self._closed:
            raise LocalProtocolError("A DesktopUser is opened once.")
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        streams = _Streams(self._loop, self._on_wake)
        self._streams = streams
        try:
            await portaudio.in_thread(lambda: streams.open(*self._wanted, self._latency), _OPEN_S, "opening devices")
            await self._first_blocks(streams)
        except BaseException:
            await self.close()
            raise
        self._resampler = Resampler(streams.input.rate_hz, PCM.rate_hz)
        if self._cancels_echo:
            self._echo = EchoPath(streams.output.rate_hz, streams.input.rate_hz)
        self._frames = bytearray()
        self._counts = (_Pulse(self._loop.time()), _Pulse(self._loop.time()))
        self._watched_at = self._loop.time()
        self._look()

    def play(self, audio: bytes) -> None:
        """Queue agent audio. Beyond ten minutes in the queue it is dropped, and never counts as played."""
        if self._feed is not None:
            self._feed.play(audio)

    def duck(self) -> None:
        """Fade out within the next block, and keep what is queued."""
        if self._feed is not None:
            self._feed.duck()

    def resume(self) -> None:
        """Fade in where `duck` stopped."""
        if self._feed is not None:
            self._feed.resume()

    def flush(self) -> int:
        """Drop what the device does not hold yet, and return the final position."""
        return self._final if self._feed is None else self._feed.flush()

    @property
    def played(self) -> int:
        """Samples of agent audio that have left the loudspeaker."""
        return self._final if self._feed is None else self._feed.played(time.monotonic())

    async def close(self) -> None:
        """Stop both devices and let go of them."""
        self._final = self.played
        self._closed = True
        self._both_run.set()  # an `open` that is not done waits no longer
        self._receiver = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        streams, self._streams = self._streams, None
        if streams is not None:
            try:
                await portaudio.in_thread(streams.close, _CLOSE_S, "closing devices")
            except DeviceError:
                pass  # a frozen sound server: the daemon thread waits for it, we do not

    @property
    def _feed(self) -> OutputFeed | None:
        return None if self._streams is None else self._streams.feed

    async def _first_blocks(self, streams: _Streams) -> None:
        try:
            async with asyncio.timeout(_OPEN_S):
                await self._both_run.wait()
        except TimeoutError as error:
            word, setup = ("loudspeaker", streams.output) if streams.input_blocks else ("microphone", streams.input)
            raise DeviceError(f"The {word} {setup.device.name!r} does not run.") from error
        if self._closed:
            raise DeviceError("The sound devices were closed while they opened.")

    def _on_wake(self) -> None:
        """The microphone's thread left blocks in the ring."""
        streams, receiver = self._streams, self._receiver
        if streams is None or receiver is None:
            return
        if self._watch is None:  # open() is not done; the blocks stay in the ring
            if streams.output_blocks:
                self._both_run.set()
            return
        echo = self._echo
        while streams.copies:
            block, heard_at = streams.copies.popleft()
            if echo is not None:
                echo.played(block, heard_at)
        while streams.ring and self._receiver is not None:
            block, captured_at = streams.ring.popleft()
            raw = mono(block, streams.input.channels)
            if echo is not None:
                echo.captured(len(raw) // 2, captured_at)
            self._frames += self._resampler.process(raw)
        while len(self._frames) >= _FRAME_BYTES and self._receiver is not None:
            frame = bytes(self._frames[:_FRAME_BYTES])
            del self._frames[:_FRAME_BYTES]
            receiver.on_audio(frame if echo is None else echo.clean(frame, streams.xruns))

    def _look(self) -> None:
        """Every 10 ms: where playback is, and whether the devices live."""
        self._watch = self._loop.call_later(_WATCH_S, self._look)
        self._tell_runs()
        self._check_pulse()
        if self._closed and self._watch is not None:
            self._watch.cancel()

    def _tell_runs(self) -> None:
        feed, receiver = self._feed, self._receiver
        if feed is None or receiver is None:
            return
        now = time.monotonic()
        begun = feed.audible(now)
        position = feed.played(now)
        if not self._running and (begun or position > self._dry_at):
            self._running = True
            receiver.on_playback(self._dry_at, True)
        if self._running and feed.empty and self._receiver is not None:
            self._running = False
            self._dry_at = position
            receiver.on_playback(position, False)

    def _check_pulse(self) -> None:
        streams, receiver = self._streams, self._receiver
        now, since = self._loop.time(), self._watched_at
        self._watched_at = now
        if streams is None or receiver is None or self._ended:
            return
        # A stuck loop or a held GIL looks like dead devices: what we did not watch does not count.
        blind_s = now - since if now - since > _SILENT_STOP_S / 3 else 0.0
        blocks = (streams.input_blocks, streams.output_blocks)
        for pulse, count, setup, word in zip(
            self._counts, blocks, (streams.input, streams.output), ("microphone", "loudspeaker"), strict=True
        ):
            if pulse.silent_s(count, now, blind_s) > _SILENT_STOP_S:
                self._ended = True
                receiver.on_ended(DeviceError(f"The {word} {setup.device.name!r} stopped working."))
                return


class _Pulse:
    """Whether a counter still counts."""

    def __init__(self, now: float) -> None:
        self._count = -1
        self._since = now

    def silent_s(self, count: int, now: float, blind_s: float) -> float:
        """For how long, of the time that we watched, it has stood still."""
        if count != self._count:
            self._count, self._since = count, now
        else:
            self._since += blind_s
        return now - self._since


class _Streams:
    """The two PortAudio streams, and what their threads share with the event loop."""

    input: portaudio.Setup
    output: portaudio.Setup

    def __init__(self, loop: asyncio.AbstractEventLoop, on_wake: Any) -> None:
        self._loop = loop
        self._on_wake = on_wake
        self._open: list[Any] = []
        self._closing = False
        self._woken = False
        self.ring: deque[tuple[bytes, float]] = deque(maxlen=_RING_BLOCKS)  # microphone, and when it was captured
        self.copies: deque[tuple[bytes, float]] = deque(maxlen=_RING_BLOCKS)  # loudspeaker, and when it is heard
        self.feed: OutputFeed | None = None
        self.input_blocks = self.output_blocks = self.xruns = 0

    def open(
        self, wanted_input: str | int | None, wanted_output: str | int | None, latency: float | Literal["low", "high"]
    ) -> None:
        """Blocking. Raises what `portaudio` raises."""
        devices = list_devices()
        self.input = portaudio.negotiate(portaudio.find_device(devices, "input", wanted_input), "input")
        self.output = portaudio.negotiate(portaudio.find_device(devices, "output", wanted_output), "output")
        self.feed = OutputFeed(self.output.rate_hz)
        self._open.append(portaudio.open_stream(self.output, "output", self._on_output, latency))
        self._open.append(portaudio.open_stream(self.input, "input", self._on_input, latency))
        if self._closing:  # we were given up on while we opened
            self.close()

    def close(self) -> None:
        """Blocking, idempotent."""
        self._closing = True
        while self._open:
            self._open.pop().close(ignore_errors=True)

    def _on_input(self, block: Any, frames: int, times: Any, status: Any) -> None:
        self.input_blocks += 1
        if status or len(self.ring) == _RING_BLOCKS:
            self.xruns += 1
        age_s = min(max(times.currentTime - times.inputBufferAdcTime, 0.0), 2.0)
        self.ring.append((bytes(block), time.monotonic() - age_s))
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop is closed
                self._closing = True

    def _wake(self) -> None:
        self._woken = False
        self._on_wake()

    def _on_output(self, block: Any, frames: int, times: Any, status: Any) -> None:
        self.output_blocks += 1
        if status:
            self.xruns += 1
        assert self.feed is not None
        latency_s = min(max(times.outputBufferDacTime - times.currentTime, 0.0), 2.0)
        heard_at = time.monotonic() + latency_s
        audio = self.feed.fill(frames, heard_at)
        self.copies.append((audio, heard_at))
        block[:] = audio if self.output.channels == 1 else interleave(audio, audio)
