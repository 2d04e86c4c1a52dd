"""A person made of memory: the program speaks for them and takes what they would hear. For tests and embedding."""

from __future__ import annotations

import asyncio
from collections import deque

from realtime_agent.errors import DeviceError, LocalProtocolError
from realtime_agent.protocol.formats import PCM, AudioFormat
from realtime_agent.transports.user.base import UserReceiver
from realtime_agent.transports.user.playout import Playout
from realtime_agent.transports.user.simulated import FRAME_MS, SILENT_SAMPLE, FrameClock, SimulatedSpeaker


class MemoryUser:
    """A user whose microphone is fed by the program, and whose speaker is simulated.

    Args:
        format: of both directions.
        latency_ms: how long the speaker holds audio before it is heard.
        recall: whether that speaker gives back what it holds on `duck` and `flush`.
        open_mic: send silence between what is said, as a real microphone does. Otherwise nothing is sent then, and
            the microphone costs nothing.
        keep_s: how many seconds of what was heard are kept for `take_heard`; the oldest is dropped. 0 keeps nothing,
            which is cheapest.
    """

    def __init__(
        self,
        *,
        format: AudioFormat = PCM,
        latency_ms: float = 0.0,
        recall: bool = True,
        open_mic: bool = False,
        keep_s: float = 600.0,
    ) -> None:
        self._format = format
        self._frame_bytes = format.size_bytes(FRAME_MS)
        self._silent_frame = SILENT_SAMPLE[format.name] * format.samples(self._frame_bytes)
        self._speaker = SimulatedSpeaker(
            format,
            Playout(
                sample_bytes=format.bytes_per_sample,
                silence=SILENT_SAMPLE[format.name],
                latency_samples=round(latency_ms * format.rate_hz / 1000),
                recall=recall,
                capacity_samples=600 * format.rate_hz,
                keep_samples=round(keep_s * format.rate_hz),
            ),
        )
        self._open_mic = open_mic
        self._clock: FrameClock | None = None
        self._receiver: UserReceiver | None = None
        self._to_say: deque[tuple[bytes, asyncio.Future[None]]] = deque()
        self._said_bytes = 0  # of the first thing to say
        self._opened = self._ended = False

    @property
    def format(self) -> AudioFormat:
        """The format of both directions."""
        return self._format

    async def open(self, receiver: UserReceiver) -> None:
        """Start the speaker's clock, and the microphone's if it is an open one."""
        if self._opened:
            raise LocalProtocolError("A MemoryUser is opened once.")
        self._opened = True
        self._receiver = receiver
        self._speaker.open(receiver)
        if self._open_mic or self._to_say:
            self._start_clock()

    def push(self, audio: bytes) -> None:
        """Let the receiver hear this now, as one frame. Before `open` and after `close` nobody hears it."""
        if self._receiver is not None:
            self._receiver.on_audio(audio)

    def speak(self, audio: bytes) -> asyncio.Future[None]:
        """Say this at real-time pace, in frames of 20 ms, after what is still to be said.

        The last frame is filled with silence. The future is done when the last frame was heard, or the user closed;
        it need not be awaited.
        """
        said: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._to_say.append((audio, said))
        if self._receiver is not None and self._clock is None:
            self._start_clock()
        return said

    def hang_up(self, error: DeviceError | None = None) -> None:
        """The person says nothing more."""
        if self._receiver is not None and not self._ended:
            self._ended = True
            self._receiver.on_ended(error)

    def take_heard(self) -> bytes:
        """What came out of the speaker since the last call (at first: since `open`), silence included."""
        return self._speaker.take_line()

    def play(self, audio: bytes) -> None:
        """Queue agent audio. Beyond ten minutes in the queue it is dropped, and never counts as played."""
        self._speaker.play(audio)

    def duck(self) -> None:
        """Fall silent, and keep what is queued."""
        self._speaker.duck()

    def resume(self) -> None:
        """Go on where `duck` stopped."""
        self._speaker.resume()

    def flush(self) -> int:
        """Drop what is queued and return the final position."""
        return self._speaker.flush()

    @property
    def played(self) -> int:
        """Samples of agent audio heard until now."""
        return self._speaker.played

    async def close(self) -> None:
        """Stop both directions."""
        self._speaker.close()
        self._receiver = None
        self._stop_clock()
        while self._to_say:
            _, said = self._to_say.popleft()
            if not said.done():
                said.set_result(None)

    def _start_clock(self) -> None:
        self._clock = FrameClock(self._on_frame)
        self._clock.start()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.stop()
            self._clock = None

    def _on_frame(self) -> None:
        if self._receiver is None:
            return
        if not self._to_say:
            if self._open_mic:
                self._receiver.on_audio(self._silent_frame)
            else:
                self._stop_clock()
            return
        audio, said = self._to_say[0]
        frame = audio[self._said_bytes : self._said_bytes + self._frame_bytes]
        self._said_bytes += self._frame_bytes
        last = self._said_bytes >= len(audio)
        if last:
            self._to_say.popleft()
            self._said_bytes = 0
        self._receiver.on_audio(frame + self._silent_frame[len(frame) :])
        if last and not said.done():
            said.set_result(None)
