"""TranscriptionSession and TranslationSession: with fakes in process, over a served WebSocket, and with real speech."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from openai.types.realtime import RealtimeTranslationClientSecretCreateResponse

from realtime_agent.audio.wavfile import WavWriter, read_wav
from realtime_agent.engine import Engine
from realtime_agent.engine.translation.apertium import ApertiumTranslator
from realtime_agent.errors import ConfigError, EngineError, LocalProtocolError, PeerClosed, ServerError, TransportError
from realtime_agent.events import Closed, ErrorRaised, SourceText, TranscriptionEvent, TranslatedText, UserTranscript
from realtime_agent.protocol.formats import PCMU
from realtime_agent.transcription import TranscriptionSession
from realtime_agent.translation import TranslationSession
from realtime_agent.transports.model.address import SessionKind
from realtime_agent.transports.model.embedded import EmbeddedModel
from realtime_agent.transports.model.websocket import WebSocketModel
from realtime_agent.transports.user.memory import MemoryUser
from realtime_agent.transports.user.wav import WavUser
from tests.fakes_engine import FakeEngine, loud, make_loudness_detector, quiet
from tests.real_speech import two_cities_path
from tests.serving import KEY, served

DEADLINE_S = 20.0


class FakeTranslator:
    """Shouts. Fails at what has `fail_at` in it."""

    name = "fake-translator"
    pairs = (("en", "es"), ("en", "ca"))

    def __init__(self) -> None:
        self.fail_at: str | None = None
        self.started = self.closed = 0

    async def start(self) -> None:
        self.started += 1

    async def translate(self, text: str, *, source: str, target: str) -> str:
        if self.fail_at is not None and self.fail_at in text:
            raise EngineError("Lost for words.", code="translator_failed")
        return f"¡{text.upper()}!"

    async def close(self) -> None:
        self.closed += 1


def fake_engine() -> FakeEngine:
    engine = FakeEngine(text="hello there")
    engine.translator = FakeTranslator()
    engine.voice.voices = ("es-ES", "fake")  # type: ignore[assignment]
    return engine


@pytest.fixture
def engine() -> FakeEngine:
    return fake_engine()


def embedded(engine: Engine, kind: SessionKind) -> EmbeddedModel:
    return EmbeddedModel(engine, kind=kind, make_detector=make_loudness_detector)


async def written(session: TranscriptionSession) -> list[TranscriptionEvent]:
    async with asyncio.timeout(DEADLINE_S):
        return [event async for event in session]


def say(user: MemoryUser, *sounds: bytes) -> None:
    """All at once: time in these sessions is the audio's."""
    for sound in sounds:
        for offset in range(0, len(sound), 960):
            user.push(sound[offset : offset + 960])


def finals(events: list[TranscriptionEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, UserTranscript) and event.final]


async def test_what_is_said_is_written_down_and_the_session_ends_with_the_person(engine: FakeEngine) -> None:
    user = MemoryUser()
    async with TranscriptionSession(model=embedded(engine, "transcription"), user=user) as session:
        say(user, quiet(300), loud(1000), quiet(900), loud(1000))
        user.hang_up()
        events = await written(session)
    assert finals(events) == ["hello there", "hello there"]
    closed = events[-1]
    assert isinstance(closed, Closed)
    assert (closed.reason, closed.error) == ("user left", None)
    await engine.close()


async def test_an_open_session_becomes_one_of_transcription(engine: FakeEngine) -> None:
    user = MemoryUser()
    async with TranscriptionSession(model=embedded(engine, "realtime"), user=user) as session:
        say(user, loud(1000))
        session.finish()
        assert finals(await written(session)) == ["hello there"]
    await engine.close()


async def test_items_end_where_the_caller_says(engine: FakeEngine) -> None:
    user = MemoryUser()
    async with TranscriptionSession(
        model=embedded(engine, "transcription"), user=user, turns="manual", prompt="Aoife"
    ) as session:
        say(user, loud(500), quiet(900), loud(500))
        session.commit()
        say(user, loud(500))
        session.clear_input()
        session.finish()
        assert finals(await written(session)) == ["hello there"]
    assert engine.ear.hints[-1] == (None, "Aoife")
    await engine.close()


async def test_a_telephone_is_heard_in_its_own_format(engine: FakeEngine) -> None:
    user = MemoryUser(format=PCMU)
    async with TranscriptionSession(model=embedded(engine, "transcription"), user=user) as session:
        for _ in range(50):
            user.push(b"\x00" * 160)
        session.finish()
        assert finals(await written(session)) == ["hello there"]
    await engine.close()


