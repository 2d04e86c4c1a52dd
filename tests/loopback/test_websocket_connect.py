"""Dialling: where it works, and what a person is told where it does not."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from realtime_agent.errors import AuthRejected, ConfigError, ConnectFailed
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.model.websocket import WebSocketModel
from tests.loopback.hostile import CREATED, Peer, frame, hostile_server, realtime
from tests.loopback.model_conformance import PATIENCE_S, Recorder, check_model_transport

KEY = "sk-test-0123456789"


@asynccontextmanager
async def well_behaved() -> AsyncIterator[Model]:
    async with hostile_server(realtime) as server:
        yield WebSocketModel(server.url)


async def test_the_websocket_keeps_what_every_transport_must() -> None:
    await check_model_transport(well_behaved)


async def test_the_handshake_carries_the_key_the_identifier_and_nothing_of_the_beta(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY + "\n")
    peers: list[Peer] = []

    async def script(peer: Peer) -> None:
        peers.append(peer)
        await realtime(peer)

    async with hostile_server(script) as server:
        model = WebSocketModel(f"{server.url}/v1?model=m", safety_identifier="user-7", headers={"X-Trace": "on"})
        recorder = Recorder()
        connection = await model.connect(recorder)
        await recorder.event("session.created")
        await connection.close()
    (peer,) = peers
    assert peer.request.startswith(b"GET /v1/realtime?model=m HTTP/1.1\r\n")
    assert peer.header("Authorization") == f"Bearer {KEY}"
    assert peer.header("OpenAI-Safety-Identifier") == "user-7"
    assert peer.header("X-Trace") == "on"
    assert peer.header("Host") == f"127.0.0.1:{server.port}"
    for absent in ("OpenAI-Beta", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"):
        assert peer.header(absent) is None
    assert KEY not in repr(model)
    assert KEY not in str(vars(type(model)))


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_refused_key_is_told_as_such_and_never_retried(status: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.refuse(status, b'{"error":{"message":"Incorrect API key provided: %s"}}' % KEY.encode())

    async with hostile_server(script) as server:
        with pytest.raises(AuthRejected) as caught:
            await WebSocketModel(server.url, api_key=KEY).connect(Recorder())
    assert status[:3] in str(caught.value)
    assert KEY not in str(caught.value)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("status", "headers", "hint"),
    [
        ("200 OK", "", "not a Realtime server"),
        ("301 Moved Permanently", "Location: https://elsewhere.example/\r\n", "https://elsewhere.example/"),
        ("400 Bad Request", "", "not a Realtime server"),
        ("404 Not Found", "", "no Realtime endpoint"),
        ("426 Upgrade Required", "", "not a Realtime server"),
        ("429 Too Many Requests", "", "too many requests"),
        ("503 Service Unavailable", "", "try again later"),
    ],
)
async def test_an_http_answer_is_told_with_its_status_and_what_to_do(status: str, headers: str, hint: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.refuse(status, b'{"error":{"message":"The model `x` does not exist\\u001b[2J"}}', headers)

    async with hostile_server(script) as server:
        with pytest.raises(ConnectFailed) as caught:
            await WebSocketModel(server.url).connect(Recorder())
    message = str(caught.value)
    assert status[:3] in message
    assert hint in message
    assert "The model `x` does not exist" in message
    assert message.isprintable()


NO_UPGRADES = {
    "another accept token": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    "no accept token": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n<html>",
    "a mail server": b"220 mail.example ESMTP\r\n\r\n",
    "endless headers": b"HTTP/1.1 101 Switching Protocols\r\n" + b"X-Pad: 1\r\n" * 4000,
    "nothing": b"",
}


@pytest.mark.parametrize("answer", NO_UPGRADES.values(), ids=NO_UPGRADES.keys())
async def test_what_is_no_websocket_server_is_told_as_such(answer: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        peer.writer.write(answer)
        await peer.writer.drain()

    async with hostile_server(script) as server:
        with pytest.raises(ConnectFailed, match="Realtime server"):
            await WebSocketModel(server.url).connect(Recorder())


async def test_a_server_that_accepts_and_says_nothing_runs_into_the_connect_timeout() -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.gone()
        gone.set()

    async with hostile_server(script) as server:
        with pytest.raises(ConnectFailed, match=r"within 0\.2 s"):
            await WebSocketModel(server.url, connect_timeout_s=0.2).connect(Recorder())
        async with asyncio.timeout(PATIENCE_S):
            await gone.wait()  # and the socket was given back


async def test_a_cancelled_dial_gives_its_socket_back() -> None:
    reached, gone = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.read_request()
        reached.set()
        await peer.gone()
        gone.set()

    async with hostile_server(script) as server, asyncio.timeout(PATIENCE_S):
        dial = asyncio.ensure_future(WebSocketModel(server.url).connect(Recorder()))
        await reached.wait()
        dial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dial
        await gone.wait()


async def test_a_reset_during_the_handshake_is_a_failed_connect() -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        peer.reset()

    async with hostile_server(script) as server:
        with pytest.raises(ConnectFailed):
            await WebSocketModel(server.url).connect(Recorder())


async def test_a_port_where_nobody_listens_is_told_as_such() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectFailed, match=f"127.0.0.1:{port}.*nobody listens"):
        await WebSocketModel(f"ws://127.0.0.1:{port}").connect(Recorder())


async def test_a_host_that_does_not_exist_is_told_by_name() -> None:
    with pytest.raises(ConnectFailed, match=r"no-such-host\.invalid"):
        await WebSocketModel("ws://no-such-host.invalid:1", connect_timeout_s=3).connect(Recorder())


async def test_the_second_address_of_a_host_is_tried_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def both(host: str, port: int, **more: object) -> list[object]:
        found = await resolve("127.0.0.1", port, type=socket.SOCK_STREAM)
        return [*((f, t, p, n, ("127.0.0.2", port)) for f, t, p, n, _ in found), *found]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    async with hostile_server(realtime) as server:
        recorder = Recorder()
        connection = await WebSocketModel(f"ws://two-addresses.example:{server.port}").connect(recorder)
        await recorder.event("session.created")
        await connection.close()


async def test_plain_text_where_tls_was_asked_for_is_told_as_such() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(100)
        peer.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.writer.drain()

    async with hostile_server(script) as server:
        with pytest.raises(ConnectFailed, match="no TLS"):
            await WebSocketModel(f"wss://127.0.0.1:{server.port}").connect(Recorder())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` that signs itself, with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    both, key = folder / "both.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *names, "-days", "2", "-keyout", key, "-out", both], check=True, capture_output=True)
    both.write_bytes(both.read_bytes() + key.read_bytes())
    return both


def _server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_tls_with_a_trusted_certificate_works(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with hostile_server(realtime, context=_server_side(certificate)) as server:
        recorder = Recorder()
        model = WebSocketModel(f"https://localhost:{server.port}/v1", ssl_context=trusting)
        connection = await model.connect(recorder)
        await recorder.event("session.created")
        await connection.close()
    assert recorder.closed == [None]


@pytest.mark.parametrize("fault", ["nobody vouches for it", "it is for another host"])
async def test_a_certificate_that_cannot_be_trusted_ends_the_dial(fault: str, certificate: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificate)) if fault == "it is for another host" else None
    host = "127.0.0.1" if fault == "it is for another host" else "localhost"
    asked = False

    async def script(peer: Peer) -> None:
        nonlocal asked
        await peer.read_request()
        asked = True

    async with hostile_server(script, context=_server_side(certificate)) as server:
        model = WebSocketModel(f"wss://{host}:{server.port}", api_key=KEY, ssl_context=context)
        with pytest.raises(ConnectFailed, match="certificate"):
            await model.connect(Recorder())
    assert not asked  # the key never left


async def test_the_default_limits_take_a_megabyte_of_audio() -> None:
    message = b'{"type":"session.created","pad":"' + b"x" * (1 << 20) + b'"}'

    async def script(peer: Peer) -> None:
        await peer.accept(frame(CREATED))
        await peer.receive()
        peer.send(message)
        await peer.gone()

    async with hostile_server(script) as server:
        recorder = Recorder()
        connection = await WebSocketModel(server.url).connect(recorder)
        connection.send(b'{"type":"x","pad":"' + b"x" * (1 << 20) + b'"}')
        await recorder.until(lambda: len(recorder.messages) == 2)
        assert recorder.messages[1] == message
        connection.abort()
        await connection.close()


async def test_a_key_with_a_line_break_inside_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ConfigError, match="the key") as caught:
        WebSocketModel("ws://localhost", api_key="sk-one\r\nX-Evil: 1")
    assert "sk-one" not in str(caught.value)
