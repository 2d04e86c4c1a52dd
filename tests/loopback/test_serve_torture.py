"""What bad, slow and huge clients do to a served session, and what they do not do to the others."""

from __future__ import annotations

import asyncio
import base64
import json
import resource
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime_agent.engine.parts import BrainEvent, BrainRequest, TextDelta
from tests.fakes_engine import FakeBrain, FakeEngine, FakeVoice
from tests.serving import DEADLINE_S, KEY, Served, client_of, served

MIB = 1 << 20


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def append(pcm: bytes) -> str:
    return json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})


def session_update(**fields: object) -> str:
    return json.dumps({"type": "session.update", "session": {"type": "realtime", **fields}})


BAD: list[tuple[str, str | bytes]] = [
    ("not JSON", "hello"),
    ("100,000 brackets", "[" * 100_000),
    ("nested objects", '{"a":' * 5000 + "1" + "}" * 5000),
    ("an array", "[]"),
    ("no type", "{}"),
    ("unknown event", '{"type": "session.destroy"}'),
    ("wrong type of a field", '{"type": "input_audio_buffer.append", "audio": 5}'),
    ("bad base64", '{"type": "input_audio_buffer.append", "audio": "###"}'),
    ("odd byte count", '{"type": "input_audio_buffer.append", "audio": "AAAA"}'),
    ("NaN", '{"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": NaN}'),
    ("lone surrogate", '{"type": "conversation.item.delete", "item_id": "\\ud800"}'),
    ("a binary frame", b'{"type": "input_audio_buffer.clear"}'),
    ("2 MiB of text", session_update(instructions="x" * 2 * MIB)),
    ("a long odd append", append(bytes(200_001))),
]  # fmt: skip


async def test_each_bad_message_gives_one_error_event_and_the_session_lives() -> None:
    async with served() as server, client_of(server) as client:
        await client.until("session.created")
        for name, message in BAD:
            await client.socket.send(message)
            assert (await client.next())["type"] == "error", name
            await client.send("input_audio_buffer.clear")
            assert (await client.next())["type"] == "input_audio_buffer.cleared", name
        assert (await client.answer("Hello"))["status"] == "completed"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=50), st.binary(max_size=50)), max_size=20))
def test_any_frames_are_answered_one_by_one(frames: list[str | bytes]) -> None:
    frames = [frame for frame in frames if isinstance(frame, bytes) or frame.isprintable()]

    async def converse() -> None:
        async with served() as server, client_of(server) as client:
            await client.until("session.created")
            for frame in frames:
                await client.socket.send(frame)
                assert (await client.next())["type"] == "error"

    asyncio.run(converse())


