"""How often one session may have a growing utterance decoded, going by how long the ear takes. Pure.

The wish comes every few hundred milliseconds of audio. An ear that has much to do answers later, and then asking again
at once would only keep it busy: after an answer that took `t` seconds comes a rest of `t` seconds. So partial
transcripts thin out as the load grows and as the utterance does, and never take more than half of what the ear could
do for this session.
"""

from __future__ import annotations


class PartialPace:
    """Of one session."""

    __slots__ = ("_due_at",)

    def __init__(self) -> None:
        self._due_at = 0.0

    def note(self, asked_at: float, answered_at: float) -> None:
        """The ear answered."""
        self._due_at = answered_at + max(0.0, answered_at - asked_at)

    def wait_s(self, now: float) -> float:
        """In how many seconds the next partial may be asked for."""
        return max(0.0, self._due_at - now)
