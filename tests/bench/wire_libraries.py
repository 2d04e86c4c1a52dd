"""Three ways to carry a WebSocket, beside each other: which of them the product is built on.

    asyncio   the asyncio client of `websockets`: a coroutine for each frame
    sansio    the sans-IO `ClientProtocol` of `websockets` under a thin asyncio.Protocol
    picows    picows: frames parsed and built in C, one callback a frame, no coroutine

Only the wire: no JSON, no base64. `down` and `up` are bursts (messages in a CPU second of the client), `duplex` is 50
sessions in real time (CPU seconds of a session-minute). Plain TCP on both loops, and TLS on the standard loop. picows
brings transports of its own (aiofastnet); `picows-plain` is picows on the loop's transports and TLS; `product`
is `WebSocketModel`, which is that with its guards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import picows
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from realtime_agent.errors import TransportError
from realtime_agent.transports.model.websocket import WebSocketModel
from tests.bench._rig import ScriptedServer, in_child, interleaved, run_on, table

UPDATE = b'{"type":"session.update","session":{"type":"realtime"}}'
FRAME = b'{"type":"input_audio_buffer.append","audio":"' + b"A" * 1280 + b'"}'

OnMessage = Callable[[bytes], None]


class Link(Protocol):
    """One connection of any of the three."""

    async def open(self, url: str, context: ssl.SSLContext | None, on_message: OnMessage) -> None: ...

    def send(self, message: bytes) -> Awaitable[None] | None: ...

    async def close(self) -> None: ...


class AsyncioLink:
    """The asyncio client, used as its documentation shows."""

    async def open(self, url: str, context: ssl.SSLContext | None, on_message: OnMessage) -> None:
        self._socket: ClientConnection = await connect(
            url, ssl=context, compression=None, ping_interval=None, max_size=None
        )
        self._reader = asyncio.create_task(self._read(on_message))

    async def _read(self, on_message: OnMessage) -> None:
        while True:
            on_message(await self._socket.recv(decode=False))

    def send(self, message: bytes) -> Awaitable[None]:
        return self._socket.send(message, text=True)

    async def close(self) -> None:
        self._reader.cancel()
        self._socket.transport.abort()


class SansIoLink(asyncio.Protocol):
    """The sans-IO client under a protocol of some thirty lines."""

    async def open(self, url: str, context: ssl.SSLContext | None, on_message: OnMessage) -> None:
        uri = parse_uri(url)
        self._machine = ClientProtocol(uri, max_size=None)
        self._on_message = on_message
        loop = asyncio.get_running_loop()
        self._opened = loop.create_future()
        await loop.create_connection(lambda: self, uri.host, uri.port, ssl=context)
        self._machine.send_request(self._machine.connect())
        self._flush()
        await self._opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._machine.receive_data(data)
        for event in self._machine.events_received():
            if not isinstance(event, Frame):
                self._opened.set_result(None)
            elif event.opcode is Opcode.TEXT:
                self._on_message(bytes(event.data))
        self._flush()

    def send(self, message: bytes) -> None:
        self._machine.send_text(message)
        self._flush()

    def _flush(self) -> None:
        for data in self._machine.data_to_send():
            self._transport.write(data)

    async def close(self) -> None:
        self._transport.abort()


class PicowsLink(picows.WSListener):
    """picows' core interface."""

    fastnet = True

    async def open(self, url: str, context: ssl.SSLContext | None, on_message: OnMessage) -> None:
        self._on_message = on_message
        self._transport, _ = await picows.ws_connect(
            lambda: self, url, ssl_context=context, max_frame_size=64 << 20, use_aiofastnet=self.fastnet
        )

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            self._on_message(frame.get_payload_as_bytes())

    def send(self, message: bytes) -> None:
        self._transport.send(picows.WSMsgType.TEXT, message)

    async def close(self) -> None:
        self._transport.disconnect(False)


class PicowsLinkOnAsyncio(PicowsLink):
    """picows on the loop's own transports."""

    fastnet = False


class ProductLink:
    """What was made of it: `WebSocketModel` with its guards."""

    async def open(self, url: str, context: ssl.SSLContext | None, on_message: OnMessage) -> None:
        self.on_message = on_message
        self._connection = await WebSocketModel(url, ssl_context=context).connect(self)
        self.send = self._connection.send

    def on_closed(self, error: TransportError | None) -> None:
        assert error is None, error

    async def close(self) -> None:
        self._connection.abort()
        await self._connection.close()


