"""A TCP relay between a client and the server that keeps what both said: the client needs no change to be observed."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openai.types.realtime import RealtimeServerEvent, RealtimeTranslationServerEvent
from pydantic import TypeAdapter

from tests.order_checker import OrderChecker

Json = dict[str, Any]

_VOICE: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
_TRANSLATION: TypeAdapter[Any] = TypeAdapter(RealtimeTranslationServerEvent)
_TEXT, _CLOSE = 0x1, 0x8


class FrameReader:
    """WebSocket messages (RFC 6455, no extension) out of one direction of a connection."""

    def __init__(self) -> None:
        self.head = ""
        self.messages: list[tuple[float, Json]] = []
        self.close_code: int | None = None
        self._buffer = bytearray()
        self._text = bytearray()

    @property
    def is_websocket(self) -> bool:
        return "\r\nupgrade: websocket" in self.head.lower()

    def feed(self, data: bytes) -> None:
        self._buffer += data
        if not self.head:
            head, separator, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not separator:
                return
            self.head, self._buffer = head.decode("latin-1"), bytearray(rest)
        while self.is_websocket and self._take_frame():
            pass

    def _take_frame(self) -> bool:
        data = self._buffer
        if len(data) < 2:
            return False
        size, at = data[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            at += width
            size = int.from_bytes(data[2:at], "big") if len(data) >= at else 0
        masked = bool(data[1] & 0x80)
        start = at + 4 * masked
        if len(data) < start + size:
            return False
        payload = bytes(data[start : start + size])
        if masked:
            mask = (bytes(data[at:start]) * (size // 4 + 1))[:size]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")
        first = data[0]
        del data[: start + size]
        self._frame(first, payload)
        return True

    def _frame(self, first: int, payload: bytes) -> None:
        assert not first & 0x70, "a frame of an extension"
        opcode = first & 0x0F
        if opcode == _CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005
        elif opcode <= _TEXT:
            self._text += payload
            if first & 0x80:
                self.messages.append((time.monotonic(), json.loads(self._text)))
                self._text.clear()


@dataclass
class Conversation:
    """One connection: what each side said, and when."""

    client: FrameReader = field(default_factory=FrameReader)
    server: FrameReader = field(default_factory=FrameReader)

    @property
    def request_line(self) -> str:
        return self.client.head.partition("\r\n")[0]

    def sent(self, kind: str) -> list[Json]:
        """The client's events of one type."""
        return [event for _, event in self.client.messages if event["type"] == kind]

    def received(self, kind: str) -> list[Json]:
        """The server's events of one type."""
        return [event for _, event in self.server.messages if event["type"] == kind]

    def check(self) -> None:
        """Every server event is one of OpenAI's, strictly, and stands where OpenAI's server has it.

        Raises:
            AssertionError, pydantic.ValidationError: it is not, or does not.
        """
        translation = "/translations" in self.request_line
        order = OrderChecker()
        for _, event in self.server.messages:
            (_TRANSLATION if translation else _VOICE).validate_python(event)
            if not translation:
                order.feed(event)

    def write(self, path: Path) -> None:
        """Everything that was said, in order, as lines of JSON; long strings (sound) cut short."""
        said = [(when, "client", event) for when, event in self.client.messages]
        said += [(when, "server", event) for when, event in self.server.messages]
        said.sort(key=lambda one: one[0])
        begun = said[0][0] if said else 0.0
        lines = [json.dumps({"s": round(when - begun, 3), "by": by, **_shortened(event)}) for when, by, event in said]
        path.write_text("\n".join([self.request_line, *lines]))

    def errors(self) -> list[Json]:
        return [event["error"] for event in self.received("error")]


def _shortened(event: Json) -> Json:
    cut = {key: value[:40] + "…" for key, value in event.items() if key in ("audio", "delta") and len(value) > 200}
    return {**event, **cut}


class WireTap:
    """`async with WireTap(port) as tap`: clients connect to `tap.address`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._relay: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.connections: list[Conversation] = []

    @property
    def address(self) -> str:
        assert self._relay is not None
        return "{}:{}".format(*self._relay.sockets[0].getsockname())

    @property
    def conversations(self) -> list[Conversation]:
        """The connections that became WebSockets."""
        return [one for one in self.connections if one.server.is_websocket]

    async def __aenter__(self) -> WireTap:
        self._relay = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._relay is not None
        self._relay.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        said = Conversation()
        self.connections.append(said)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, back, said.client))
                both.create_task(_carry(there, writer, said.server))
        except* OSError:
            pass  # one side went away
        finally:
            writer.close()
            back.close()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, kept: FrameReader) -> None:
    while data := await source.read(1 << 16):
        sink.write(data)
        kept.feed(data)
        await sink.drain()
    sink.close()
