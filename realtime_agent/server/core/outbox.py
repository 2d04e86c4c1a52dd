"""Where the machines of a session put what is to be done, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from realtime_agent.protocol import ServerEvent
from realtime_agent.server.core.actions import Action, Emit

NewId = Callable[[str], str]
"""Makes an id that was never used before: `item` -> `item_…`. Passed in, so that the core has no randomness."""


class _EventClass(Protocol):
    def model_validate(self, obj: Any) -> Any: ...


class Outbox:
    """Actions in the order in which they must be performed."""

    __slots__ = ("_actions", "new_id")

    def __init__(self, new_id: NewId) -> None:
        self._actions: list[Action] = []
        self.new_id = new_id

    def emit(self, event_class: _EventClass, **fields: Any) -> None:
        """Emit an event of this class, with an id of its own."""
        self._actions.append(Emit(event_class.model_validate({"event_id": self.new_id("event"), **fields})))

    def emit_event(self, event: ServerEvent) -> None:
        self._actions.append(Emit(event))

    def do(self, action: Action) -> None:
        self._actions.append(action)

    def drain(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions
