"""A sound file as microphone, and sound files as speaker: a conversation without a sound card."""

from __future__ import annotations

import asyncio
from pathlib import Path

from realtime_agent.audio.pcm import interleave
from realtime_agent.audio.wavfile import WavReader, WavWriter
from realtime_agent.errors import DeviceError, LocalProtocolError
from realtime_agent.protocol.formats import PCM, AudioFormat
from realtime_agent.transports.user.base import UserReceiver
from realtime_agent.transports.user.playout import Playout
from realtime_agent.transports.user.simulated import FRAME_MS, FrameClock, SimulatedSpeaker

_FRAME_SAMPLES = PCM.rate_hz * FRAME_MS // 1000
_FADE_SAMPLES = PCM.rate_hz * 5 // 1000  # heard as a stop, not as a click


class WavUser:
    """A person who says what is in a WAV file, at real-time pace, and hears on a simulated speaker without latency.

    After the end of the file the receiver is told so (`on_ended(None)`), and silence follows until `close`.

    Args:
        input: what the person says; any WAV (see `WavReader`).
        output: where to write what the agent says, on the time line of the conversation, silence included.
        both: where to write both sides: the person left, the agent right, aligned to the sample.
    """

    def __init__(self, input: str | Path, *, output: str | Path | None = None, both: str | Path | None = None) -> None:
        self._input = input
        self._output = output
        self._both = both
        self._reader: WavReader | None = None
        self._writers: list[tuple[WavWriter, bool]] = []  # (file, whether it takes both sides)
        self._receiver: UserReceiver | None = None
        self._speaker = SimulatedSpeaker(PCM, Playout(keep_samples=PCM.rate_hz * 600, fade_samples=_FADE_SAMPLES))
        self._clock = FrameClock(self._on_frame)
        self._opened = self._ended = False
        self._failure: DeviceError | None = None

    @property
    def format(self) -> AudioFormat:
        """16-bit PCM at 24 kHz."""
        return PCM

    async def open(self, receiver: UserReceiver) -> None:
        """Open the files and start the clock. The first frame comes 20 ms later.

        Raises:
            DeviceError: a file cannot be read or written; the message says which and why.
        """
        if self._opened:
            raise LocalProtocolError("A WavUser is opened once.")
        self._opened = True
        self._check_names()
        self._reader = WavReader(self._input, PCM.rate_hz)
        try:
            if self._output is not None:
                self._writers.append((WavWriter(self._output, PCM.rate_hz), False))
            if self._both is not None:
                self._writers.append((WavWriter(self._both, PCM.rate_hz, channels=2), True))
        except DeviceError:
            self._close_files()
            raise
        self._receiver = receiver
        started = asyncio.get_running_loop().time()  # one zero for both, so that both sides are aligned to the sample
        self._speaker.open(receiver, started)
        self._clock.start(started)

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
        """Write what was heard until now, and close the files.

        Raises:
            DeviceError: what was heard could not be written.
        """
        if self._receiver is None:
            return
        self._receiver = None
        self._clock.stop()
        self._speaker.close()
        self._write(b"", None)
        self._close_files()
        if self._failure is not None:
            raise self._failure

    def _check_names(self) -> None:
        """Opening a file to write it empties it, so no two of them may be the same."""
        files = [Path(name).resolve() for name in (self._input, self._output, self._both) if name is not None]
        for file in files:
            if files.count(file) > 1:
                raise DeviceError(f"{file} is given twice: the files to read and to write must be different ones.")

    def _on_frame(self) -> None:
        receiver = self._receiver
        if receiver is None:
            return
        frame = b"" if self._ended else self._read()
        at_end = len(frame) < _FRAME_SAMPLES * 2
        self._write(frame, _FRAME_SAMPLES)
        receiver.on_audio(frame + bytes(_FRAME_SAMPLES * 2 - len(frame)))
        if not self._ended and (at_end or self._failure is not None):
            self._ended = True
            receiver.on_ended(self._failure)

    def _read(self) -> bytes:
        assert self._reader is not None
        try:
            return self._reader.read(_FRAME_SAMPLES)
        except DeviceError as error:
            self._failure = self._failure or error
            return b""

    def _write(self, frame: bytes, samples: int | None) -> None:
        heard = self._speaker.take_line(samples)
        try:
            for writer, takes_both in self._writers:
                writer.write(interleave(frame, heard) if takes_both else heard)
        except DeviceError as error:
            self._failure = self._failure or error
            self._close_writers()

    def _close_files(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._close_writers()

    def _close_writers(self) -> None:
        writers, self._writers = self._writers, []
        for writer, _ in writers:
            try:
                writer.close()
            except DeviceError as error:
                self._failure = self._failure or error
