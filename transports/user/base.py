"""What a way to the person is: microphone frames in, agent audio out, and an exact account of what was heard.

Positions are samples of agent audio, counted from the start of the session, at `format.rate_hz`. Only agent audio that
was really played counts; silence between replies, ducked time and flushed audio do not. This count is what truncation
rests on, so it must follow the device, not the wall clock.
"""

from __future__ import annotations

from typing import Protocol

from realtime_agent.errors import DeviceError
from realtime_agent.protocol.formats import AudioFormat


class UserReceiver(Protocol):
    """Who listens to the person. All methods are called on the event loop and must not block."""

    def on_audio(self, audio: bytes) -> None:
        """One microphone frame, usually 20 ms, in the transport's `format`."""

    def on_playback(self, position: int, playing: bool) -> None:
        """Playback went from silent to audible (`playing`, first sample of the run is being heard) or ran dry.

        Called on these edges only; for the position in between, read `played`.
        """

    def on_ended(self, error: DeviceError | None) -> None:
        """The person will say nothing more: end of the file, hang-up (`error` None), or a lost device. Called once.

        Frames of silence may still follow.
        """


class UserTransport(Protocol):
    """One person: a microphone and a speaker of some kind."""

    @property
    def format(self) -> AudioFormat:
        """The format of both directions."""

    async def open(self, receiver: UserReceiver) -> None:
        """Start the microphone and the speaker.

        Raises:
            DeviceError: a device or file is missing or cannot be used.
        """

    def play(self, audio: bytes) -> None:
        """Queue agent audio. Never blocks."""

    def duck(self) -> None:
        """Fall silent within one block and keep what is queued. Nothing is lost."""

    def resume(self) -> None:
        """Go on where `duck` stopped."""

    def flush(self) -> int:
        """Drop what is queued, end ducking, and return the final position.

        That position includes what the device already holds and cannot give back, for it will be heard.
        """

    @property
    def played(self) -> int:
        """Samples of agent audio heard until now."""

    async def close(self) -> None:
        """Release devices and files. Idempotent, and bounded in time."""
