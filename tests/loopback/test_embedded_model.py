"""The embedded model with its asyncio shell: an engine of fakes, encoded messages, and real time in milliseconds."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from realtime_agent.engine import Engine
from realtime_agent.engine import engine as engine_module
from realtime_agent.engine.parts import BrainEvent, BrainRequest, SpokenClause, TextDelta, ToolCallRequest
from realtime_agent.errors import ConnectFailed, EngineError, LocalProtocolError, MissingExtra, PathDead, TransportError
from realtime_agent.protocol import InputAudioBufferAppend, encode
from realtime_agent.server.core import readers
from realtime_agent.server.shell import speaking, transcriber
from realtime_agent.transports.model import embedded
from realtime_agent.transports.model.base import Model, ModelConnection
from realtime_agent.transports.model.embedded import EmbeddedModel
from tests.fakes_engine import FakeBrain, FakeEar, FakeEngine, FakeVoice, loud, make_loudness_detector, quiet
from tests.loopback.model_conformance import check_model_transport
from tests.order_checker import Json, OrderChecker
from tests.server_harness import oracle

TURN = quiet(400) + loud(1000) + quiet(600)
DEADLINE_S = 5.0


class Client:
    """Listens to a connection, checks what it hears, and waits for the thing itself."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self.checker = OrderChecker()
        self.closed: list[TransportError | None] = []
        self.changed = asyncio.Event()
        self.connection: ModelConnection | None = None
        self.inside_send = False

    def on_message(self, message: bytes) -> None:
        assert not self.inside_send, "called from within our own call"
        assert not self.closed, "a message after the end"
        event = json.loads(message)
        oracle().validate_python(event)
        self.checker.feed(event)
        self.events.append(event)
        self.changed.set()

    def on_closed(self, error: TransportError | None) -> None:
        self.closed.append(error)
        self.changed.set()

    def send(self, type: str, **fields: Any) -> None:
        self.send_bytes(json.dumps({"type": type, **fields}).encode())

    def send_bytes(self, message: bytes) -> None:
        assert self.connection is not None
        self.inside_send = True
        self.connection.send(message)
        self.inside_send = False

    def hear(self, pcm: bytes) -> None:
        for offset in range(0, len(pcm), 960):
            self.send_bytes(encode(InputAudioBufferAppend(pcm[offset : offset + 960])))

    def write(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def event(self, type: str, count: int = 1) -> Json:
        await self.until(lambda: len(self.of(type)) >= count)
        return self.of(type)[count - 1]

    async def response(self, count: int = 1) -> Json:
        response: Json = (await self.event("response.done", count))["response"]
        return response

    def of(self, type: str) -> list[Json]:
        return [event for event in self.events if event["type"] == type]


async def until_soon(condition: Callable[[], bool]) -> None:
    """Within a few rounds of the loop."""
    for _ in range(20):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not happen soon")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[Client]:
    client = Client()
    model = EmbeddedModel(engine, make_detector=make_loudness_detector)
    client.connection = await model.connect(client)
    yield client
    await client.connection.close()


async def test_a_spoken_question_is_answered_aloud(client: Client, engine: FakeEngine) -> None:
    client.hear(TURN)
    response = await client.response()
    assert response["status"] == "completed"
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "You said hello there."}]
    sound = b"".join(base64.b64decode(event["delta"]) for event in client.of("response.output_audio.delta"))
    expected = 48 * 40 * len("You said hello there.")
    assert abs(len(sound) - expected) <= 4
    client.checker.finish()


async def test_the_agent_speaks_while_the_brain_still_writes(client: Client, engine: FakeEngine) -> None:
    engine.brain.script = lambda _: [TextDelta("The first sentence is done. "), TextDelta("The second one follows.")]
    engine.brain.gate.clear()
    client.write("Go.")
    client.send("response.create")
    await client.event("response.output_audio.delta")
    assert client.of("response.done") == []
    engine.brain.gate.set()
    response = await client.response()
    transcript = response["output"][0]["content"][0]["transcript"]
    assert transcript == "The first sentence is done. The second one follows."
    assert [text for text, _, _ in engine.voice.spoken] == ["The first sentence is done. ", "The second one follows."]