LINKS: dict[str, Callable[[], Link]] = {
    "asyncio": AsyncioLink,
    "sansio": SansIoLink,
    "picows": PicowsLink,
    "picows-plain": PicowsLinkOnAsyncio,
    "product": ProductLink,
}


class Counter:
    """Counts messages until so many came."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self.done = asyncio.get_running_loop().create_future()

    def __call__(self, message: bytes) -> None:
        self._left -= 1
        if self._left == 0:
            self.done.set_result(None)


async def _send(link: Link, message: bytes) -> None:
    sent = link.send(message)
    if sent is not None:
        await sent


async def burst_down(make: Callable[[], Link], url: str, context: ssl.SSLContext | None, count: int) -> float:
    """Messages received in a second of CPU."""
    link, counter = make(), Counter(count)
    await link.open(url, context, counter)
    started = time.process_time()
    await _send(link, UPDATE)
    await counter.done
    spent = time.process_time() - started
    await link.close()
    return count / spent


async def burst_up(make: Callable[[], Link], url: str, context: ssl.SSLContext | None, count: int) -> float:
    """Frames sent in a second of CPU; every so often the loop runs, as with a real microphone."""
    link, counter = make(), Counter(2)  # session.created, and the answer to the last frame
    await link.open(url, context, counter)
    started = time.process_time()
    for n in range(count):
        await _send(link, FRAME)
        if n % 50 == 0:
            await asyncio.sleep(0)
    await counter.done
    spent = time.process_time() - started
    await link.close()
    return count / spent


async def duplex(
    make: Callable[[], Link], url: str, context: ssl.SSLContext | None, sessions: int, seconds: float
) -> float:
    """CPU seconds of a session-minute, full duplex in real time."""
    loop = asyncio.get_running_loop()
    links = [make() for _ in range(sessions)]
    for link in links:
        await link.open(url, context, lambda _: None)
        await _send(link, UPDATE)
    started, until = time.process_time(), loop.time() + seconds

    async def pace(link: Link, at: float) -> None:
        while at < until:
            await asyncio.sleep(at - loop.time())
            await _send(link, FRAME)
            at += 0.02

    async with asyncio.TaskGroup() as group:
        for n, link in enumerate(links):
            group.create_task(pace(link, loop.time() + 0.02 * n / sessions))
    spent = time.process_time() - started
    for link in links:
        await link.close()
    return spent / seconds * 60 / sessions


async def client(options: argparse.Namespace) -> dict[str, Any]:
    """One library, one loop: the three figures."""
    make = LINKS[options.client]
    context = None
    if options.url.startswith("wss"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    n = options.count
    down = await burst_down(make, f"{options.url}&downlink_ms=100&burst={n // 2}", context, n // 2)
    up = await burst_up(make, f"{options.url}&sink={n}", context, n)
    both = await duplex(make, f"{options.url}&downlink_ms=100", context, options.sessions, options.seconds)
    return {"down": down, "up": up, "duplex": both}


def main(argv: Sequence[str]) -> dict[str, object]:
    """Run the comparison, or (with --client) one cell of it."""
    parser = argparse.ArgumentParser(prog="wire_libraries")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--client", choices=LINKS)
    parser.add_argument("--loop", default="asyncio")
    parser.add_argument("--url")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3.0)
    options, _ = parser.parse_known_args(argv)
    if options.client:
        print(json.dumps(run_on(options.loop, client(options))))
        return {}
    passes, size = (1, ["--count", "4000", "--seconds", "1"]) if options.quick else (3, ["--count", "20000"])
    figures: dict[str, object] = {}
    for title, loop, tls in (
        ("plain, asyncio", "asyncio", False),
        ("plain, uvloop", "uvloop", False),
        ("TLS, asyncio", "asyncio", True),
    ):
        with ScriptedServer(tls=tls) as server:

            def measure(name: str, loop: str = loop, url: str = server.url()) -> dict[str, float]:
                return in_child("wire_libraries", "--client", name, "--loop", loop, "--url", url, *size)

            result = interleaved(list(LINKS), passes, measure)
        figures[title] = result
        base = result["medians"]["asyncio"]
        rows = [["", "down msg/CPU s", "ratio", "up frames/CPU s", "ratio", "duplex CPU s/session-min", "ratio"]]
        for name, m in result["medians"].items():
            cells = [(f"{m[k]:,.0f}" if k != "duplex" else f"{m[k]:.4f}", f"{m[k] / base[k]:.2f}") for k in m]
            rows.append([name, *[cell for pair in cells for cell in pair]])
        table(title, rows)
    return figures


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
