"""What transcription and translation sessions are made of: microphone frames go straight to the connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from realtime_agent.core import inputs
from realtime_agent.core.stream import StreamCore
from realtime_agent.errors import DeviceError
from realtime_agent.event_queue import EventT
from realtime_agent.protocol import encode
from realtime_agent.shell import Shell
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.user.base import UserTransport
from realtime_agent.transports.user.simulated import SILENT_SAMPLE

_EVENTS = 4096  # that may wait for a slow reader before the oldest are dropped


class StreamSession(Shell[EventT]):
    """A session that is one stream. Use `TranscriptionSession` or `TranslationSession`."""

    _core: StreamCore

    def __init__(
        self,
        core: StreamCore,
        decode: Callable[[bytes], Any],
        model: Model,
        user: UserTransport,
    ) -> None:
        """`decode`: reads a message of the server."""
        super().__init__(core, decode, model, user, event_queue=_EVENTS)
        self.muted = False
        """While it is set, the model gets silence instead of the microphone."""
        self._silence = SILENT_SAMPLE[user.format.name]

    def finish(self) -> None:
        """No more audio: what is left comes, then `Closed`. The same as when the person leaves."""
        self._tell(inputs.MicrophoneEnded())

    def _hear(self, audio: bytes) -> None:
        if self._connection is None or not self._core.uplink_open:
            return
        if self.muted:
            audio = self._silence * (len(audio) // len(self._silence))
        self._connection.send(encode(self._core.append(audio)))

    def _person_left(self, error: DeviceError | None) -> None:
        self._feed(inputs.MicrophoneEnded() if error is None else inputs.Hangup("device lost", error))
