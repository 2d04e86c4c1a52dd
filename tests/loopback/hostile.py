"""A WebSocket server that misbehaves on request, written on bare asyncio so that it can send anything at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

CREATED = json.dumps({"type": "session.created", "event_id": "e1", "session": {"type": "realtime"}}).encode()
UPDATED = json.dumps({"type": "session.updated", "event_id": "e2", "session": {"type": "realtime"}}).encode()

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Peer:
    """One connection as its server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.request = b""

    async def read_request(self) -> None:
        """Read the HTTP request and leave it unanswered."""
        self.request = await self.reader.readuntil(b"\r\n\r\n")

    def header(self, name: str) -> str | None:
        """A header of the request."""
        for line in self.request.decode().split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None

    async def refuse(self, status: str, body: bytes = b"", headers: str = "") -> None:
        """Answer the request as an HTTP server does."""
        await self.read_request()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    async def accept(self, more: bytes = b"") -> None:
        """Shake hands; `more` goes out in the same packet."""
        await self.read_request()
        key = self.header("Sec-WebSocket-Key") or ""
        token = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.writer.write(head + b"Sec-WebSocket-Accept: " + token + b"\r\n\r\n" + more)
        await self.writer.drain()

    def send(self, payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0) -> None:
        """Send one frame."""
        self.writer.write(frame(payload, opcode, fin=fin, rsv=rsv))

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await self.reader.readexactly(8))
        assert second & 0x80, "a client masks its frames"
        mask = await self.reader.readexactly(4)
        masked = await self.reader.readexactly(size)
        return first & 0x0F, bytes(b ^ mask[k % 4] for k, b in enumerate(masked))

    def reset(self) -> None:
        """Break the connection with a TCP RST."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the client has closed its side, whatever it still sends."""
        try:
            while await self.reader.read(1 << 16):
                pass
        except ConnectionError:
            pass


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0) -> bytes:
    """One server frame."""
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if size < 126:
        head += bytes([size])
    elif size < 1 << 16:
        head += b"\x7e" + struct.pack(">H", size)
    else:
        head += b"\x7f" + struct.pack(">Q", size)
    return head + payload


def goodbye(code: int, reason: str = "") -> bytes:
    """The payload of a CLOSE frame."""
    return struct.pack(">H", code) + reason.encode()


class Server:
    """Where it listens, and what went wrong in its script."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.failures: list[BaseException] = []

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


@asynccontextmanager
async def hostile_server(
    script: Callable[[Peer], Awaitable[None]], *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Server]:
    """A server that plays `script` to every connection; at the end it drops them all and raises scripts' failures."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await script(Peer(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except BaseException as error:  # noqa: BLE001  # handed to the test below
            server.failures.append(error)
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(serve, host, 0, ssl=context)
    server = Server(listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
        if server.failures:
            raise server.failures[0]


async def realtime(peer: Peer) -> None:
    """The script of a server that behaves: greets, answers updates and pings, says goodbye."""
    await peer.accept()
    peer.send(CREATED)
    while True:
        opcode, payload = await peer.receive()
        if opcode == CLOSE:
            peer.send(payload, CLOSE)
            return
        if opcode == PING:
            peer.send(payload, PONG)
        elif b"session.update" in payload:
            peer.send(UPDATED)
