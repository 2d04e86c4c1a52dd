"""A server without manners: any event at any time, in any order, twice or never. What must hold all the same."""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.config import CoreConfig, DefaultToolPolicy
from realtime_agent.core.inputs import Input
from realtime_agent.core.session import SessionCore
from realtime_agent.events import AgentTranscript, ToolFinished, ToolStarted, TurnEnded, TurnStarted, UserTranscript
from realtime_agent.protocol import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    FunctionCallOutputItem,
    ResponseConfig,
    ResponseCreate,
    ResponseOutputAudioDelta,
    SessionConfig,
)
from tests.core_driver import (
    RATE_HZ,
    Driver,
    Speaker,
    added,
    audio,
    audio_done,
    call_done,
    call_item,
    committed,
    created,
    done,
    error,
    item_added,
    item_done,
    server,
    speech_started,
    speech_stopped,
    text,
    transcript,
)

_POLICIES = {
    "continue_speak": DefaultToolPolicy(filler="One moment.", filler_after_s=0.3),
    "continue_silent": DefaultToolPolicy(late_result="silent"),
    "continue_drop": DefaultToolPolicy(late_result="drop", timeout_s=2.0),
    "cancel": DefaultToolPolicy(on_interrupt="cancel"),
}

numbers = st.integers(0, 5)
ages = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3])  # of the response that an event speaks of: 0 is the newest
item_numbers = st.integers(0, 1)
calls = st.integers(0, 7).map(lambda n: f"c{n}")
turns = st.integers(0, 3).map(lambda n: f"u{n}")
statuses = st.sampled_from(["completed", "cancelled", "incomplete", "failed"])