async def test_interrupting_closes_brain_and_voice_at_once(client: Client, engine: FakeEngine) -> None:
    engine.brain.script = lambda _: [TextDelta("The first sentence is done. ")] * 5
    engine.brain.gate.clear()
    client.write("Go.")
    client.send("response.create")
    await client.event("response.output_audio.delta")
    assert engine.brain.running == 1
    client.hear(loud(100))
    response = await client.response()
    assert response["status_details"]["reason"] == "turn_detected"
    await until_soon(lambda: engine.brain.running == 0)


async def test_tools_are_called_after_what_was_said_before_them(client: Client, engine: FakeEngine) -> None:
    engine.brain.script = lambda _: [TextDelta("One moment"), ToolCallRequest("a", "{}"), TextDelta("Done.")]
    client.write("Go.")
    client.send("response.create")
    output = (await client.response())["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message"]


async def test_text_only_needs_no_voice(client: Client, engine: FakeEngine) -> None:
    client.write("Go.")
    client.send("response.create", response={"output_modalities": ["text"]})
    assert (await client.response())["output"][0]["content"] == [{"type": "output_text", "text": "You said Go.."}]
    assert engine.voice.spoken == []


# Errors are made in the tests: pytest keeps parameters for ever, and an error keeps its frames.
@pytest.mark.parametrize("error", [EngineError, ValueError])
async def test_a_failing_brain_fails_the_response_and_the_next_one_works(
    client: Client, engine: FakeEngine, error: type[Exception]
) -> None:
    engine.brain.failure = error("secret" if error is ValueError else "No eyes.")
    client.write("Go.")
    client.send("response.create")
    response = await client.response()
    assert response["status"] == "failed"
    assert "secret" not in json.dumps(response)
    engine.brain.failure = None
    client.send("response.create")
    assert (await client.response(2))["status"] == "completed"


async def test_a_failing_voice_fails_the_response(client: Client, engine: FakeEngine) -> None:
    engine.voice.fail_at = "second"
    engine.brain.script = lambda _: [TextDelta("The first sentence. "), TextDelta("The second sentence.")]
    client.write("Go.")
    client.send("response.create")
    response = await client.response()
    assert response["status_details"]["error"]["message"] == "The voice lost its breath."
    assert response["output"][0]["content"][0]["transcript"] == "The first sentence. "
    assert engine.brain.running == 0


async def test_a_brain_that_hangs_is_given_up(
    client: Client, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "BRAIN_DEADLINE_S", 0.02)
    engine.brain.gate.clear()
    client.write("Go.")
    client.send("response.create")
    response = await client.response()
    assert response["status_details"]["error"]["code"] == "engine_timeout"
    assert engine.brain.running == 0


@pytest.mark.parametrize(
    ("error", "message"), [(EngineError, "The ear is deaf."), (RuntimeError, "The ear failed (RuntimeError).")]
)
async def test_a_failing_ear_fails_the_turn_and_the_next_one_works(
    client: Client, engine: FakeEngine, error: type[Exception], message: str
) -> None:
    engine.ear.failure = error("The ear is deaf.")
    client.hear(TURN)
    assert (await client.response())["status_details"]["error"]["message"] == message
    engine.ear.failure = None
    client.hear(TURN)
    assert (await client.response(2))["status"] == "completed"


async def test_an_ear_that_is_slow_skips_what_is_old(client: Client, engine: FakeEngine) -> None:
    client.send("session.update", session={"type": "realtime", "audio": {"input": {"transcription": {"model": "x"}}}})
    engine.ear.gate.clear()
    client.hear(loud(4000))
    await client.event("input_audio_buffer.speech_started")
    engine.ear.gate.set()
    client.hear(quiet(600))
    await client.event("response.done")
    assert len(engine.ear.heard) <= 3  # nine partials were asked for


