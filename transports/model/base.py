"""What a way to the model is: dial once, then messages both ways."""

from __future__ import annotations

from typing import Protocol

from realtime_agent.errors import TransportError


class ModelReceiver(Protocol):
    """Who listens to a connection. Both methods are called on the event loop and must not block."""

    def on_message(self, message: bytes) -> None:
        """One whole server event as JSON text in UTF-8, in order."""

    def on_closed(self, error: TransportError | None) -> None:
        """The connection is over; called once, nothing comes after. `error` is None after our own `close()`."""


class ModelConnection(Protocol):
    """One open connection to a model."""

    def send(self, message: bytes) -> None:
        """Queue one client event (JSON text in UTF-8). Never blocks.

        A connection that takes no more data within its deadline is aborted and reported as `PathDead`.
        After the end of the connection messages are dropped silently: `on_closed` has already said so.
        """

    async def close(self) -> None:
        """Say goodbye and release everything. Idempotent, and bounded in time."""

    def abort(self) -> None:
        """Drop the connection at once, without a goodbye."""


class Model(Protocol):
    """A way to reach a model. Immutable; `connect` may be called many times."""

    @property
    def name(self) -> str:
        """What people call it: a model name or an address, without secrets."""

    async def connect(self, receiver: ModelReceiver) -> ModelConnection:
        """Dial. Bounded in time. The receiver hears nothing before this has returned.

        Raises:
            ConnectFailed: nobody there, or not a Realtime server.
            AuthRejected: the key was refused.
        """
