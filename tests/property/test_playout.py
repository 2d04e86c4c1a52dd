"""The arithmetic speaker against one that really moves sample by sample."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.transports.user.playout import Edge, Playout

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("play"), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.integers(0, 40)),
        st.tuples(st.sampled_from(["duck", "resume", "flush", "look"]), st.just(0)),
    ),
    max_size=40,
)


class _SlowSpeaker:
    """What `Playout` computes, done a sample at a time. Samples are numbers above 0; 0 is silence."""

    def __init__(self, latency: int, recall: bool) -> None:
        self.queue: deque[int] = deque()
        self.flight: deque[int] = deque([0] * latency)
        self.recall = recall
        self.ducked = self.running = False
        self.heard = 0
        self.line: list[int] = []
        self.edges: list[Edge] = []

    def tick(self) -> None:
        taken = self.queue.popleft() if self.queue and not self.ducked else 0
        self.flight.append(taken)
        out = self.flight.popleft()
        if out and not self.running:
            self.running = True
            self.edges.append(Edge(self.heard, True))
        self.heard += bool(out)
        self.line.append(out)
        self.end_of_run()

    def end_of_run(self) -> None:
        if self.running and not self.queue and not any(self.flight):
            self.running = False
            self.edges.append(Edge(self.heard, False))

    def duck(self) -> None:
        if not self.ducked:
            self.ducked = True
            self.call_back(keep=True)

    def call_back(self, keep: bool) -> None:
        if self.recall:
            held = [sample for sample in self.flight if sample]
            self.flight = deque([0] * len(self.flight))
            if keep:
                self.queue.extendleft(reversed(held))

    def flush(self) -> int:
        self.call_back(keep=False)
        self.queue.clear()
        self.ducked = False
        self.end_of_run()
        return self.heard + sum(1 for sample in self.flight if sample)


@given(_STEPS, st.integers(0, 25), st.booleans())
def test_it_hears_what_a_real_speaker_would_have_played(
    steps: list[tuple[str, int]], latency: int, recall: bool
) -> None:
    slow = _SlowSpeaker(latency, recall)
    fast = Playout(sample_bytes=1, silence=b"\0", latency_samples=latency, recall=recall, keep_samples=10_000)
    now = sent = 0
    for action, amount in steps:
        if action == "play":
            audio = bytes(1 + (sent + n) % 255 for n in range(amount))
            sent += amount
            slow.queue.extend(audio)
            fast.play(audio, now)
        elif action == "wait":
            for _ in range(amount):
                slow.tick()
            now += amount
        elif action == "duck":
            slow.duck()
            fast.duck(now)
        elif action == "resume":
            slow.ducked = False
            fast.resume(now)
        elif action == "flush":
            assert fast.flush(now) == slow.flush()
        else:
            fast.advance(now)
            assert fast.heard == slow.heard
    fast.advance(now)
    assert fast.heard == slow.heard
    assert fast.take_line() == bytes(slow.line)


@given(_STEPS, st.integers(0, 25), st.booleans())
def test_runs_begin_and_end_in_turn_and_none_is_left_open_when_all_is_heard(
    steps: list[tuple[str, int]], latency: int, recall: bool
) -> None:
    playout = Playout(sample_bytes=1, silence=b"\0", latency_samples=latency, recall=recall)
    now = 0
    edges: list[Edge] = []
    for action, amount in [*steps, ("resume", 0)]:
        if action == "play":
            playout.play(bytes(amount), now)
        elif action in ("duck", "resume", "flush"):
            getattr(playout, action)(now)
        elif action == "wait":
            now = _wait(playout, now, now + amount, edges)
        edges += playout.edges()
    now = _wait(playout, now, now + 10_000, edges)
    assert [edge.playing for edge in edges] == [index % 2 == 0 for index in range(len(edges))]
    assert not edges or not edges[-1].playing
    assert [edge.position for edge in edges] == sorted(edge.position for edge in edges)
    assert playout.pending == 0
    assert playout.next_edge() is None


def _wait(playout: Playout, now: int, until: int, edges: list[Edge]) -> int:
    """Let time pass as the event loop does: a timer at each foretold edge, which must then really come."""
    while (due := playout.next_edge()) is not None and due <= until:
        playout.advance(max(now, due))
        now = max(now, due)
        new = playout.edges()
        assert new, "an edge was foretold and did not come"
        edges += new
    playout.advance(until)
    assert not playout.has_edges, "an edge came that was not foretold"
    return until


@given(st.lists(st.integers(0, 50), max_size=10), st.integers(0, 100))
def test_what_goes_beyond_the_capacity_is_never_counted(chunks: list[int], capacity: int) -> None:
    playout = Playout(sample_bytes=1, silence=b"\0", capacity_samples=capacity)
    for samples in chunks:
        playout.play(bytes(samples), 0)
    playout.advance(100_000)
    assert playout.heard == min(sum(chunks), capacity)
