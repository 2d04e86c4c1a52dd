"""What waits for a few workers shared by many: who is next. Pure.

Work comes in flows (a session, a response), and each piece of it says what it costs. Between flows this is start-time
fair queueing (Goyal et al., 1996): a piece starts at the virtual time at which its flow's previous piece finishes, or
now where the flow had nothing; the earliest start is served first, and the virtual time is that of the piece served
last. So a flow that asks for much waits for itself: over any stretch in which two flows always wait, they are served
the same cost, give or take one piece of each.

Before that comes the class. *Urgent* work is what a person waits for in silence and is served first; the rest is
served where there is nothing urgent. Where the queue may `displace`, it also makes room for it when the queue is full.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


@dataclass(slots=True, eq=False)
class Ticket(Generic[_Item]):
    """A place in the queue."""

    item: _Item
    flow: Hashable
    cost: float
    urgent: bool
    start: float
    number: int

    @property
    def finish(self) -> float:
        return self.start + self.cost


class QueueFull(Exception):
    """There is no room for more."""


class FairQueue(Generic[_Item]):
    """At most `capacity` pieces of work wait."""

    def __init__(self, capacity: int, *, displace: bool = False) -> None:
        self._capacity = capacity
        self._displace = displace
        self._waiting: list[Ticket[_Item]] = []
        self._now = 0.0  # virtual time
        self._finish: dict[Hashable, float] = {}  # of the newest piece of each flow, where that is not in the past
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def urgent_cost(self) -> float:
        """What the urgent work that waits costs in all."""
        return sum(ticket.cost for ticket in self._waiting if ticket.urgent)

    def push(self, item: _Item, *, flow: Hashable, cost: float, urgent: bool) -> tuple[Ticket[_Item], _Item | None]:
        """Let it wait. Returns its place, and what lost its own to it: the last in the order, and not urgent.

        Raises:
            QueueFull: there is nothing that it may displace.
        """
        displaced = None
        if len(self._waiting) >= self._capacity:
            last = max((ticket for ticket in self._waiting if not ticket.urgent), key=_order, default=None)
            if last is None or not urgent or not self._displace:
                raise QueueFull
            self.discard(last)
            displaced = last.item
        start = max(self._now, self._finish.get(flow, self._now))
        ticket = Ticket(item, flow, cost, urgent, start, self._count)
        self._count += 1
        self._finish[flow] = ticket.finish
        self._waiting.append(ticket)
        return ticket, displaced

    def pop(self, *, urgent_only: bool = False) -> _Item | None:
        """The next piece of work, or None where there is none."""
        candidates = (ticket for ticket in self._waiting if ticket.urgent or not urgent_only)
        ticket = min(candidates, key=_order, default=None)
        if ticket is None:
            return None
        self._waiting.remove(ticket)
        # Urgent work overtakes: what it leaves behind may have started earlier, and time does not run backwards.
        self._now = max(self._now, ticket.start)
        self._forget()
        return ticket.item

    def discard(self, ticket: Ticket[_Item]) -> bool:
        """Give up a place; False where it was served already. Its flow pays nothing for it if it was its newest."""
        if ticket not in self._waiting:
            return False
        self._waiting.remove(ticket)
        if self._finish.get(ticket.flow) == ticket.finish:
            self._finish[ticket.flow] = ticket.start
        return True

    def drain(self) -> Iterator[_Item]:
        """Everything that waits; nothing waits any more."""
        while self._waiting:
            yield self._waiting.pop().item
        self._finish.clear()

    def _forget(self) -> None:
        """Flows whose work is in the virtual past owe nothing and are owed nothing."""
        for flow in [flow for flow, finish in self._finish.items() if finish <= self._now]:
            del self._finish[flow]


def _order(ticket: Ticket[_Item]) -> tuple[bool, float, int]:
    return not ticket.urgent, ticket.start, ticket.number
