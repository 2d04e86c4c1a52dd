"""Served sessions over real WebSockets: the handshake's table, whole conversations, limits, and the end."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.exceptions import InvalidStatus

from realtime_agent import Agent, Session, Settings
from realtime_agent.events import AgentTranscript, TurnEnded, UserTranscript
from realtime_agent.server.web.serve_settings import ServeSettings
from realtime_agent.transports.user.memory import MemoryUser
from tests.fakes_engine import FakeEngine, loud, quiet
from tests.loopback.test_serve_http import handshake
from tests.serving import DEADLINE_S, KEY, Served, client_of, served

TURN = quiet(400) + loud(1000) + quiet(600)
OPEN = ServeSettings()


async def refused(server: Served, key: str | None = KEY, **how: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as failed:
        async with client_of(server, key, **how):
            pass
    response = failed.value.response
    body = TypeAdapter(dict[str, dict[str, Any]]).validate_json(response.body or b"{}")
    return response.status_code, body["error"]["code"]


async def test_the_handshakes_table(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as server:
        assert await refused(server, None) == (401, "invalid_api_key")
        assert await refused(server, "sk-wrong") == (401, "invalid_api_key")
        assert await refused(server, headers={"Origin": "https://evil.example.com"}) == (403, "origin_not_allowed")
        assert await refused(server, headers={"Origin": "null"}) == (403, "origin_not_allowed")
        assert await refused(server, query="?call_id=rtc_1") == (404, "call_id_not_found")
        assert await refused(server, query="?intent=nonsense") == (400, "invalid_value")
        assert await refused(server, query=f"?model={'m' * 101}") == (400, "invalid_value")
        assert await refused(server, query="/nowhere") == (404, "unknown_url")
        assert (await handshake(server, {"Host": "evil.example.com"}))[0] == 421
        for headers in ({"Origin": "http://localhost:3000"}, {"Origin": f"http://127.0.0.1:{server.port}"}):
            async with client_of(server, headers=headers) as client:
                assert (await client.next())["session"]["model"] == "gpt-realtime"
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_kind_of_session_that_is_not_served_is_refused_before_it_opens() -> None:
    async with served(kinds=["realtime"]) as server:
        assert await refused(server, query="?intent=transcription") == (501, "not_implemented")
        assert await refused(server, query="/translations?model=x") == (501, "not_implemented")


async def test_a_browser_shows_its_key_in_a_subprotocol_and_is_answered_realtime() -> None:
    async with served() as server:
        offered = ["realtime", f"openai-insecure-api-key.{KEY}", "openai-agents-sdk.0.20.0"]
        origin = {"Origin": "http://localhost:3000"}
        async with client_of(server, None, subprotocols=offered, headers=origin) as client:
            assert client.socket.subprotocol == "realtime"
            await client.until("session.created")
        wrong = ["realtime", "openai-insecure-api-key.sk-wrong"]
        assert await refused(server, None, subprotocols=wrong) == (401, "invalid_api_key")


async def test_without_keys_everyone_on_this_machine_may_talk() -> None:
    async with served(settings=OPEN) as server:
        for key in (None, "sk-anything"):
            async with client_of(server, key, query="") as client:
                assert (await client.next())["session"]["model"] == "realtime-agent"
        assert await refused(server, None, headers={"Origin": "https://evil.example.com"}) == (
            403,
            "origin_not_allowed",
        )


async def test_openais_client_holds_a_spoken_conversation() -> None:
    strict: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    sound = b""
    async with (
        asyncio.timeout(DEADLINE_S),
        served() as server,
        AsyncOpenAI(base_url=f"{server.http}/v1", api_key=KEY) as openai,
        openai.realtime.connect(model="gpt-realtime") as connection,
    ):
        await connection.session.update(session={"type": "realtime", "instructions": "Answer."})
        for start in range(0, len(TURN), 4800):
            chunk = base64.b64encode(TURN[start : start + 4800]).decode()
            await connection.input_audio_buffer.append(audio=chunk)
        async for event in connection:
            strict.validate_python(event.to_dict())
            if event.type == "response.output_audio.delta":
                sound += base64.b64decode(event.delta)
            if event.type == "response.done":
                break
    assert len(sound) > 24_000


async def test_openais_client_mints_a_secret_and_uses_it() -> None:
    async with served() as server, AsyncOpenAI(base_url=f"{server.http}/v1", api_key=KEY) as openai:
        minted = await openai.realtime.client_secrets.create(
            session={"type": "realtime", "model": "gpt-realtime"}, expires_after={"anchor": "created_at", "seconds": 60}
        )
        assert 55 <= minted.expires_at - time.time() <= 61  # noqa: TID251 - a date
        page = AsyncOpenAI(base_url=f"{server.http}/v1", api_key=minted.value)
        async with page, page.realtime.connect(model="gpt-realtime") as connection:
            assert (await connection.recv()).type == "session.created"


async def test_our_own_session_holds_a_spoken_conversation_over_the_wire() -> None:
    user = MemoryUser(open_mic=True)
    said: list[tuple[type, str]] = []
    async with (
        asyncio.timeout(2 * DEADLINE_S),
        served(settings=OPEN) as server,
        Session(Agent("Answer."), model=server.ws, user=user, settings=Settings(duck=False)) as session,
    ):
        speaking = user.speak(quiet(200) + loud(600) + quiet(700))
        async for event in session:
            if isinstance(event, UserTranscript | AgentTranscript) and event.final:
                said.append((type(event), event.text))
            if isinstance(event, TurnEnded) and event.speaker == "agent":
                break
        await speaking
    assert said == [(UserTranscript, "hello there"), (AgentTranscript, "You said hello there.")]
    assert any(user.take_heard())


async def test_one_session_too_many_is_refused_and_the_others_go_on() -> None:
    async with served(max_sessions=2) as server, client_of(server) as first:
        async with client_of(server) as second:
            await second.until("session.created")
            assert await refused(server) == (503, "session_limit_reached")
            assert (await first.answer("Hello"))["status"] == "completed"
        async with client_of(server) as third:
            await third.until("session.created")


async def test_sessions_are_counted_by_key_and_by_address() -> None:
    keys = ServeSettings(api_keys=(KEY, "sk-2"))
    async with served(settings=keys, max_sessions_per_key=1) as server, client_of(server):
        assert await refused(server) == (429, "session_limit_reached")
        async with client_of(server, "sk-2") as client:
            await client.until("session.created")
    async with served(settings=keys, max_sessions_per_address=1) as server, client_of(server):
        assert await refused(server, "sk-2") == (429, "session_limit_reached")


async def test_who_knocks_too_often_waits() -> None:
    async with served(opens_per_minute=3) as server:
        for _ in range(3):
            assert (await refused(server, "sk-guess"))[0] == 401
        assert await refused(server) == (429, "rate_limit_exceeded")


async def test_a_refused_handshake_leaves_the_secret_unused() -> None:
    import httpx

    async with served(max_sessions=1) as server, httpx.AsyncClient() as http:
        answer = await http.post(
            f"{server.http}/v1/realtime/client_secrets", headers={"Authorization": f"Bearer {KEY}"}
        )
        value = answer.json()["value"]
        async with client_of(server):
            assert await refused(server, value) == (503, "session_limit_reached")
        async with client_of(server, value) as client:
            await client.until("session.created")


async def test_a_session_has_an_end() -> None:
    async with served(session_s=0.3) as server, client_of(server) as client:
        assert (await client.until("error"))["error"]["code"] == "session_expired"
        assert await client.close_code() == 1001


async def test_a_client_that_says_nothing_is_let_go() -> None:
    async with served(idle_s=0.3) as server, client_of(server) as client:
        await client.until("session.created")
        assert await client.close_code() == 1001


async def test_stopping_the_server_ends_live_sessions_at_once() -> None:
    engine = FakeEngine()
    engine.brain.gate.clear()
    async with served(engine) as server:
        clients = [client_of(server) for _ in range(5)]
        opened = [await client.__aenter__() for client in clients]
        for client in opened:
            await client.write("Hello")
            await client.send("response.create")
            await client.until("response.created")
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert engine.brain.running == 0
    for client, manager in zip(opened, clients, strict=True):
        assert await client.close_code() == 1012
        await manager.__aexit__(None, None, None)
