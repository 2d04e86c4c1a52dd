"""The desktop's microphone without its loudspeaker: blocks of both devices in, clean frames out. Pure; one thread."""

from __future__ import annotations

from realtime_agent.audio.echo import EchoCanceller
from realtime_agent.audio.echo_reference import EchoReference
from realtime_agent.protocol.formats import PCM


class EchoPath:
    """From what each device says of its blocks to a microphone that does not hear the agent.

    Args:
        output_hz, input_hz: the devices' rates.
    """

    def __init__(self, output_hz: int, input_hz: int) -> None:
        self._reference = EchoReference(output_hz, input_hz, PCM.rate_hz)
        self._canceller = EchoCanceller(PCM.rate_hz)
        self._losses = 0

    @property
    def drift_ppm(self) -> float:
        """How much faster the loudspeaker's clock runs than the microphone's."""
        return self._reference.drift_ppm

    def played(self, block: bytes, heard_at: float) -> None:
        """A mono block for the loudspeaker, and the monotonic time at which its first sample is heard."""
        self._reference.played(block, heard_at)

    def captured(self, samples: int, at: float) -> None:
        """A block of the microphone at its own rate, and when its first sample was captured."""
        self._reference.captured(samples, at)

    def clean(self, frame: bytes, losses: int) -> bytes:
        """The next frame of the microphone (24 kHz, whole blocks of 10 ms) without the echo.

        losses: how often audio was lost at the devices so far.
        """
        far = self._reference.take(len(frame) // 2)
        losses += self._reference.leaps
        if losses != self._losses:
            self._losses = losses
            self._canceller.disturbed()
        self._canceller.far_end(far)
        return self._canceller.process(frame)
