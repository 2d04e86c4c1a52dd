"""Session through its public interface: the embedded protocol under virtual time, with an engine of fakes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

import pytest

from realtime_agent import Agent, Session, Settings, tool
from realtime_agent.engine.parts import BrainEvent, BrainRequest, Message, PastCall, TextDelta, ToolCallRequest
from realtime_agent.errors import (
    AuthRejected,
    ConfigError,
    ConnectFailed,
    DeviceError,
    LocalProtocolError,
    PathDead,
    RealtimeAgentError,
)
from realtime_agent.events import (
    AgentTranscript,
    Closed,
    ErrorRaised,
    Interrupted,
    SessionEvent,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    UserTranscript,
    as_dict,
)
from realtime_agent.protocol.formats import PCM, PCMU
from realtime_agent.testing.clock import virtual_time
from realtime_agent.transports.model.embedded import EmbeddedModel
from realtime_agent.transports.user.base import UserReceiver
from realtime_agent.transports.user.memory import MemoryUser
from tests.fakes_engine import FakeEngine, loud, make_loudness_detector, quiet
from tests.scripted_model import ScriptedModel

SERVER_TURNS = Settings(duck=False)


@tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def adds(request: BrainRequest) -> list[BrainEvent]:
    """A brain that adds by tool, then says the result."""
    last = request.conversation[-1]
    if isinstance(last, PastCall):
        return [TextDelta(f"It is {last.output}.")]
    return [ToolCallRequest("add", '{"a": 2, "b": 3}')]


def embedded(engine: FakeEngine) -> EmbeddedModel:
    return EmbeddedModel(engine, make_detector=make_loudness_detector)


async def events_until(session: Session, is_last: Callable[[SessionEvent], bool]) -> list[SessionEvent]:
    """The events up to the first for which `is_last` is true."""
    events: list[SessionEvent] = []
    async with asyncio.timeout(60):
        async for event in session:
            events.append(event)
            if is_last(event):
                return events
    raise AssertionError(f"the session ended first: {events}")


def agent_ended(event: SessionEvent) -> bool:
    return isinstance(event, TurnEnded) and event.speaker == "agent"


@virtual_time
async def test_a_spoken_question_is_transcribed_and_answered_aloud() -> None:
    user = MemoryUser(open_mic=True)
    async with Session(
        Agent(), model=embedded(FakeEngine(text="hello there")), user=user, settings=SERVER_TURNS
    ) as session:
        await user.speak(quiet(500) + loud(1000))
        events = await events_until(session, agent_ended)
    kinds = [(type(e), getattr(e, "speaker", None)) for e in events if isinstance(e, (TurnStarted, TurnEnded))]
    assert kinds == [(TurnStarted, "user"), (TurnEnded, "user"), (TurnStarted, "agent"), (TurnEnded, "agent")]
    assert [e.text for e in events if isinstance(e, UserTranscript) and e.final] == ["hello there"]
    assert [e.text for e in events if isinstance(e, AgentTranscript) and e.final] == ["You said hello there."]
    answer = next(e for e in events if isinstance(e, TurnStarted) and e.speaker == "agent")
    assert answer.latency_s is not None
    assert answer.latency_s < 0.05
    assert any(user.take_heard())


@virtual_time
async def test_cutting_in_stops_the_voice_and_tells_both_sides_what_was_heard() -> None:
    user = MemoryUser(open_mic=True)
    engine = FakeEngine(lambda _: [TextDelta("One two three four five six seven eight nine ten eleven twelve.")])
    async with Session(Agent(), model=embedded(engine), user=user, settings=SERVER_TURNS) as session:
        await user.speak(loud(600))
        await events_until(session, lambda e: isinstance(e, TurnStarted) and e.speaker == "agent")
        await user.speak(quiet(1000) + loud(400))
        events = await events_until(session, lambda e: isinstance(e, Interrupted))
        played = user.played
        cut = events[-1]
        assert isinstance(cut, Interrupted)
        assert abs(cut.heard_ms - played * 1000 / PCM.rate_hz) <= 1
        assert cut.heard_text
        assert "One two three four five six seven eight nine ten eleven twelve.".startswith(cut.heard_text)
        await asyncio.sleep(0.1)
        assert user.played == played
        heard = next(item for item in session.history if item.role == "assistant")
        assert heard.heard_ms == cut.heard_ms
        # What the brain reads next is what the person heard.
        await session.wait_idle()
    said = [m.text for m in engine.brain.requests[-1].conversation if isinstance(m, Message) and m.role == "assistant"]
    assert said
    assert "twelve" not in said[0]


@virtual_time
async def test_a_tool_is_called_once_and_its_result_spoken() -> None:
    user = MemoryUser(open_mic=True)
    async with Session(
        Agent(tools=[add]), model=embedded(FakeEngine(adds)), user=user, settings=SERVER_TURNS
    ) as session:
        await user.speak(loud(600))
        events = await events_until(session, agent_ended)
    assert [(e.name, e.arguments) for e in events if isinstance(e, ToolStarted)] == [("add", {"a": 2, "b": 3})]
    assert [(e.output, e.error) for e in events if isinstance(e, ToolFinished)] == [("5", None)]
    assert [e.text for e in events if isinstance(e, AgentTranscript) and e.final] == ["It is 5."]


@virtual_time
async def test_without_a_user_the_conversation_is_in_writing() -> None:
    async with Session(Agent(), model=embedded(FakeEngine()), user=None) as session:
        session.send_text("good morning")
        await session.wait_idle()
        assert [(item.role, item.text) for item in session.history] == [
            ("user", "good morning"),
            ("assistant", "You said good morning."),
        ]
        assert session.usage.responses == 1


@virtual_time
async def test_the_greeting_is_said_word_for_word_and_first() -> None:
    engine = FakeEngine()
    user = MemoryUser(open_mic=True)
    async with Session(Agent(greeting="Welcome!"), model=embedded(engine), user=user, settings=SERVER_TURNS) as session:
        events = await events_until(session, agent_ended)
    assert [e.text for e in events if isinstance(e, AgentTranscript) and e.final] == ["Welcome!"]
    assert not engine.brain.requests


@virtual_time
async def test_push_to_talk_answers_what_was_said_before_the_commit() -> None:
    user = MemoryUser(open_mic=True)
    engine = FakeEngine()
    async with Session(Agent(), model=embedded(engine), user=user, settings=Settings(turns="manual")) as session:
        await user.speak(loud(500) + quiet(3000))
        assert not engine.brain.requests
        session.clear_input()
        await user.speak(loud(700))
        session.commit()
        await events_until(session, agent_ended)
    assert len(engine.brain.requests) == 1


@virtual_time
async def test_the_agent_hands_over_to_another_one() -> None:
    def hand_over(request: BrainRequest) -> list[BrainEvent]:
        if any(isinstance(item, PastCall) and item.output for item in request.conversation):
            return [TextDelta(request.instructions)]
        return [ToolCallRequest("transfer_to_billing", "{}")]

    billing = Agent("I am billing.", name="billing", handoff_description="Knows about invoices.")
    desk = Agent("I am the desk.", name="desk", handoffs=[billing])
    async with Session(desk, model=embedded(FakeEngine(hand_over)), user=None) as session:
        session.send_text("my invoice is wrong")
        await session.wait_idle()
        assert session.agent is billing
        assert session.history[-1].text == "I am billing."


@virtual_time
async def test_when_the_person_leaves_the_answer_is_finished_first_and_the_session_ends_by_itself() -> None:
    user = MemoryUser(open_mic=True)
    async with Session(Agent(), model=embedded(FakeEngine()), user=user, settings=SERVER_TURNS) as session:
        await user.speak(loud(600))
        user.hang_up()
        events = await events_until(session, lambda e: isinstance(e, Closed))
    assert [e.text for e in events if isinstance(e, AgentTranscript) and e.final] == ["You said hello there."]
    assert any(agent_ended(e) for e in events)
    assert events[-1] == Closed("user left", None, events[-1].time_s)


@virtual_time
async def test_a_muted_session_hears_nothing() -> None:
    user = MemoryUser(open_mic=True)
    engine = FakeEngine()
    async with Session(Agent(), model=embedded(engine), user=user, settings=SERVER_TURNS) as session:
        session.muted = True
        await user.speak(loud(1000) + quiet(2000))
        session.muted = False
        assert not engine.ear.heard
        await user.speak(loud(600))
        await events_until(session, agent_ended)


@virtual_time
async def test_what_a_muted_session_sends_is_silence_of_the_same_length() -> None:
    model, user = ScriptedModel(), MemoryUser()
    async with Session(Agent(), model=model, user=user, settings=SERVER_TURNS) as session:
        session.muted = True
        user.push(loud(20))
    sent = [base64.b64decode(event["audio"]) for event in model.sent_of("input_audio_buffer.append")]
    assert sent == [quiet(20)]


@virtual_time
async def test_a_telephone_line_is_passed_on_in_its_own_format() -> None:
    user = MemoryUser(format=PCMU, open_mic=True)
    async with Session(Agent(), model=embedded(FakeEngine()), user=user, settings=SERVER_TURNS) as session:
        await user.speak(b"\x80\x00" * 2400)
        await events_until(session, agent_ended)
        assert session.levels[0] < -100
    assert set(user.take_heard()) - {0xFF}


@virtual_time
async def test_a_reader_who_never_reads_costs_a_bounded_queue_and_still_learns_of_the_end() -> None:
    model = ScriptedModel()
    async with Session(Agent(), model=model, user=MemoryUser(), settings=Settings(event_queue=10)) as session:
        for number in range(200):
            model.answer("Hello.", bytes(4800), response_id=f"resp_{number}", item_id=f"item_{number}")
    events = [event async for event in session]
    assert len(events) == 10
    assert session.dropped_events > 100
    assert isinstance(events[-1], Closed)


@virtual_time
async def test_closing_twice_is_fine_and_entering_twice_is_not() -> None:
    model = ScriptedModel()
    session = Session(Agent(), model=model, user=None)
    async with session:
        await session.close()
        await session.close()
    assert model.closed
    with pytest.raises(LocalProtocolError, match="entered once"):
        async with session:
            pass


@virtual_time
async def test_speaking_to_a_closed_session_is_an_error_in_words() -> None:
    session = Session(Agent(), model=ScriptedModel(), user=None)
    with pytest.raises(LocalProtocolError, match="new"):
        session.send_text("too early")
    async with session:
        pass
    with pytest.raises(LocalProtocolError, match="closed"):
        session.send_text("too late")


@virtual_time
async def test_a_server_that_never_greets_is_given_up_in_time() -> None:
    with pytest.raises(ConnectFailed, match="did not set up a session"):
        async with Session(Agent(), model=ScriptedModel(greets=False), user=None):
            pass


@virtual_time
async def test_a_server_that_speaks_something_else_is_told_apart() -> None:
    model = ScriptedModel(greets=False)
    asyncio.get_running_loop().call_later(0.1, lambda: model.emit_raw(b"<html>hello</html>"))
    with pytest.raises(ConnectFailed, match="does not speak the Realtime protocol"):
        async with Session(Agent(), model=model, user=None):
            pass


@virtual_time
async def test_a_refused_key_is_raised_on_entering() -> None:
    failure = AuthRejected("The server refused the key.")
    with pytest.raises(AuthRejected):
        async with Session(Agent(), model=ScriptedModel(failure=failure), user=None):
            pass


@virtual_time
async def test_a_lost_connection_ends_the_session_with_its_error() -> None:
    model = ScriptedModel()
    async with Session(Agent(), model=model, user=None) as session:
        model.drop(PathDead("The path went silent."))
        events = await events_until(session, lambda e: isinstance(e, Closed))
    assert isinstance(events[-1], Closed)
    assert isinstance(events[-1].error, PathDead)


@virtual_time
async def test_a_lost_device_ends_the_session_with_its_error() -> None:
    user = MemoryUser()
    async with Session(Agent(), model=ScriptedModel(), user=user) as session:
        user.hang_up(DeviceError("The microphone stopped."))
        events = await events_until(session, lambda e: isinstance(e, Closed))
    assert isinstance(events[-1], Closed)
    assert isinstance(events[-1].error, DeviceError)


@virtual_time
async def test_a_lost_device_ends_what_was_begun() -> None:
    user = MemoryUser()
    model = ScriptedModel()
    async with Session(Agent(), model=model, user=user, settings=SERVER_TURNS) as session:
        model.begin_answer()
        model.speak("A long story.", bytes(480_000))
        await events_until(session, lambda e: isinstance(e, TurnStarted))
        user.hang_up(DeviceError("The speaker stopped."))
        events = await events_until(session, lambda e: isinstance(e, Closed))
    assert any(agent_ended(e) for e in events)
    assert events[-1] == Closed("device lost", events[-1].error, events[-1].time_s)  # type: ignore[union-attr]


@virtual_time
async def test_a_connection_lost_while_the_devices_open_is_raised_and_leaves_none_of_them_open() -> None:
    class SlowUser(MemoryUser):
        closed_after_opening = False
        opened = False

        async def open(self, receiver: UserReceiver) -> None:
            await asyncio.sleep(1)
            await super().open(receiver)
            self.opened = True

        async def close(self) -> None:
            self.closed_after_opening = self.opened
            await super().close()

    model, user = ScriptedModel(), SlowUser(open_mic=True)
    asyncio.get_running_loop().call_later(0.5, lambda: model.drop(PathDead("The path went silent.")))
    with pytest.raises(PathDead):
        async with Session(Agent(greeting="Welcome!"), model=model, user=user, settings=SERVER_TURNS):
            pass
    assert user.closed_after_opening
    assert model.closed


@virtual_time
async def test_a_picture_that_is_too_large_for_the_way_is_told_and_the_session_goes_on() -> None:
    class NarrowModel(ScriptedModel):
        def send(self, message: bytes) -> None:
            if len(message) > 10_000:
                raise LocalProtocolError("A message is too large.", code="message_too_large")
            super().send(message)

    model = NarrowModel()
    async with Session(Agent(), model=model, user=None) as session:
        session.send_image("data:image/png;base64," + "A" * 20_000)
        events = await events_until(session, lambda e: isinstance(e, ErrorRaised))
        assert isinstance(events[-1], ErrorRaised)
        assert events[-1].error.code == "message_too_large"
        session.send_text("hello")
        assert len(model.sent_of("conversation.item.create")) == 1


@virtual_time
async def test_a_failure_with_a_microphone_frame_ends_the_session_too(monkeypatch: pytest.MonkeyPatch) -> None:
    user = MemoryUser(open_mic=True)
    async with Session(Agent(), model=ScriptedModel(), user=user, settings=SERVER_TURNS) as session:
        monkeypatch.setattr(session._meter, "microphone", lambda _: 1 / 0)
        events = await events_until(session, lambda e: isinstance(e, Closed))
    assert isinstance(events[-1], Closed)
    assert events[-1].error is not None
    assert events[-1].error.code == "internal"


BAD_MESSAGES = [
    b"",
    b"not json",
    b"\xff\xfe",
    b"[" * 100_000,
    b"[]",
    b'{"type": 7}',
    b'{"type": "response.created"}',
    b'{"type": "response.output_audio.delta", "delta": "&&&", "response_id": "r", "item_id": "i"}',
]
STRANGE_EVENTS: list[tuple[str, dict[str, object]]] = [
    ("something.new", {"field": 1}),
    ("response.done", {"response": {"id": "resp_never", "object": "realtime.response", "status": "completed"}}),
    ("conversation.item.truncated", {"item_id": "nobody", "content_index": 0, "audio_end_ms": 5}),
    ("input_audio_buffer.speech_stopped", {"audio_end_ms": 5, "item_id": "nobody"}),
    ("conversation.item.deleted", {"item_id": "nobody"}),
]


@virtual_time
async def test_bad_and_strange_messages_are_reported_and_the_session_goes_on() -> None:
    model = ScriptedModel()
    user = MemoryUser()
    async with Session(Agent(), model=model, user=user, settings=SERVER_TURNS) as session:
        for message in BAD_MESSAGES:
            model.emit_raw(message)
        for kind, fields in STRANGE_EVENTS:
            model.emit(kind, **fields)
        model.answer("Still here.", bytes(9600))
        model.answer("Still here.", bytes(9600))  # the same again: a duplicate
        await session.wait_idle()
        assert [item.text for item in session.history if item.role == "assistant"] == ["Still here."]
        events = await events_until(session, agent_ended)
    errors = [e.error for e in events if isinstance(e, ErrorRaised)]
    assert len(errors) == len(BAD_MESSAGES)
    assert user.played == 4800


@virtual_time
async def test_a_tool_that_needs_approval_asks_and_obeys() -> None:
    asked: list[str] = []

    @tool(needs_approval=True)
    async def launch(target: str) -> str:
        """Launch it."""
        return f"launched at {target}"

    for allowed in (True, False):
        model = ScriptedModel()

        async def approve(call: object, allowed: bool = allowed) -> bool:
            asked.append(str(call))
            return allowed

        async with Session(Agent(tools=[launch]), model=model, user=None, approve=approve) as session:
            model.call("launch", '{"target": "the moon"}')
            events = await events_until(session, lambda e: isinstance(e, ToolFinished))
            finished = events[-1]
            assert isinstance(finished, ToolFinished)
            assert (finished.error is None) is allowed
            outputs = model.sent_of("conversation.item.create")
            assert len(outputs) == 1
            assert outputs[0]["item"]["call_id"] == "call_1"
    assert len(asked) == 2


@virtual_time
async def test_a_failure_inside_ends_the_session_and_not_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel()
    async with Session(Agent(), model=model, user=None) as session:
        monkeypatch.setattr(session._core, "receive", lambda *_: 1 / 0)
        model.emit("session.updated", session={})
        events = await events_until(session, lambda e: isinstance(e, Closed))
    assert isinstance(events[-1], Closed)
    assert events[-1].error is not None
    assert events[-1].error.code == "internal"


def test_names_that_cannot_be_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="desktop"):
        Session(Agent(), user="telephone")
    with pytest.raises(ConfigError, match="no name"):
        Session(Agent(), model=" ", user=None)
    with pytest.raises(ConfigError, match="server"):
        Settings(turns="sometimes")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="add"):
        Agent(tools=[add, add])


def test_every_event_becomes_plain_data() -> None:
    assert as_dict(TurnStarted("user", "item_1", 1.5)) == {
        "type": "turn_started",
        "speaker": "user",
        "item_id": "item_1",
        "time_s": 1.5,
        "latency_s": None,
    }
    data = as_dict(Closed("lost", RealtimeAgentError("It broke.", code="broken"), 2.0))
    assert data["error"] == {"code": "broken", "message": "It broke."}