async def test_the_last_words_do_not_wait_for_a_partial_transcript(client: Client, engine: FakeEngine) -> None:
    client.send("session.update", session={"type": "realtime", "audio": {"input": {"transcription": {"model": "x"}}}})
    engine.ear.gate.clear()
    client.hear(loud(1000))
    await until_soon(lambda: len(engine.ear.heard) == 1)
    engine.ear.wait_for_gate = False
    client.hear(quiet(600))
    assert (await client.response())["status"] == "completed"


async def test_too_much_waiting_sound_is_refused_and_not_kept(
    client: Client, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcriber, "MAX_WAITING", 2)
    manual = {"turn_detection": None, "transcription": {"model": "x"}}
    client.send("session.update", session={"type": "realtime", "audio": {"input": manual}})
    engine.ear.gate.clear()
    for _ in range(5):
        client.hear(loud(200))
        client.send("input_audio_buffer.commit")
    failed = await client.event("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["code"] == "overloaded"
    engine.ear.gate.set()
    await client.event("conversation.item.input_audio_transcription.completed", 2)


async def test_a_turn_that_fails_at_once_still_begins_before_it_ends(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcriber, "MAX_WAITING", 0)
    client.hear(TURN)
    response = await client.response()
    assert response["status_details"]["error"]["code"] == "overloaded"


async def test_silence_is_measured_by_the_clock(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MIN_IDLE_TIMEOUT_MS", 1)
    vad = {"type": "server_vad", "idle_timeout_ms": 20}
    session = {"type": "realtime", "output_modalities": ["text"], "audio": {"input": {"turn_detection": vad}}}
    client.send("session.update", session=session)
    client.hear(TURN)
    await client.event("input_audio_buffer.timeout_triggered")
    await client.response(2)


async def test_malformed_messages_are_answered(client: Client) -> None:
    client.send_bytes(b"\xff\xfe{")
    client.send_bytes(b'{"type": "no.such.event"}')
    await client.event("error", 2)


async def test_a_fault_in_the_core_is_reported_and_outlived(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from realtime_agent.server.core.session import ServerSession

    def fail(self: ServerSession, event: object, now: float) -> None:
        raise ZeroDivisionError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(ServerSession, "receive", fail)
        client.write("Go.")
        error = (await client.event("error"))["error"]
    assert (error["type"], error["code"]) == ("server_error", "internal_error")
    assert "secret" not in error["message"]
    client.write("Go.")
    client.send("response.create")
    await client.response()


# the connection


@asynccontextmanager
async def over_fakes() -> AsyncIterator[Model]:
    engine = FakeEngine()
    yield EmbeddedModel(engine, make_detector=make_loudness_detector)
    await engine.close()


async def test_it_does_what_every_way_to_a_model_must_do() -> None:
    await check_model_transport(over_fakes)


async def test_closing_is_said_once_and_nothing_comes_after(engine: FakeEngine) -> None:
    client = Client()
    client.connection = await EmbeddedModel(engine, make_detector=make_loudness_detector).connect(client)
    engine.brain.gate.clear()
    client.write("Go.")
    client.send("response.create")
    await client.event("response.created")
    await until_soon(lambda: engine.brain.running == 1)
    await asyncio.gather(client.connection.close(), client.connection.close())
    await client.until(lambda: client.closed)
    client.send("response.create")
    await client.connection.close()
    await asyncio.sleep(0)
    assert client.closed == [None]
    assert engine.brain.running == 0


async def test_aborting_leaves_nothing_behind(engine: FakeEngine) -> None:
    client = Client()
    client.connection = await EmbeddedModel(engine, make_detector=make_loudness_detector).connect(client)
    client.hear(TURN)
    await client.event("response.created")
    client.connection.abort()
    await client.until(lambda: client.closed)
    await client.connection.close()
    assert client.closed == [None]


async def test_a_client_that_floods_is_dropped(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "MAX_UNDELIVERED_BYTES", 10_000)
    client = Client()
    client.connection = await EmbeddedModel(engine, make_detector=make_loudness_detector).connect(client)
    for _ in range(20):
        client.hear(loud(20))
    await client.until(lambda: client.closed)
    assert isinstance(client.closed[0], PathDead)
    await client.connection.close()


async def test_the_engine_that_the_model_made_is_shared_and_closed_with_the_last_session() -> None:
    made: list[FakeEngine] = []

    def make() -> FakeEngine:
        made.append(FakeEngine())
        return made[-1]

    model = EmbeddedModel(make_engine=make, make_detector=make_loudness_detector)
    first, second = await model.connect(Client()), await model.connect(Client())
    assert [engine.ear.started for engine in made] == [1]
    await first.close()
    assert made[0].ear.closed == 0
    await second.close()
    assert (made[0].ear.closed, made[0].brain.closed, made[0].voice.closed) == (1, 1, 1)
    third = await model.connect(Client())
    assert len(made) == 2
    await third.close()


async def test_the_engine_that_was_passed_is_not_closed(engine: FakeEngine) -> None:
    connection = await EmbeddedModel(engine, make_detector=make_loudness_detector).connect(Client())
    await connection.close()
    assert engine.ear.closed == 0
    await engine.close()


async def test_an_engine_that_does_not_start_is_no_connection() -> None:
    class Broken(FakeEngine):
        async def start(self) -> None:
            raise EngineError("The weights are gone.")

    made: list[FakeEngine] = []

    def make() -> FakeEngine:
        made.append(Broken())
        return made[-1]

    with pytest.raises(ConnectFailed, match="weights"):
        await EmbeddedModel(make_engine=make).connect(Client())
    assert made[0].ear.closed == 1


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "realtime_agent.server.shell.runner", None)
    with pytest.raises(MissingExtra, match=r"pip install 'realtime-agent\[engine\]'"):
        await EmbeddedModel().connect(Client())


async def test_a_closed_engine_cannot_be_started(engine: FakeEngine) -> None:
    await engine.start()
    await engine.start()
    assert engine.ear.started == 1
    await engine.close()
    await engine.close()
    assert engine.ear.closed == 1
    with pytest.raises(LocalProtocolError):
        await engine.start()


async def test_iterators_that_are_no_generators_will_do(engine: FakeEngine) -> None:
    class Once:
        """An async iterator without `aclose`."""

        def __init__(self, items: list[Any]) -> None:
            self.items = items

        def __aiter__(self) -> Once:
            return self

        async def __anext__(self) -> Any:
            if not self.items:
                raise StopAsyncIteration
            return self.items.pop(0)

    class PlainEngine(FakeEngine):
        def __init__(self) -> None:
            super().__init__()
            self.brain.reply = lambda request: self.reply(request)  # type: ignore[method-assign]
            self.voice.speak = lambda text, **_: Once([SpokenClause(text, loud(100, 16_000))])  # type: ignore

        def reply(self, request: BrainRequest) -> Any:
            events: list[BrainEvent] = [TextDelta("Plain words.")]
            return Once(events)

    client = Client()
    client.connection = await EmbeddedModel(PlainEngine(), make_detector=make_loudness_detector).connect(client)
    client.write("Go.")
    client.send("response.create")
    assert (await client.response())["output"][0]["content"][0]["transcript"] == "Plain words."
    await client.connection.close()


async def test_an_engine_that_starts_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(FakeEar):
        async def start(self) -> None:
            await asyncio.Event().wait()

        async def close(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(engine_module, "START_DEADLINE_S", 0.01)
    monkeypatch.setattr(engine_module, "CLOSE_DEADLINE_S", 0.01)
    engine = Engine(Slow(), FakeBrain(), FakeVoice())
    assert engine.name == "fake-ear + fake-brain + fake-voice"
    with pytest.raises(EngineError, match="did not start"):
        await engine.start()
    await engine.close()


async def test_a_part_that_cannot_be_loaded_is_said() -> None:
    class Broken(FakeEar):
        async def start(self) -> None:
            raise EngineError("The weights are gone.")

    engine = Engine(Broken(), FakeBrain(), FakeVoice())
    with pytest.raises(EngineError, match="weights"):
        await engine.start()
    await engine.close()
