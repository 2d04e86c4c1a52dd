"""The judgement whether a path is alive, over invented histories."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.transports.model.watchdog import PathWatchdog, Verdict

SILENCE_S, SEND_S = 4.0, 2.0
TICK_S = SEND_S / 4


class Path:
    """A watchdog on a path, ticked by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.dog = PathWatchdog(self.now, silence_timeout_s=SILENCE_S, send_deadline_s=SEND_S)
        self.queued_bytes = 0
        self.unsent_bytes = 0

    def tick(
        self, *, heard: bool = False, queue_bytes: int = 0, leave_bytes: int = 1 << 60, late_s: float = 0.0
    ) -> Verdict:
        self.now += self.dog.tick_s + late_s
        self.queued_bytes += queue_bytes
        self.unsent_bytes = max(0, self.unsent_bytes + queue_bytes - leave_bytes)
        return self.dog.check(self.now, heard=heard, queued_bytes=self.queued_bytes, buffered_bytes=self.unsent_bytes)


lateness = st.integers(0, 240).map(lambda eighths: eighths / 8)  # floats that add up exactly


@given(st.lists(lateness, min_size=1, max_size=50))
def test_a_path_that_speaks_every_tick_is_alive_however_late_we_are(late: list[float]) -> None:
    path = Path()
    assert {path.tick(heard=True, late_s=late_s) for late_s in late} == {"fine"}


@given(st.lists(lateness, max_size=40))
def test_a_silent_path_is_pinged_once_and_found_dead_after_its_time_of_ours(late: list[float]) -> None:
    path = Path()
    verdicts: list[Verdict] = []
    while "silent" not in verdicts:
        verdicts.append(path.tick(late_s=late[len(verdicts)] if len(verdicts) < len(late) else 0.0))
    assert len(verdicts) == SILENCE_S / TICK_S
    assert verdicts == ["ping", *["fine"] * (len(verdicts) - 2), "silent"]


@given(st.lists(st.booleans(), max_size=60))
def test_a_path_is_silent_only_when_nothing_came_for_the_whole_deadline(heard: list[bool]) -> None:
    path, quiet_ticks = Path(), 0
    for something in heard:
        quiet_ticks = 0 if something else quiet_ticks + 1
        verdict = path.tick(heard=something)
        assert (verdict == "silent") == (quiet_ticks >= SILENCE_S / TICK_S)
        assert verdict != "stuck"


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=60), st.lists(lateness, max_size=60))
def test_a_slow_path_that_moves_is_alive_though_the_pong_waits_behind(moves: list[int], late: list[float]) -> None:
    path = Path()
    path.tick(queue_bytes=1 << 40, leave_bytes=0)
    for n, moved in enumerate(moves):
        assert path.tick(queue_bytes=2000, leave_bytes=moved, late_s=late[n] if n < len(late) else 0.0) == "fine"


@given(st.lists(st.integers(0, 5000), min_size=10, max_size=30), st.booleans())
def test_a_path_that_takes_nothing_is_stuck_whatever_we_add_and_it_says(added: list[int], heard: bool) -> None:
    path = Path()
    path.tick(queue_bytes=1000, leave_bytes=0, heard=True)
    verdicts = [path.tick(queue_bytes=more, leave_bytes=0, heard=heard) for more in added]
    assert verdicts.index("stuck") == SEND_S / TICK_S - 1


def test_after_an_answer_the_next_silence_is_pinged_anew() -> None:
    path = Path()
    assert [path.tick(), path.tick(), path.tick(heard=True), path.tick()] == ["ping", "fine", "fine", "ping"]


def test_bytes_that_arrived_without_a_message_count_as_heard() -> None:
    path = Path()
    while path.tick() != "silent":
        pass
    path.dog.heard(path.now)
    assert path.tick() == "ping"