async def test_a_bug_in_an_engine_is_told_before_the_session_opens(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine()
    async with served(engine) as server:
        del engine.voice
        with pytest.raises(InvalidStatus) as failed:
            async with client_of(server):
                pass
        assert failed.value.response.status_code == 500
        engine.voice = FakeVoice()
        async with client_of(server) as client:
            assert (await client.answer("Hello"))["status"] == "completed"
    assert "AttributeError" in caplog.text


async def test_invalid_utf8_ends_the_connection_alone() -> None:
    async with served() as server, client_of(server) as other, client_of(server) as client:
        await client.until("session.created")
        await client.socket.send(b"\xff\xfe", text=True)
        assert await client.close_code() == 1007
        assert (await other.answer("Hello"))["status"] == "completed"


@pytest.mark.parametrize("frames", [1, 64])
async def test_a_message_of_64_mib_closes_with_1009_and_costs_little_memory(frames: int) -> None:
    piece = b"x" * (64 * MIB // frames)

    async def parts() -> Any:
        for _ in range(frames):
            yield piece

    async with served() as server, client_of(server) as other, client_of(server) as client:
        await client.until("session.created")
        await other.until("session.created")
        before = rss_bytes()
        sending = asyncio.create_task(client.socket.send(piece if frames == 1 else parts(), text=True))
        assert await client.close_code() == 1009
        with pytest.raises(ConnectionClosed):
            await sending
        # This process is the client too, and holds what it sends: a masked copy of a frame.
        assert rss_bytes() - before < 16 * MIB + 2 * len(piece)
        assert (await other.answer("Hello"))["status"] == "completed"


async def test_no_compression_is_agreed_on() -> None:
    async with served() as server, client_of(server) as client:
        assert client.socket.protocol.extensions == []  # though `websockets` offers it


async def raw(server: Served, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    return reader, writer


HALVES = (b"", b"GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"POST /v1/realtime/client_secrets HTTP/1.1\r\n"
          b"Host: localhost\r\nAuthorization: Bearer " + KEY.encode() + b"\r\nContent-Length: 10\r\n\r\n{")  # fmt: skip


async def test_half_a_request_is_dropped_after_its_deadline_and_delays_nobody() -> None:
    async with served(handshake_s=1.0) as server:
        half_open = [await raw(server, HALVES[number % 3]) for number in range(90)]
        began = time.monotonic()
        async with client_of(server) as client:
            await client.until("session.created")
        assert time.monotonic() - began < 0.5
        for reader, writer in half_open:
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises((ConnectionResetError, EOFError)):
                    await reader.readexactly(1)
            writer.close()
        assert time.monotonic() - began < 3


async def test_endless_headers_are_cut_off() -> None:
    async with served() as server:
        reader, writer = await raw(server, b"GET / HTTP/1.1\r\n" + b"X-Long: y\r\n" * 10_000)
        async with asyncio.timeout(DEADLINE_S):
            assert (await reader.readline()).startswith(b"HTTP/1.1 431")
        writer.close()


async def test_no_more_than_so_many_connections_are_held() -> None:
    async with served(max_connections=5) as server:
        held = [await raw(server, b"") for _ in range(5)]
        reader, writer = await raw(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises((ConnectionResetError, EOFError)):
                await reader.readexactly(1)
        for _, each in [*held, (reader, writer)]:
            each.close()


@asynccontextmanager
async def deaf_client(server: Served) -> AsyncIterator[None]:
    """Asks for an endless answer and reads nothing of it."""
    loop = asyncio.get_running_loop()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        await loop.sock_connect(deaf, ("127.0.0.1", server.port))
        await loop.sock_sendall(
            deaf,
            b"GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            b"Authorization: Bearer " + KEY.encode() + b"\r\n\r\n",
        )
        assert (await loop.sock_recv(deaf, 100)).startswith(b"HTTP/1.1 101")
        message = b'{"type":"response.create"}'
        await loop.sock_sendall(deaf, bytes([0x81, 0x80 | len(message), 0, 0, 0, 0]) + message)
        yield


class WatchedBrain(FakeBrain):
    """Tells when a reply begins and ends."""

    def __init__(self, text: str, pieces: int) -> None:
        super().__init__(lambda _: [TextDelta(text)] * pieces)
        self.began, self.ended = asyncio.Event(), asyncio.Event()

    async def reply(self, request: BrainRequest) -> AsyncIterator[BrainEvent]:
        self.began.set()
        try:
            async for event in super().reply(request):
                yield event
        finally:
            self.ended.set()


async def test_a_client_that_never_reads_is_let_go_and_its_engine_waits_for_it_until_then() -> None:
    engine = FakeEngine()
    brain = engine.brain = WatchedBrain(
        "This sentence is spoken in four seconds or so, and there is no end of them. ", 2000
    )
    async with served(engine, stall_s=1.0) as server, client_of(server) as other:
        await other.until("session.created")
        before = rss_bytes()
        async with deaf_client(server), asyncio.timeout(DEADLINE_S):
            await brain.began.wait()
            await other.write("Hello")
            assert (await other.until("conversation.item.done"))["item"]["role"] == "user"
            assert not brain.ended.is_set()
            await brain.ended.wait()
        assert len(engine.voice.spoken) < 20  # of 2000: it waited for the client
        assert rss_bytes() - before < 16 * MIB


async def test_audio_faster_than_allowed_waits_in_the_senders_socket() -> None:
    second = append(bytes(48_000))
    async with served(audio_burst_s=2.0, audio_rate=4.0) as server, client_of(server) as client:
        await client.until("session.created")
        began = time.monotonic()
        for _ in range(5):
            await client.socket.send(second)
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
        assert 0.6 < time.monotonic() - began < 1.5  # three seconds above the burst, at four a second


async def test_a_flood_that_would_wait_for_minutes_is_refused() -> None:
    minutes = append(bytes(48_000 * 60))
    async with served(audio_burst_s=2.0, max_audio_wait_s=1.0) as server, client_of(server) as client:
        await client.until("session.created")
        await client.socket.send(minutes)
        assert (await client.next())["error"]["code"] == "rate_limit_exceeded"
        assert (await client.answer("Hello"))["status"] == "completed"


async def test_minutes_of_audio_in_one_message_do_not_stop_the_loop() -> None:
    minutes = append(bytes(48_000 * 120))
    async with served(audio_burst_s=600.0) as server, client_of(server) as client:
        await client.until("session.created")
        await client.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
        await client.until("session.updated")
        await client.socket.send(minutes)
        await client.send("input_audio_buffer.commit")
        item = (await client.until("conversation.item.done"))["item"]
        await client.send("conversation.item.retrieve", item_id=item["id"])
        retrieved = (await client.until("conversation.item.retrieved"))["item"]
        assert len(base64.b64decode(retrieved["content"][0]["audio"])) == 48_000 * 120
