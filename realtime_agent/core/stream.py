"""The life of a session that is one stream: audio goes in, text (and perhaps audio) comes out, until the person stops.

Transcription and translation share it; what they are about is in `transcription.py` and `translation.py`.

| state    | event                              | next     | effect                                                   |
|----------|------------------------------------|----------|----------------------------------------------------------|
| dialing  | session.created                    | greeted  | `session.update`                                         |
| greeted  | session.updated                    | ready    |                                                          |
| greeted  | error for our session.update       | closed   | a session that is not as asked for is not used           |
| dialing, greeted | deadline                   | closed   |                                                          |
| dialing  | a message that cannot be read      | closed   | this is no Realtime server                               |
| ready    | the microphone ended               | draining | the rest is asked for (`_ask_for_rest`)                  |
| draining | the rest has come (`_drained`)     | closed   |                                                          |
| draining | deadline                           | closed   | the error says so                                        |
| any      | hangup, disconnected               | closed   | `Close`                                                  |
| closed   | anything                           | closed   |                                                          |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

from realtime_agent.core import inputs
from realtime_agent.core.actions import Action, Close
from realtime_agent.core.outbox import Outbox
from realtime_agent.errors import ConnectFailed, RealtimeAgentError, ServerError
from realtime_agent.protocol import ErrorEvent

READY_TIMEOUT_S = 10.0
DRAIN_TIMEOUT_S = 30.0


class StreamCore(ABC):
    """What both kinds of stream decide. `receive`, `actions`, `next_timer` and `handle_timer` as in `SessionCore`."""

    def __init__(self) -> None:
        self._out = Outbox()
        self._state: Literal["dialing", "greeted", "ready", "draining", "closed"] = "dialing"
        self._due: float | None = None
        self._update_id: str | None = None

    @property
    def ready(self) -> bool:
        """Whether the session is configured as it was asked for."""
        return self._state in ("ready", "draining")

    @property
    def closed(self) -> bool:
        return self._state == "closed"

    @property
    def uplink_open(self) -> bool:
        """Whether audio is to be sent."""
        return self._state == "ready"

    @property
    def time_s(self) -> float:
        """Seconds since the microphone is open."""
        return self._out.time_s

    def receive(self, event: Any, now: float) -> None:
        """Something happened: a server event, or one of `core.inputs`. Never raises for what the other side does."""
        if self._state == "closed":
            return
        self._out.now = now
        match event:
            case inputs.Connected():
                self._due = now + READY_TIMEOUT_S
            case inputs.Opened():
                self._out.started_at = now
            case inputs.MicrophoneEnded() if self._state == "ready":
                self._state = "draining"
                self._due = now + DRAIN_TIMEOUT_S
                self._ask_for_rest()
            case inputs.Hangup(reason=reason, error=error):
                self._close(reason, error)
            case inputs.Disconnected(error=error):
                self._disconnected(error)
            case inputs.MessageRejected(error=error):
                self._rejected(error)
            case ErrorEvent():
                self._refused(event)
            case _:
                self._server_event(event)
        if self._state == "draining" and self._drained:
            self._close("user left")

    def actions(self) -> list[Action]:
        """What is to be done since the last call, in order."""
        actions, self._out.actions = self._out.actions, []
        return actions

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called; None where nothing is due."""
        return self._due

    def handle_timer(self, now: float) -> None:
        """Time has passed. Does nothing where nothing is due."""
        if self._state == "closed" or self._due is None or now < self._due:
            return
        self._out.now = now
        if self._state == "draining":
            words = f"The server did not finish within {DRAIN_TIMEOUT_S:g} s of the last audio."
            self._close("not finished", ServerError(words, code="not_finished"))
        else:
            words = f"The server did not set up a session within {READY_TIMEOUT_S:g} s."
            self._close("not ready", ConnectFailed(words))

    # what the two kinds add

    @abstractmethod
    def append(self, audio: bytes) -> Any:
        """The event that carries audio to the server."""

    @abstractmethod
    def _update(self, event_id: str) -> Any:
        """The `session.update` to begin with."""

    @abstractmethod
    def _ask_for_rest(self) -> None:
        """No audio will come: have the server say what is left."""

    @property
    @abstractmethod
    def _drained(self) -> bool:
        """Whether all that is left has come."""

    @abstractmethod
    def _take(self, event: Any) -> None:
        """A server event of this kind's own, or an input that only one kind knows."""

    def _benign(self, event: ErrorEvent) -> bool:
        """Whether this error is the answer to something that was only tried."""
        return False

    def _disconnected(self, error: RealtimeAgentError | None) -> None:
        self._close("disconnected", error)

    # the life

    def _server_event(self, event: Any) -> None:
        kind = getattr(event, "type", None)
        if kind == "session.created":
            if self._state == "dialing":
                self._state = "greeted"
                self._update_id = self._out.new_event_id("configure")
                self._out.send(self._update(self._update_id))
        elif kind == "session.updated":
            if self._state == "greeted":
                self._state = "ready"
                self._due = None
        else:
            self._take(event)

    def _refused(self, event: ErrorEvent) -> None:
        detail = event.error
        if self._benign(event):
            self._out.count(f"benign_error:{detail.code}")
            return
        error = ServerError(
            detail.message or "The server reported an error.",
            code=detail.code,
            type=detail.type,
            param=detail.param,
            event_id=detail.event_id,
        )
        if self._state == "greeted" and detail.event_id in (None, self._update_id):
            self._close("refused", error)
        else:
            self._out.raise_error(error)

    def _rejected(self, error: RealtimeAgentError) -> None:
        if self._state == "dialing":
            words = f"What answers there does not speak the Realtime protocol: {error.message}"
            self._close("not ready", ConnectFailed(words))
        else:
            self._out.raise_error(error)

    def _close(self, reason: str, error: RealtimeAgentError | None = None) -> None:
        self._state = "closed"
        self._due = None
        self._out.do(Close(reason, error))
