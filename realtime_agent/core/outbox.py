"""Where the machines put what they want done, in order, with the clock that they share."""

from __future__ import annotations

from realtime_agent.core.actions import Action, Emit, Send
from realtime_agent.errors import RealtimeAgentError
from realtime_agent.events import AnyEvent, ErrorRaised
from realtime_agent.protocol import ClientEvent
from realtime_agent.protocol.translation import TranslationClientEvent

_REMEMBERED_REQUESTS = 512


class Outbox:
    """Actions in order. `now` is the time of the input at work, `time_s` the same counted from the session's start."""

    __slots__ = ("_last_event", "_purposes", "actions", "counts", "now", "started_at")

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.counts: dict[str, int] = {}
        self.now = 0.0
        self.started_at: float | None = None
        self._last_event = 0
        self._purposes: dict[str, str] = {}

    @property
    def time_s(self) -> float:
        """Seconds since the session started."""
        return self.now - (self.now if self.started_at is None else self.started_at)

    def do(self, action: Action) -> None:
        """One more action."""
        self.actions.append(action)

    def emit(self, event: AnyEvent) -> None:
        """One more event for the user of the session."""
        self.actions.append(Emit(event))

    def raise_error(self, error: RealtimeAgentError) -> None:
        """Report an error after which the session goes on."""
        self.emit(ErrorRaised(error, self.time_s))

    def new_event_id(self, purpose: str) -> str:
        """An id for a client event, so that an error which names it can be understood."""
        self._last_event += 1
        event_id = f"ra_{self._last_event}"
        self._purposes[event_id] = purpose
        if len(self._purposes) > _REMEMBERED_REQUESTS:
            del self._purposes[next(iter(self._purposes))]
        return event_id

    def purpose_of(self, event_id: str | None) -> str | None:
        """What the client event with this id was for; None where we do not know it (any more)."""
        return None if event_id is None else self._purposes.get(event_id)

    def send(self, event: ClientEvent | TranslationClientEvent) -> None:
        """One more client event."""
        self.actions.append(Send(event))

    def count(self, what: str) -> None:
        """Something happened that is ignored, and should be seen by whoever looks for it."""
        self.counts[what] = self.counts.get(what, 0) + 1