class _Oracle(Speaker):
    """Knows of each sample whose it is, and so what was heard of each item."""

    def __init__(self, latency_ms: int, held_ms: int) -> None:
        super().__init__(latency_ms, held_ms)
        self.owner = ""
        self.heard: Counter[str] = Counter()
        self._segments: deque[list[object]] = deque()

    def play(self, audio: bytes) -> None:
        super().play(audio)
        self._segments.append([self.owner, len(audio) // 2])

    def flush(self) -> int:
        before = self.played
        position = super().flush()
        self._consume(position - before)
        self._segments.clear()
        return position

    def step(self) -> list[inputs.PlaybackMoved]:
        before = self.played
        edges = super().step()
        self._consume(self.played - before)
        return edges

    def _consume(self, samples: int) -> None:
        while samples:
            segment = self._segments[0]
            size = segment[1]
            assert isinstance(size, int)
            count = min(samples, size)
            self.heard[str(segment[0])] += count
            samples -= count
            segment[1] = size - count
            if not segment[1]:
                self._segments.popleft()


class Chaos(RuleBasedStateMachine):
    """The invariants are in `_judge`, which sees every action as it is made."""

    @initialize(
        mode=st.sampled_from(["server", "local", "manual"]),
        latency_ms=st.sampled_from([0, 60, 800]),
        held_ms=st.sampled_from([0, 40]),
        duck=st.booleans(),
    )
    def begin(self, mode: str, latency_ms: int, held_ms: int, duck: bool) -> None:
        self.config = CoreConfig(
            session=SessionConfig(instructions="x"),
            turn_mode=mode,  # type: ignore[arg-type]
            tool_policies=_POLICIES,
            duck=duck,
            max_waiting_creates=4,
            max_running_tools=4,
            max_tool_rounds=6,
            response_stall_s=20.0,
        )
        self.oracle = _Oracle(latency_ms, held_ms)
        self.driver = Driver(self.config, self.oracle, ready=False)
        self.script: list[tuple[str, object, float]] = []  # what the core was fed, to be fed again
        self._spy()
        self.seen = 0
        self.ducked = False
        self.closed = False
        self.received: Counter[str] = Counter()
        self.played: set[str] = set()
        self.flushed: set[str] = set()
        self.answered: Counter[str] = Counter()
        self.started: Counter[str] = Counter()
        self.speech = False
        self.newest = 0
        greeting = {"type": "realtime"}
        self.feed(inputs.Connected(), server("session.created", session=greeting))
        self.feed(server("session.updated", session=greeting), inputs.Opened())

    # -- what happens

    @rule(steps=st.sampled_from([1, 3, 10, 40]))
    def time_passes(self, steps: int) -> None:
        self.driver.run(steps * 0.02, speech=self.speech)
        self._judge()

    @rule()
    def long_silence(self) -> None:
        self.speech = False
        self.driver.run(1.0, speech=False)
        self.driver.run(1.0, microphone=False)
        self._judge()

    @rule(speech=st.booleans())
    def voice(self, speech: bool) -> None:
        self.speech = speech

    @rule(duration_ms=st.sampled_from([300, 2000]), whole=st.booleans(), steps=st.sampled_from([0, 5, 30]))
    def the_agent_speaks(self, duration_ms: int, whole: bool, steps: int) -> None:
        self.newest += 1
        response = self._response(0)
        self.feed(created(response))
        for n in range(2):
            self.an_item_begins(0, n)
            self.words_come(0, n, "two words. ")
            self.audio_comes(0, n, duration_ms)
            if whole:
                self.an_item_ends(0, n, "completed")
        if whole:
            self.feed(done(response))
        self.time_passes(steps)

    @rule(speech_steps=st.sampled_from([1, 5, 15, 90]), silent_steps=st.sampled_from([1, 10, 20, 40]))
    def somebody_makes_a_sound(self, speech_steps: int, silent_steps: int) -> None:
        self.driver.run(speech_steps * 0.02, speech=True)
        self._judge()
        self.speech = False
        self.driver.run(silent_steps * 0.02)
        self._judge()

    @rule(age=ages, text_only=st.booleans(), out_of_band=st.booleans())
    def a_response_begins(self, age: int, text_only: bool, out_of_band: bool) -> None:
        self.newest += age == 0
        response = self._response(age)
        fields: dict[str, object] = {"output_modalities": ["text"]} if text_only else {}
        if out_of_band:
            fields |= {"conversation_id": None, "metadata": {"realtime_agent": "ra_1"}}
        self.feed(created(response, **fields))

    @rule(age=ages, n=item_numbers, duration_ms=st.sampled_from([1, 33, 100, 700]))
    def audio_comes(self, age: int, n: int, duration_ms: int) -> None:
        response = self._response(age)
        item = f"{response}.{n}"
        before = len(self.driver.done(act.Play))
        self.oracle.owner = item
        self.feed(audio(response, item, duration_ms))
        if len(self.driver.done(act.Play)) > before:
            assert response not in self.flushed, "audio of a flushed response was played"
            self.received[item] += duration_ms * RATE_HZ // 1000
            self.played.add(response)

    @rule(age=ages, n=item_numbers, words=st.sampled_from(["", "a ", "word ", "two words. "]))
    def words_come(self, age: int, n: int, words: str) -> None:
        response = self._response(age)
        self.feed(transcript(response, f"{response}.{n}", words))

    @rule(age=ages, n=item_numbers)
    def writing_comes(self, age: int, n: int) -> None:
        response = self._response(age)
        self.feed(text(response, f"{response}.t{n}", "written "))

    @rule(age=ages, n=item_numbers)
    def an_item_begins(self, age: int, n: int) -> None:
        response = self._response(age)
        item = f"{response}.{n}"
        self.feed(item_added(response, item), added(item, None, type="message", role="assistant", content=[]))

    @rule(age=ages, n=item_numbers, status=statuses)
    def an_item_ends(self, age: int, n: int, status: str) -> None:
        response = self._response(age)
        self.feed(audio_done(response, f"{response}.{n}"), item_done(response, f"{response}.{n}", status))

    @rule(age=ages, status=statuses, reason=st.sampled_from([None, "turn_detected", "client_cancelled"]))
    def a_response_ends(self, age: int, status: str, reason: str | None) -> None:
        response = self._response(age)
        details = {"type": "cancelled", "reason": reason} if reason else None
        self.feed(done(response, status, status_details=details))

    @rule(age=ages, call=calls, tool=st.sampled_from([*_POLICIES, "unheard_of"]), whole=st.booleans())
    def a_call_comes(self, age: int, call: str, tool: str, whole: bool) -> None:
        response = self._response(age)
        self.feed(call_done(response, call, tool, '{"a": 1}' if whole else '{"a'))

    @rule(age=ages, call=calls, status=statuses)
    def a_call_item_ends(self, age: int, call: str, status: str) -> None:
        response = self._response(age)
        self.feed(item_done(response, f"f{call}", status, **call_item(call, "cancel")))

    @rule(call=calls)
    def a_tool_returns(self, call: str) -> None:
        self.feed(inputs.ToolReturned(call, "42"))

    @rule(call=calls)
    def an_output_is_acknowledged(self, call: str) -> None:
        self.feed(added(f"o{call}", None, type="function_call_output", call_id=call, output="42"))

    @rule(turn=turns)
    def the_server_hears_speech(self, turn: str) -> None:
        self.feed(speech_started(turn))

    @rule(turn=turns)
    def the_server_hears_silence(self, turn: str) -> None:
        self.feed(speech_stopped(turn))

    @rule(turn=turns)
    def the_server_commits(self, turn: str) -> None:
        self.feed(committed(turn), added(turn))

    @rule(turn=turns, final=st.booleans())
    def the_user_is_written_down(self, turn: str, final: bool) -> None:
        kind = "conversation.item.input_audio_transcription"
        if final:
            self.feed(server(f"{kind}.completed", item_id=turn, content_index=0, transcript="All of it."))
        else:
            self.feed(server(f"{kind}.delta", item_id=turn, content_index=0, delta="some "))

    @rule(code=st.sampled_from(["conversation_already_has_active_response", "response_cancel_not_active", "odd", None]))
    def an_error_comes(self, code: str | None) -> None:
        self.feed(error(code))

    @rule(code=st.sampled_from(["conversation_already_has_active_response", "odd"]), last=st.integers(1, 3))
    def an_error_names_a_request(self, code: str, last: int) -> None:
        sent = [a.event for a in self.driver.log if isinstance(a, act.Send)]
        if len(sent) >= last:
            self.feed(error(code, sent[-last].event_id))

    @rule(n=numbers)
    def an_item_is_deleted_or_truncated_by_the_server(self, n: int) -> None:
        self.feed(
            server("conversation.item.deleted", item_id=f"u{n}"),
            server("conversation.item.truncated", item_id=f"{self._response(n)}.0", content_index=0, audio_end_ms=10),
        )

    @rule(
        event=st.sampled_from(
            [
                inputs.Say("Hello"),
                inputs.SendText("Hello"),
                inputs.Interrupt(),
                inputs.Commit(),
                inputs.ClearInput(),
                inputs.MicrophoneEnded(),
                inputs.Respond(),
                inputs.Respond(ResponseConfig(conversation="none")),
                inputs.UpdateSession(SessionConfig(), turn_mode="server"),
                inputs.UpdateSession(SessionConfig(), turn_mode="local"),
                inputs.UpdateSession(SessionConfig(), turn_mode="manual"),
            ]
        )
    )
    def the_application_asks(self, event: Input) -> None:
        self.feed(event)

    @rule(interrupts=st.booleans(), creates=st.booleans())
    def the_server_reports_its_configuration(self, interrupts: bool, creates: bool) -> None:
        detection = {"type": "server_vad", "interrupt_response": interrupts, "create_response": creates}
        session = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
        self.feed(server("session.updated", session=session))

    @precondition(lambda self: self.seen > 60)
    @rule(event=st.sampled_from([inputs.Hangup(), inputs.Disconnected(None)]))
    def the_session_ends(self, event: Input) -> None:
        self.feed(event)

    def _response(self, age: int) -> str:
        return f"r{self.newest - age}"

    # -- what must hold

    @invariant()
    def no_timer_is_left_in_the_past(self) -> None:
        if hasattr(self, "driver"):
            due = self.driver.core.next_timer()
            assert due is None or due > self.driver.now - 0.021

    def feed(self, *events: Input) -> None:
        for event in events:
            self.driver.feed(event)
            self._judge()

    def _judge(self) -> None:
        log = self.driver.log
        for index in range(self.seen, len(log)):
            assert not self.closed, "an action after Close"
            self._judge_one(log[index])
        self.seen = len(log)

    def _judge_one(self, action: act.Action) -> None:
        match action:
            case act.Duck():
                assert not self.ducked
                self.ducked = True
            case act.Resume():
                assert self.ducked
                self.ducked = False
            case act.Flush():
                self.ducked = False
                self.flushed |= self.played
            case act.StartTool(call_id=call_id):
                self.started[call_id] += 1
                assert self.started[call_id] == 1
            case act.Send(event=ConversationItemTruncate() as event):
                heard = self.oracle.heard[event.item_id]
                assert event.audio_end_ms == heard * 1000 // RATE_HZ
                assert 0 < event.audio_end_ms <= self.received[event.item_id] * 1000 // RATE_HZ
            case act.Send(event=ConversationItemDelete(item_id=item_id)):
                assert self.oracle.heard[item_id] * 1000 // RATE_HZ == 0, "a heard item was deleted"
            case act.Send(event=ConversationItemCreate(item=FunctionCallOutputItem(call_id=call_id))):
                self.answered[call_id] += 1
                assert self.answered[call_id] == 1
            case act.Close():
                self.closed = True
            case _:
                pass

    def _spy(self) -> None:
        core, script = self.driver.core, self.script
        receive, handle_timer = core.receive, core.handle_timer

        def spied_receive(event: Input, now: float) -> None:
            if isinstance(event, inputs.PlaybackMoved):  # mutable: keep what it was
                event = inputs.PlaybackMoved(event.position, event.playing)
            script.append(("receive", event, now))
            if isinstance(event, act.Send):
                return
            self._check_request(lambda: receive(event, now))

        def spied_timer(now: float) -> None:
            script.append(("timer", None, now))
            self._check_request(lambda: handle_timer(now))

        core.receive = spied_receive  # type: ignore[method-assign]
        core.handle_timer = spied_timer  # type: ignore[method-assign]

    def _check_request(self, do: object) -> None:
        """At most one `response.create` of the default conversation is on its way, and none while one is active."""
        core = self.driver.core
        before = len(core._out.actions)
        assert callable(do)
        do()
        made = [
            a.event
            for a in core._out.actions[before:]
            if isinstance(a, act.Send)
            and isinstance(a.event, ResponseCreate)
            and (a.event.response is None or a.event.response.conversation != "none")
        ]
        assert len(made) <= 1
        if made:
            assert core._m.responses.active is None
            assert not core._m.user_turns.holds_agent

    def teardown(self) -> None:
        if not hasattr(self, "driver"):
            return
        # All calls that run return; then the session ends, and all that began has ended.
        for call in list(self.started):
            self.feed(inputs.ToolReturned(call, "42"))
        assert set(self.answered) >= set(self.started) or self.closed
        self.feed(inputs.Hangup())
        assert self.closed
        driver = self.driver
        begun = Counter((e.speaker, e.item_id) for e in driver.events(TurnStarted))
        assert begun == Counter((e.speaker, e.item_id) for e in driver.events(TurnEnded))
        assert Counter(e.call_id for e in driver.events(ToolStarted)) == Counter(
            e.call_id for e in driver.events(ToolFinished)
        )
        assert all(n == 1 for n in Counter(e.item_id for e in driver.events(UserTranscript) if e.final).values())
        assert all(n == 1 for n in Counter(e.item_id for e in driver.events(AgentTranscript) if e.final).values())
        self._replay()

    def _replay(self) -> None:
        """The same inputs at the same times give the same actions."""
        core = SessionCore(self.config)
        log: list[act.Action] = []
        for what, event, now in self.script:
            if what == "timer":
                core.handle_timer(now)
            else:
                core.receive(event, now)  # type: ignore[arg-type]
            log += core.actions()
        assert [repr(a) for a in log] == [repr(a) for a in self.driver.log]


Chaos.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestChaos = Chaos.TestCase


def test_the_audio_events_of_this_machine_are_what_the_wire_carries() -> None:
    assert isinstance(audio("r", "i", 1), ResponseOutputAudioDelta)
