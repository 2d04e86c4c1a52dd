"""A WebSocket that goes wrong after it was open: the guards, the ends, and what is no fault at all."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import pytest

from realtime_agent.errors import LocalProtocolError, PathDead, PeerClosed, TransportError
from realtime_agent.transports.model.websocket import WebSocketModel
from tests.loopback.hostile import (
    BINARY,
    CLOSE,
    CONTINUATION,
    CREATED,
    PING,
    PONG,
    TEXT,
    Peer,
    frame,
    goodbye,
    hostile_server,
    realtime,
)
from tests.loopback.model_conformance import PATIENCE_S, UPDATE, Recorder

APPEND = b'{"type":"input_audio_buffer.append","audio":"' + b"A" * 1280 + b'"}'


def impatient(url: str, **changes: float) -> WebSocketModel:
    """A model that waits for nothing long."""
    return WebSocketModel(
        url,
        silence_timeout_s=changes.get("silence_timeout_s", 0.2),
        send_deadline_s=changes.get("send_deadline_s", 0.2),
        close_timeout_s=0.2,
        max_message_bytes=int(changes.get("max_message_bytes", 1 << 20)),
        max_unsent_bytes=int(changes.get("max_unsent_bytes", 1 << 20)),
    )


async def end_after(
    script: Callable[[Peer], Awaitable[None]], **changes: float
) -> tuple[TransportError | None, Recorder]:
    """Connect, let the script play, and give how it ended."""
    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url, **changes).connect(recorder)
        error = await recorder.end()
        await connection.close()
        assert recorder.closed == [error]
        assert recorder.after_the_end == 0
        return error, recorder


async def test_a_reset_in_mid_stream_is_reported_as_a_broken_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        await peer.receive()
        peer.reset()

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url).connect(recorder)
        await recorder.event("session.created")
        connection.send(APPEND)
        error = await recorder.end()
    assert isinstance(error, PeerClosed)
    assert error.close_code == 1006
    assert error.retryable


async def test_a_server_that_stops_answering_is_found_silent() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        await peer.gone()

    error, _ = await end_after(script)
    assert isinstance(error, PathDead)
    assert "silent" in str(error)


async def test_streaming_into_a_silent_path_does_not_hide_that_it_is_dead() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        await peer.gone()  # takes everything, says nothing: what a dropped path looks like for its first seconds

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url).connect(recorder)
        async with asyncio.timeout(PATIENCE_S):
            while not recorder.closed:
                connection.send(APPEND)
                await asyncio.sleep(0)
        assert isinstance(recorder.closed[0], PathDead)


async def test_a_server_that_stops_reading_misses_the_send_deadline() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        await peer.receive()
        while True:  # talks on, so that it is not silent, but reads nothing any more
            peer.send(CREATED)
            await asyncio.sleep(0.02)

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url, max_unsent_bytes=64 << 20).connect(recorder)
        for _ in range(10_000):
            connection.send(APPEND)
        error = await recorder.end()
    assert isinstance(error, PathDead)
    assert "taken no data" in str(error)


async def test_unsent_data_is_bounded_in_bytes() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        while True:
            peer.send(CREATED)
            await asyncio.sleep(0.02)

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url, send_deadline_s=60, max_unsent_bytes=256 << 10).connect(recorder)
        for _ in range(10_000):
            connection.send(APPEND)
        error = await recorder.end()
    assert isinstance(error, PathDead)
    assert "no more data" in str(error)


async def test_a_message_larger_than_all_that_may_wait_is_refused_at_once() -> None:
    async with hostile_server(realtime) as server:
        recorder = Recorder()
        connection = await impatient(server.url, max_unsent_bytes=1000).connect(recorder)
        with pytest.raises(LocalProtocolError):
            connection.send(b"x" * 1001)
        connection.send(UPDATE)
        await recorder.event("session.updated")
        await connection.close()


async def test_an_idle_server_that_answers_pings_is_kept() -> None:
    pings = asyncio.Queue[bytes]()

    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        while True:
            opcode, payload = await peer.receive()
            if opcode == PING:
                pings.put_nowait(payload)
                peer.send(payload, PONG)

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url).connect(recorder)
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(6):
                await pings.get()
        assert recorder.closed == []
        await connection.close()


async def test_the_servers_pings_are_answered() -> None:
    answered = asyncio.Queue[bytes]()

    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        peer.send(b"are you there", PING)
        while True:
            opcode, payload = await peer.receive()
            if opcode == PONG:
                answered.put_nowait(payload)

    async with hostile_server(script) as server:
        connection = await impatient(server.url).connect(Recorder())
        async with asyncio.timeout(PATIENCE_S):
            assert await answered.get() == b"are you there"
        connection.abort()
        await connection.close()


async def test_an_event_loop_of_ours_that_stalls_is_no_fault_of_the_path() -> None:
    async with hostile_server(realtime) as server:
        recorder = Recorder()
        connection = await impatient(server.url).connect(recorder)
        await recorder.event("session.created")
        for _ in range(3):
            # Longer than both deadlines; the server, on the same loop, cannot answer meanwhile either.
            time.sleep(0.5)  # noqa: ASYNC251  # to stall the loop is the point
            await asyncio.sleep(0)
        connection.send(UPDATE)
        await recorder.event("session.updated")
        assert recorder.closed == []
        await connection.close()


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1013, 4001])
async def test_a_polite_goodbye_is_told_with_its_code_and_reason(code: int) -> None:
    said_back = asyncio.Queue[tuple[int, bytes]]()

    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        peer.send(goodbye(code, "time is up"), CLOSE)
        said_back.put_nowait(await peer.receive())
        await peer.gone()

    error, recorder = await end_after(script)
    assert isinstance(error, PeerClosed)
    assert (error.close_code, error.reason) == (code, "time is up")
    assert recorder.messages == [CREATED]
    assert said_back.get_nowait()[0] == CLOSE


async def test_a_goodbye_without_a_code_is_told_as_such() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        peer.send(b"", CLOSE)
        await peer.gone()

    error, _ = await end_after(script)
    assert isinstance(error, PeerClosed)
    assert error.close_code == 1005


async def test_a_reason_cannot_move_the_terminal() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(goodbye(1008, "\x1b[2J\r\nowned\x07"), CLOSE)
        await peer.gone()

    error, _ = await end_after(script)
    assert isinstance(error, PeerClosed)
    assert error.reason == "[2J owned"
    assert str(error).isprintable()


async def test_a_server_that_hangs_up_in_the_same_packet_is_told_after_its_words() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED) + frame(goodbye(1013, "busy"), CLOSE))
        await peer.gone()

    error, recorder = await end_after(script)
    assert recorder.messages == [CREATED]
    assert isinstance(error, PeerClosed)
    assert error.close_code == 1013


async def test_a_fragmented_message_arrives_whole() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(CREATED[:10], fin=False)
        peer.send(b"", PING)
        peer.send(CREATED[10:20], CONTINUATION, fin=False)
        await peer.writer.drain()
        peer.send(CREATED[20:], CONTINUATION)
        await peer.gone()

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url).connect(recorder)
        await recorder.event("session.created")
        assert recorder.messages == [CREATED]
        connection.abort()
        await connection.close()


async def test_json_in_a_binary_message_is_taken() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(CREATED, BINARY)
        await peer.gone()

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url).connect(recorder)
        await recorder.event("session.created")
        connection.abort()
        await connection.close()


async def test_a_message_byte_by_byte_is_no_silence() -> None:
    """A long message on a slow path: bytes come all the time, a finished frame does not."""
    message = json.dumps({"type": "session.created", "pad": "x" * 60}).encode()

    async def script(peer: Peer) -> None:
        await peer.accept()
        for byte in frame(message):
            peer.writer.write(bytes([byte]))
            await asyncio.sleep(0.01)
        await peer.gone()

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url).connect(recorder)
        await recorder.until(lambda: bool(recorder.messages or recorder.closed))
        assert recorder.messages == [message]
        connection.abort()
        await connection.close()


@pytest.mark.parametrize("fragmented", [False, True], ids=["in one frame", "in fragments"])
async def test_a_message_above_the_limit_ends_the_connection_with_1009(fragmented: bool) -> None:
    codes = asyncio.Queue[bytes]()

    async def script(peer: Peer) -> None:
        await peer.accept()
        if fragmented:
            peer.send(b"x" * 600, fin=False)
            peer.send(b"x" * 600, CONTINUATION)
        else:
            peer.send(b"x" * 1200)
        codes.put_nowait((await peer.receive())[1])
        await peer.gone()

    error, recorder = await end_after(script, max_message_bytes=1000)
    assert error is not None
    assert error.code == "limit_exceeded"
    assert recorder.messages == []
    assert codes.get_nowait()[:2] == goodbye(1009)


BROKEN = {
    "an unknown opcode": frame(b"x", 5),
    "a masked frame": b"\x81\x81abcdx",
    "a long ping": frame(b"x" * 126, PING),
    "a ping in fragments": frame(b"x", PING, fin=False),
    "the rest of no message": frame(b"x", CONTINUATION),
    "a message inside another": frame(b"x", fin=False) + frame(b"x"),
    "a forbidden close code": frame(goodbye(1005), CLOSE),
    "a close code of one byte": frame(b"\x03", CLOSE),
    "a length with its top bit set": b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    "HTTP after the upgrade": b"HTTP/1.1 200 OK\r\n\r\n" * 20,
}


@pytest.mark.parametrize("garbage", BROKEN.values(), ids=BROKEN.keys())
async def test_broken_frames_end_the_connection_with_an_error(garbage: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        peer.writer.write(garbage)
        await peer.gone()

    error, recorder = await end_after(script)
    assert error is not None
    assert error.code in ("remote_protocol", "limit_exceeded")
    assert recorder.messages == [CREATED]


async def test_messages_that_are_no_json_are_handed_on_for_the_codec_to_judge() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        for payload in (b"", b"\xff\xfe", b"{", b"[" * 1000):
            peer.send(payload, TEXT)
        await peer.gone()

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url).connect(recorder)
        await recorder.until(lambda: len(recorder.messages) == 4)
        assert recorder.messages == [b"", b"\xff\xfe", b"{", b"[" * 1000]
        connection.abort()
        await connection.close()


async def test_close_is_bounded_when_the_server_never_says_goodbye() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        await asyncio.Event().wait()

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(server.url, silence_timeout_s=60).connect(recorder)
        await recorder.event("session.created")
        async with asyncio.timeout(2):
            await connection.close()
        assert recorder.closed == [None]


async def test_close_is_bounded_when_the_server_takes_no_data() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        await asyncio.Event().wait()

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await impatient(
            server.url, silence_timeout_s=60, send_deadline_s=60, max_unsent_bytes=64 << 20
        ).connect(recorder)
        await recorder.event("session.created")
        for _ in range(10_000):
            connection.send(APPEND)
        async with asyncio.timeout(2):
            await connection.close()
        assert recorder.closed == [None]


async def test_a_receiver_that_raises_ends_its_connection_and_its_error_is_not_lost() -> None:
    class Fragile(Recorder):
        def on_message(self, message: bytes) -> None:
            super().on_message(message)
            if len(self.messages) == 2:
                raise ZeroDivisionError

    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        await peer.receive()
        peer.send(CREATED)
        await peer.gone()

    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context.get("exception")))
    async with hostile_server(script) as server:
        recorder = Fragile()
        connection = await impatient(server.url).connect(recorder)
        await recorder.event("session.created")
        connection.send(UPDATE)
        error = await recorder.end()
        await connection.close()
    assert error is not None
    assert error.code == "internal"
    assert [type(t) for t in told] == [ZeroDivisionError]
