"""The queue before the workers: nobody starves, nothing is lost, and what is urgent goes first."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from realtime_agent.engine.fair_queue import FairQueue, QueueFull, Ticket

_COSTS = st.lists(st.floats(0.1, 12.0), min_size=1, max_size=12)


def _popped(queue: FairQueue[str]) -> list[str]:
    order = []
    while (item := queue.pop()) is not None:
        order.append(item)
    return order


def test_a_flow_that_asks_for_much_waits_for_itself() -> None:
    queue: FairQueue[str] = FairQueue(20)
    for number in range(5):
        queue.push(f"long{number}", flow="long", cost=10, urgent=True)
    for number in range(3):
        queue.push(f"short{number}", flow="short", cost=1, urgent=True)
    assert _popped(queue) == ["long0", "short0", "short1", "short2", "long1", "long2", "long3", "long4"]


def test_what_is_urgent_goes_first_however_late_it_came() -> None:
    queue: FairQueue[str] = FairQueue(10)
    queue.push("partial", flow="a", cost=1, urgent=False)
    queue.push("final", flow="b", cost=12, urgent=True)
    assert queue.pop(urgent_only=True) == "final"
    assert queue.pop(urgent_only=True) is None
    assert queue.pop() == "partial"


def test_where_there_is_no_room_the_last_that_is_not_urgent_gives_way() -> None:
    queue: FairQueue[str] = FairQueue(2, displace=True)
    queue.push("first partial", flow="a", cost=1, urgent=False)
    queue.push("second partial", flow="b", cost=1, urgent=False)
    with pytest.raises(QueueFull):
        queue.push("third partial", flow="c", cost=1, urgent=False)
    assert queue.push("final", flow="d", cost=1, urgent=True)[1] == "second partial"
    assert queue.push("another", flow="e", cost=1, urgent=True)[1] == "first partial"
    with pytest.raises(QueueFull):
        queue.push("one more", flow="f", cost=1, urgent=True)


def test_a_queue_that_may_not_displace_refuses_instead() -> None:
    queue: FairQueue[str] = FairQueue(1)
    queue.push("later clause", flow="a", cost=1, urgent=False)
    with pytest.raises(QueueFull):
        queue.push("first clause", flow="b", cost=1, urgent=True)


def test_a_place_given_up_costs_nothing() -> None:
    queue: FairQueue[str] = FairQueue(10)
    older, _ = queue.push("older", flow="a", cost=100, urgent=False)
    assert queue.discard(older)
    assert not queue.discard(older)
    queue.push("newer", flow="a", cost=1, urgent=False)
    queue.push("other", flow="b", cost=1, urgent=False)
    assert _popped(queue) == ["newer", "other"]


@given(flows=st.lists(_COSTS, min_size=2, max_size=5))
def test_flows_that_always_wait_are_served_alike(flows: list[list[float]]) -> None:
    """At any time, two flows with work waiting differ by no more than a piece of each in what they were served."""
    queue: FairQueue[tuple[int, float]] = FairQueue(1000)
    for flow, costs in enumerate(flows):
        for cost in costs:
            queue.push((flow, cost), flow=flow, cost=cost, urgent=True)
    left = Counter({flow: len(costs) for flow, costs in enumerate(flows)})
    served = dict.fromkeys(left, 0.0)
    while (item := queue.pop()) is not None:
        flow, cost = item
        served[flow] += cost
        left[flow] -= 1
        waiting = [other for other in left if left[other]]
        for one in waiting:
            for other in waiting:
                assert abs(served[one] - served[other]) <= max(flows[one]) + max(flows[other]) + 1e-6


@given(crowd=st.lists(st.floats(0.1, 12.0), max_size=40), cost=st.floats(0.1, 12.0))
def test_a_newcomer_waits_for_one_piece_of_each_at_most(crowd: list[float], cost: float) -> None:
    queue: FairQueue[int] = FairQueue(1000)
    flows = 4
    for number, each in enumerate(crowd):
        queue.push(number % flows, flow=number % flows, cost=each, urgent=True)
    queue.push(-1, flow="new", cost=cost, urgent=True)
    before: Counter[int] = Counter()
    while (flow := queue.pop()) != -1:
        assert flow is not None
        before[flow] += 1
    assert all(times <= 1 for times in before.values())


class QueueMachine(RuleBasedStateMachine):
    """Any sequence of pushes, pops and cancellations: everything comes out exactly once."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[int] = FairQueue(6, displace=True)
        self.tickets: dict[int, Ticket[int]] = {}
        self.urgent: set[int] = set()
        self.count = 0

    @rule(flow=st.integers(0, 3), cost=st.floats(0.1, 12.0), urgent=st.booleans())
    def push(self, flow: int, cost: float, urgent: bool) -> None:
        self.count += 1
        try:
            ticket, displaced = self.queue.push(self.count, flow=flow, cost=cost, urgent=urgent)
        except QueueFull:
            assert len(self.tickets) == 6
            assert not urgent or self.urgent >= set(self.tickets)
            return
        if displaced is not None:
            assert urgent
            assert displaced not in self.urgent
            del self.tickets[displaced]
        self.tickets[self.count] = ticket
        if urgent:
            self.urgent.add(self.count)

    @rule(urgent_only=st.booleans())
    def pop(self, urgent_only: bool) -> None:
        item = self.queue.pop(urgent_only=urgent_only)
        waiting_urgent = self.urgent & set(self.tickets)
        if item is None:
            assert not waiting_urgent if urgent_only else not self.tickets
            return
        assert item in waiting_urgent if waiting_urgent or urgent_only else item in self.tickets
        del self.tickets[item]

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        if self.tickets:
            item = data.draw(st.sampled_from(sorted(self.tickets)))
            assert self.queue.discard(self.tickets.pop(item))

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.queue) == len(self.tickets)
        waiting_urgent = [ticket.cost for item, ticket in self.tickets.items() if item in self.urgent]
        assert self.queue.urgent_cost == pytest.approx(sum(waiting_urgent))

    def teardown(self) -> None:
        assert sorted(self.queue.drain()) == sorted(self.tickets)
        assert not len(self.queue)


TestQueueMachine = QueueMachine.TestCase
