"""What every kind of session is to those who run it."""

from __future__ import annotations

from typing import Any, Protocol

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.server.core.actions import Action, EngineOutput


class SessionCore(Protocol):
    """A pure machine: what comes in, and the time, makes actions. Nothing raises but `decode`."""

    def decode(self, message: bytes | str) -> Any:
        """A client's message as `receive` takes it.

        Raises:
            RemoteProtocolError: it cannot be read; tell the client with `refuse`.
        """

    def start(self, now: float) -> None:
        """The client is there: greet it."""

    def receive(self, event: Any, now: float) -> None:
        """Obey a client's event, or refuse it with an `error` event."""

    def refuse(self, error: RemoteProtocolError, client_event_id: str | None = None) -> None:
        """Tell the client what was wrong."""

    def answer(self, output: EngineOutput, now: float) -> None:
        """Take in what the engine said."""

    def actions(self) -> list[Action]:
        """What is to be done, in this order; each is given once."""

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called."""

    def handle_timer(self, now: float) -> None:
        """Time has passed."""

    def close(self) -> None:
        """The client is gone: the engine stops, no event follows."""
