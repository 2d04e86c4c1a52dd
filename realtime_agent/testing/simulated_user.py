"""A user who is simulated: listens to the agent, speaks with a synthetic voice, and can cut in.

state      event                                              next       what the user does
waiting    the agent is silent for `pause_s`                  speaking   says the next line
waiting    the agent has spoken for `cut_in_after_s`          speaking   says the next line, into the agent's speech
waiting    no answer for `patience_s`                         speaking   says the next line all the same
speaking   the line is said                                   waiting
waiting    no line is left, and the agent has finished        left       ends the conversation
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime_agent.audio.pcm import interleave
from realtime_agent.audio.resample import resample
from realtime_agent.audio.wavfile import WavWriter
from realtime_agent.engine.parts import TextToSpeech
from realtime_agent.errors import DeviceError
from realtime_agent.protocol.formats import PCM, AudioFormat
from realtime_agent.transports.user.base import UserReceiver
from realtime_agent.transports.user.memory import MemoryUser


@dataclass(frozen=True, slots=True)
class Line:
    """One thing the user says: PCM at 24 kHz, mono, int16.

    Said when the agent has been silent for `pause_s` after its answer; or, with `cut_in_after_s`, so long after the
    agent began to answer.
    """

    pcm: bytes
    pause_s: float = 0.7
    cut_in_after_s: float | None = None


async def spoken(voice: TextToSpeech, text: str, *, voice_name: str, speed: float = 1.0) -> bytes:
    """The text in that voice as PCM at 24 kHz, for a `Line`."""
    pcm = b"".join([clause.pcm async for clause in voice.speak(text, voice=voice_name, speed=speed)])
    return resample(pcm, voice.rate_hz, PCM.rate_hz)


class SimulatedUser:
    """A user transport with a script, in real time on the event loop's clock.

    Args:
        lines: what the user says, in order. After the last answer the user leaves.
        both: where to write both sides as a stereo WAV: the user left, the agent right.
        patience_s: how long the user waits for an answer to begin.
    """

    def __init__(self, lines: Sequence[Line], *, both: str | Path | None = None, patience_s: float = 8.0) -> None:
        self._lines = list(lines)
        self._both = both
        self._patience_s = patience_s
        self._body = MemoryUser(open_mic=True)
        self._writer: WavWriter | None = None
        self._receiver: UserReceiver | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._speaking = False
        self._agent_audible = False
        self._heard = b""

    @property
    def format(self) -> AudioFormat:
        """16-bit PCM at 24 kHz."""
        return self._body.format

    async def open(self, receiver: UserReceiver) -> None:
        """Start to listen and to speak.

        Raises:
            DeviceError: the recording cannot be written.
        """
        self._receiver = receiver
        if self._both is not None:
            self._writer = WavWriter(self._both, PCM.rate_hz, channels=2)
        await self._body.open(self)
        self._wait(self._lines[0].pause_s if self._lines else 0.0)

    def play(self, audio: bytes) -> None:
        """Queue agent audio."""
        self._body.play(audio)

    def duck(self) -> None:
        """Fall silent, and keep what is queued."""
        self._body.duck()

    def resume(self) -> None:
        """Go on where `duck` stopped."""
        self._body.resume()

    def flush(self) -> int:
        """Drop what is queued and return the final position."""
        return self._body.flush()

    @property
    def played(self) -> int:
        """Samples of agent audio heard until now."""
        return self._body.played

    async def close(self) -> None:
        """Stop, and finish the recording."""
        self._receiver = None
        self._lines.clear()
        self._stop_waiting()
        await self._body.close()
        if self._writer is not None:
            self._writer.close()

    # ---- what the body hears and says

    def on_audio(self, audio: bytes) -> None:
        """One frame of the user's own voice, or silence."""
        if self._writer is not None:
            self._heard += self._body.take_heard()
            self._writer.write(interleave(audio, self._heard[: len(audio)].ljust(len(audio), b"\0")))
            self._heard = self._heard[len(audio) :]
        if self._receiver is not None:
            self._receiver.on_audio(audio)

    def on_playback(self, position: int, playing: bool) -> None:
        """The agent began or stopped to be audible."""
        self._agent_audible = playing
        if self._receiver is not None:
            self._receiver.on_playback(position, playing)
        if self._speaking:
            return
        next_line = self._lines[0] if self._lines else None
        if not playing:
            self._wait(next_line.pause_s if next_line else 1.0)
        elif next_line is not None and next_line.cut_in_after_s is not None:
            self._wait(next_line.cut_in_after_s)
        else:
            self._stop_waiting()

    def on_ended(self, error: DeviceError | None) -> None:
        """The body never ends by itself."""

    # ---- the script

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._go_on)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        self._timer = None
        if not self._lines:
            if self._receiver is not None:
                self._receiver.on_ended(None)
            return
        line = self._lines.pop(0)
        self._speaking = True
        self._body.speak(line.pcm).add_done_callback(self._said)

    def _said(self, _: asyncio.Future[None]) -> None:
        self._speaking = False
        if self._receiver is not None and not self._agent_audible:
            self._wait(self._patience_s)
