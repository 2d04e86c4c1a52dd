"""When the person has said nothing for too long (`idle_timeout_ms`).

The time runs from the end of the last response, or, where its audio takes longer to play than it took to make, from the
end of playback as the server reckons it. Speech, a new response, or manual turns stop it.

| state   | response done                 | speech, response created, no timeout set | due                 |
|---------|-------------------------------|------------------------------------------|---------------------|
| stopped | → running                     | –                                        | –                   |
| running | → running anew                | → stopped                                | fire once → stopped |
"""

from __future__ import annotations


class IdleTimer:
    """One timer; times are monotonic seconds."""

    __slots__ = ("_due_at", "_since")

    def __init__(self) -> None:
        self._due_at: float | None = None
        self._since = 0.0

    @property
    def due_at(self) -> float | None:
        return self._due_at

    @property
    def since(self) -> float:
        """When the silence began that the timer measures."""
        return self._since

    def start(self, heard_until: float, timeout_ms: int) -> None:
        self._since = heard_until
        self._due_at = heard_until + timeout_ms / 1000

    def stop(self) -> None:
        self._due_at = None

    def fires(self, now: float) -> bool:
        """Whether it is due; if so it stops."""
        if self._due_at is None or now < self._due_at:
            return False
        self._due_at = None
        return True
