"""A sound file as microphone, faster than it was spoken: for writing it down. There is no speaker."""

from __future__ import annotations

from pathlib import Path

from realtime_agent.audio.wavfile import WavReader
from realtime_agent.errors import ConfigError, DeviceError, LocalProtocolError
from realtime_agent.protocol.formats import PCM, AudioFormat
from realtime_agent.transports.user.base import UserReceiver
from realtime_agent.transports.user.simulated import FRAME_MS, FrameClock

_FRAME_SAMPLES = PCM.rate_hz * FRAME_MS // 1000
FASTEST = 100


class HurriedWav:
    """A person who says what is in a WAV file, `speed` times faster than real time, and hears nothing.

    Nothing comes after the end of the file.

    Args:
        input: any WAV (see `WavReader`).
        speed: frames of 20 ms that are heard in 20 ms.
    """

    def __init__(self, input: str | Path, speed: int) -> None:
        if not 1 <= speed <= FASTEST:
            raise ConfigError(f"speed goes from 1 to {FASTEST}, not {speed}.")
        self._input = input
        self._speed = speed
        self._reader: WavReader | None = None
        self._receiver: UserReceiver | None = None
        self._clock = FrameClock(self._on_frames)
        self._opened = False

    @property
    def format(self) -> AudioFormat:
        """16-bit PCM at 24 kHz."""
        return PCM

    async def open(self, receiver: UserReceiver) -> None:
        """Open the file and start the clock.

        Raises:
            DeviceError: the file cannot be read; the message says why.
        """
        if self._opened:
            raise LocalProtocolError("A HurriedWav is opened once.")
        self._opened = True
        self._reader = WavReader(self._input, PCM.rate_hz)
        self._receiver = receiver
        self._clock.start()

    def play(self, audio: bytes) -> None:
        """Nobody hears it."""

    def duck(self) -> None:
        """There is no sound."""

    def resume(self) -> None:
        """There is no sound."""

    def flush(self) -> int:
        """There is no sound."""
        return 0

    @property
    def played(self) -> int:
        """Nothing was heard."""
        return 0

    async def close(self) -> None:
        """Close the file."""
        self._receiver = None
        self._clock.stop()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _on_frames(self) -> None:
        for _ in range(self._speed):
            receiver, reader = self._receiver, self._reader
            if receiver is None or reader is None:
                return
            failure: DeviceError | None = None
            try:
                frame = reader.read(_FRAME_SAMPLES)
            except DeviceError as error:
                frame, failure = b"", error
            if frame:
                receiver.on_audio(frame)
            if len(frame) < _FRAME_SAMPLES * 2:
                self._clock.stop()
                receiver.on_ended(failure)
                return