async def test_a_muted_microphone_says_nothing(engine: FakeEngine) -> None:
    user = MemoryUser()
    async with TranscriptionSession(model=embedded(engine, "transcription"), user=user) as session:
        session.muted = True
        say(user, loud(1000), quiet(900))
        session.finish()
        engine.ear.text = ""
        assert finals(await written(session)) == []
    await engine.close()


async def test_closing_in_the_middle_leaves_nothing_and_is_the_last_event(engine: FakeEngine) -> None:
    user = MemoryUser()
    session = TranscriptionSession(model=embedded(engine, "transcription"), user=user)
    async with session:
        say(user, loud(1000))
        await session.close()
        await session.close()
    events = await written(session)
    assert isinstance(events[-1], Closed)
    assert events[-1].reason == "closed"
    with pytest.raises(LocalProtocolError):
        session.commit()
    with pytest.raises(LocalProtocolError):
        await session.__aenter__()
    await engine.close()


async def test_a_server_that_does_not_know_the_language_says_so_on_entering(engine: FakeEngine) -> None:
    with pytest.raises(ServerError) as refused:
        async with TranslationSession("de", model=embedded(engine, "translation"), user=MemoryUser()):
            pass
    assert "'es' (from 'en')" in refused.value.message
    await engine.close()


async def test_the_translation_is_read_and_heard(engine: FakeEngine) -> None:
    user = MemoryUser()
    async with TranslationSession("es", model=embedded(engine, "translation"), user=user) as session:
        say(user, loud(1000), quiet(900))
        session.finish()
        async with asyncio.timeout(DEADLINE_S):
            events = [event async for event in session]
    assert "".join(event.delta for event in events if isinstance(event, SourceText)) == "hello there"
    assert "".join(event.delta for event in events if isinstance(event, TranslatedText)) == "¡HELLO THERE!"
    assert isinstance(events[-1], Closed)
    assert events[-1].error is None
    heard = user.take_heard()
    assert sum(1 for sample in memoryview(heard).cast("h") if sample) > 24 * 400  # 13 characters of 40 ms
    assert engine.voice.spoken == [("¡HELLO THERE!", "es-ES", 1.0)]
    await engine.close()


async def test_a_clause_that_cannot_be_translated_is_told_and_the_next_is(engine: FakeEngine) -> None:
    assert isinstance(engine.translator, FakeTranslator)
    engine.translator.fail_at = "hello"
    user = MemoryUser()
    async with TranslationSession("es", model=embedded(engine, "translation"), user=user) as session:
        say(user, loud(1000), quiet(900))
        first = await anext(session)
        while not isinstance(first, ErrorRaised):
            first = await anext(session)
        assert first.error.code == "translator_failed"
        engine.ear.text = "good bye"
        say(user, loud(1000), quiet(900))
        session.finish()
        async with asyncio.timeout(DEADLINE_S):
            events = [event async for event in session]
    assert "".join(event.delta for event in events if isinstance(event, TranslatedText)) == "¡GOOD BYE!"
    await engine.close()


async def test_an_engine_without_translator_refuses_every_language() -> None:
    engine = FakeEngine()
    with pytest.raises(ServerError):
        async with TranslationSession("es", model=embedded(engine, "translation"), user=MemoryUser()):
            pass
    await engine.close()


# Over the wire


async def test_both_kinds_work_over_a_websocket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with served(fake_engine()) as server:
        user = MemoryUser()
        async with TranscriptionSession(model=server.ws, user=user, delay="minimal") as session:
            say(user, loud(1000), quiet(900))
            session.finish()
            assert finals(await written(session)) == ["hello there"]
        user = MemoryUser()
        async with TranslationSession("es", model=f"{server.http}/v1", user=user) as translating:
            say(user, loud(1000), quiet(900))
            translating.finish()
            async with asyncio.timeout(DEADLINE_S):
                events = [event async for event in translating]
    assert "".join(event.delta for event in events if isinstance(event, TranslatedText)) == "¡HELLO THERE!"
    assert isinstance(events[-1], Closed)
    assert events[-1].error is None


