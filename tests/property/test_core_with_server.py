"""The core against a server that keeps to the protocol, with every delay and race: all comes to its end.

The server refuses, by failing the test, what a careful client never sends: a truncation beyond the audio or of an item
that is gone, a second output for a call. When the wire is drained nothing is left undone.
"""

from __future__ import annotations

from collections import deque
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.config import CoreConfig, DefaultToolPolicy
from realtime_agent.core.inputs import Input
from realtime_agent.events import ErrorRaised, TurnEnded, TurnStarted
from realtime_agent.protocol import ClientEvent, SessionConfig
from tests.core_driver import RATE_HZ, Driver, Speaker
from tests.core_server import LawfulServer, Plan

_POLICIES = {"look_up": DefaultToolPolicy(filler="One moment.", filler_after_s=0.4)}


class Conversations(RuleBasedStateMachine):
    """Rules decide what moves on: the wire up, the wire down, the server's work, time, the person, the tools."""

    @initialize(
        mode=st.sampled_from(["server", "local", "manual"]),
        latency_ms=st.sampled_from([0, 100, 800]),
        held_ms=st.sampled_from([0, 40]),
    )
    def begin(self, mode: str, latency_ms: int, held_ms: int) -> None:
        config = CoreConfig(
            session=SessionConfig(),
            turn_mode=mode,  # type: ignore[arg-type]
            tool_policies=_POLICIES,
            create_timeout_s=1e6,  # the wire stands still for as long as the rules like
            response_stall_s=1e6,
            max_waiting_creates=1000,
        )
        self.mode = mode
        self.driver = Driver(config, Speaker(latency_ms, held_ms), ready=False)
        self.server = LawfulServer(vad=mode == "server")
        self.up: deque[ClientEvent] = deque()
        self.tools: deque[str] = deque()
        self.interrupted = False
        self.asked_to_say: list[str] = []
        self.seen = 0
        self.feed(inputs.Connected(), inputs.Opened())
        self._drain()
        assert self.driver.core.ready

    # -- the wire

    @rule(count=st.integers(1, 4))
    def the_server_reads(self, count: int) -> None:
        for _ in range(min(count, len(self.up))):
            self.server.receive(self.up.popleft())

    @rule(count=st.integers(1, 12))
    def the_client_reads(self, count: int) -> None:
        for _ in range(min(count, len(self.server.outbox))):
            self.feed(self.server.outbox.popleft())

    @rule(count=st.integers(1, 12))
    def the_server_works(self, count: int) -> None:
        for _ in range(count):
            self.server.work()

    @rule(rounds=st.integers(1, 10), work=st.integers(1, 6), steps=st.integers(0, 10))
    def all_goes_its_way(self, rounds: int, work: int, steps: int) -> None:
        for _ in range(rounds):
            self.the_server_reads(10)
            self.the_server_works(work)
            self.the_client_reads(20)
            self.time_passes(steps)

    # -- time and people

    @rule(steps=st.sampled_from([1, 5, 25, 60]))
    def time_passes(self, steps: int) -> None:
        self.driver.run(steps * 0.02)
        self._look()

    @rule(steps=st.sampled_from([1, 8, 25]), there=st.booleans())
    def the_person_is_heard_here(self, steps: int, there: bool) -> None:
        self.interrupted = True
        if there:
            self.server.hears_speech()
        self.driver.run(steps * 0.02, speech=True)
        self._look()

    @precondition(lambda self: self.mode == "server")
    @rule(speech=st.booleans())
    def the_person_is_heard_there(self, speech: bool) -> None:
        self.interrupted = True
        if speech:
            self.server.hears_speech()
        else:
            self.server.hears_silence()

    @rule(words=st.sampled_from(["One.", "Two.", "Three."]))
    def the_application_has_something_said(self, words: str) -> None:
        self.asked_to_say.append(words)
        self.feed(inputs.Say(words))

    @rule()
    def the_user_writes(self) -> None:
        self.feed(inputs.SendText("Hello"))

    @rule()
    def the_application_interrupts(self) -> None:
        self.interrupted = True
        self.feed(inputs.Interrupt())

    @precondition(lambda self: self.mode == "manual")
    @rule()
    def push_to_talk(self) -> None:
        self.feed(inputs.ClearInput())
        self.driver.run(0.5, speech=True)
        self.feed(inputs.Commit())

    @rule(items=st.lists(st.sampled_from([100, 1000, 3000]), max_size=3), calls=st.integers(0, 2))
    def the_next_answer_will_be(self, items: list[int], calls: int) -> None:
        self.server.plans.append(Plan(items, calls))

    @rule(count=st.integers(1, 3))
    def tools_return(self, count: int) -> None:
        for _ in range(min(count, len(self.tools))):
            self.feed(inputs.ToolReturned(self.tools.popleft(), "42"))

    # -- what must hold

    def feed(self, *events: Input) -> None:
        for event in events:
            self.driver.feed(event)
        self._look()

    def _look(self) -> None:
        for action in self.driver.log[self.seen :]:
            if isinstance(action, act.Send):
                self.up.append(cast(ClientEvent, action.event))  # the core of a conversation sends no others
            elif isinstance(action, act.StartTool):
                self.tools.append(action.call_id)
        self.seen = len(self.driver.log)

    def _drain(self) -> None:
        """Let everything that is under way arrive, and everybody finish."""
        for _ in range(400):
            self.server.hears_silence()
            self.the_server_reads(100)
            self.the_server_works(50)
            self.the_client_reads(1000)
            self.tools_return(100)
            self.time_passes(5)
            if self.driver.core.idle and not (self.up or self.server.outbox or self.server.active):
                break

    def teardown(self) -> None:
        if not hasattr(self, "driver"):
            return
        self.server.plans.clear()
        self._drain()
        driver, core = self.driver, self.driver.core
        assert core.idle, "something is left undone"
        assert driver.events(ErrorRaised) == []
        assert all(output is not None for output in self.server.calls.values()) or self.interrupted
        started = {a.call_id for a in driver.done(act.StartTool)}
        assert all(self.server.calls[call] is not None for call in started), "a tool that ran was not answered"
        assert len(driver.events(TurnStarted)) == len(driver.events(TurnEnded))
        if not self.interrupted:
            said = [words for words in self.server.said if words != "One moment."]
            assert said == self.asked_to_say, "what was to be said was not said, or twice"
            assert not self.server.deleted
        # The server's items are as long as what the person heard of them.
        for item_id, length_ms in self.server.lengths_ms.items():
            record = core.conversation.get(item_id)
            heard_ms = 0 if record is None else record.heard_ms or 0
            assert heard_ms == length_ms, (item_id, heard_ms, length_ms)
        heard_ms = sum(self.server.lengths_ms.values())
        assert driver.speaker.played * 1000 / RATE_HZ == pytest.approx(heard_ms, abs=len(self.server.lengths_ms) + 1)


Conversations.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestConversations = Conversations.TestCase