async def test_the_server_hangs_up_after_the_last_word() -> None:
    closed: asyncio.Future[TransportError | None] = asyncio.get_running_loop().create_future()
    messages: list[bytes] = []

    class Receiver:
        def on_message(self, message: bytes) -> None:
            messages.append(message)

        def on_closed(self, error: TransportError | None) -> None:
            closed.set_result(error)

    async with served(fake_engine()) as server:
        connection = await WebSocketModel(server.ws, kind="translation", api_key=KEY).connect(Receiver())
        connection.send(b'{"type": "session.close"}')
        async with asyncio.timeout(DEADLINE_S):
            error = await closed
        await connection.close()
    assert isinstance(error, PeerClosed)
    assert error.close_code == 1000
    assert b"session.closed" in messages[-1]


async def test_a_client_secret_opens_a_translation_session_and_no_other() -> None:
    async with (
        served(fake_engine()) as server,
        httpx.AsyncClient(base_url=server.http, headers={"Authorization": f"Bearer {KEY}"}) as http,
    ):
        order = {"session": {"audio": {"output": {"language": "es"}}}, "expires_after": {"seconds": 60}}
        answer = await http.post("/v1/realtime/translations/client_secrets", json=order)
        secret = RealtimeTranslationClientSecretCreateResponse.model_validate(answer.json(), strict=True)
        assert secret.session.type == "translation"
        assert secret.session.audio.output is not None
        assert secret.session.audio.output.language == "es"
        realtime = await http.post("/v1/realtime/client_secrets", json={})
        wrong = WebSocketModel(server.ws, kind="translation", api_key=realtime.json()["value"])
        with pytest.raises(TransportError):
            await TranslationSession("es", model=wrong, user=MemoryUser()).__aenter__()
        right = WebSocketModel(server.ws, kind="translation", api_key=secret.value)
        async with TranslationSession("es", model=right, user=MemoryUser()) as session:
            session.finish()
            assert isinstance(await anext(session), Closed)
        unknown = await http.post(
            "/v1/realtime/translations/client_secrets", json={"session": {"audio": {"output": {"language": "tlh"}}}}
        )
        assert unknown.status_code == 400
        assert unknown.json()["error"]["param"] == "session.audio.output.language"


# What cannot be


async def test_what_cannot_be_asked_for_is_refused_before_anything_is_dialled(tmp_path: Path) -> None:
    for options in ({"delay": "soon"}, {"turns": "local"}, {"user": None}, {"user": "telephone"}):
        with pytest.raises(ConfigError):
            TranscriptionSession(**options)
    with pytest.raises(ConfigError):
        TranslationSession(" ")
    with pytest.raises(ConfigError):
        TranslationSession("es", user=MemoryUser(format=PCMU))


# With real speech


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real_engine() -> AsyncIterator[Engine]:
    pytest.importorskip("moonshine_voice")
    pytest.importorskip("py_nanotts")
    from realtime_agent.engine import default_engine

    engine = default_engine()
    await engine.start()
    yield engine
    await engine.close()


@pytest.fixture
def four_seconds(tmp_path: Path) -> Path:
    """ "It was the best of times. It was the worst of times. …"."""
    path = tmp_path / "speech.wav"
    with WavWriter(path) as writer:
        writer.write(read_wav(two_cities_path(), 24_000)[: 48_000 * 4])
    return path


@pytest.mark.asyncio(loop_scope="module")
async def test_real_speech_is_written_down_faster_than_it_was_said(real_engine: Engine, four_seconds: Path) -> None:
    model = EmbeddedModel(real_engine, kind="transcription")
    async with TranscriptionSession(model=model, user=four_seconds, speed=6, delay="low") as session:
        events = await written(session)
    assert "the best of times" in " ".join(finals(events)).lower()
    assert any(isinstance(event, UserTranscript) and not event.final for event in events)


@pytest.mark.skipif(shutil.which("apertium-wblank-mode") is None, reason="Apertium is not installed")
@pytest.mark.asyncio(loop_scope="module")
async def test_real_speech_is_interpreted(real_engine: Engine, four_seconds: Path, tmp_path: Path) -> None:
    assert isinstance(real_engine.translator, ApertiumTranslator)
    user = WavUser(four_seconds, output=tmp_path / "spoken.wav")
    async with TranslationSession("es", model=EmbeddedModel(real_engine, kind="translation"), user=user) as session:
        async with asyncio.timeout(DEADLINE_S):
            events = [event async for event in session]
    spanish = [event for event in events if isinstance(event, TranslatedText)]
    assert "el mejor de tiempo" in "".join(event.delta for event in spanish).lower()
    assert any(read_wav(tmp_path / "spoken.wav", 16_000))
    assert isinstance(events[-1], Closed)
    assert events[-1].error is None
