"""A server on a free port of this machine, in the test's own event loop, and a bare client for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from realtime_agent.engine.engine import Engine
from realtime_agent.server.kinds import Kind, default_makers
from realtime_agent.server.web.app import make_app
from realtime_agent.server.web.listener import listen, serve
from realtime_agent.server.web.serve_settings import ServeLimits, ServeSettings
from tests.fakes_engine import FakeEngine, make_loudness_detector
from tests.order_checker import Json, OrderChecker
from tests.server_harness import oracle

KEY = "sk-the-first-of-the-keys"
DEADLINE_S = 5.0


@dataclass(frozen=True)
class Served:
    """Where the server is."""

    port: int

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/realtime"


@asynccontextmanager
async def served(
    engine: Engine | None = None,
    settings: ServeSettings | None = None,
    *,
    kinds: Collection[Kind] | None = None,
    **limits: Any,
) -> AsyncIterator[Served]:
    """A server with one key, `KEY`, unless the settings say otherwise; stopped at the end, within its deadline.

    `kinds` of session are served, all that there are by default.
    """
    settings = settings or ServeSettings(api_keys=(KEY,))
    settings = replace(settings, limits=replace(ServeLimits(opens_per_minute=100_000), **limits))
    engine = engine or FakeEngine()
    makers = default_makers(make_loudness_detector)
    if kinds is not None:
        makers = {kind: make for kind, make in makers.items() if kind in kinds}
    app = make_app(engine, settings, makers=makers)
    sock = listen("127.0.0.1", 0)
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(app, sock, settings.limits, on_ready=ready.set, stop=stop))
    try:
        async with asyncio.timeout(DEADLINE_S):
            await ready.wait()
        yield Served(sock.getsockname()[1])
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await serving
        await engine.close()


class Client:
    """A WebSocket that checks every event it gets: by OpenAI's own types and by the recorded order."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Json] = []
        self.checker = OrderChecker()

    async def send(self, type: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def write(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    async def next(self) -> Json:
        async with asyncio.timeout(DEADLINE_S):
            message = await self.socket.recv()
        assert isinstance(message, str)
        event: Json = json.loads(message)
        oracle().validate_python(event)
        self.checker.feed(event)
        self.events.append(event)
        return event

    async def until(self, type: str) -> Json:
        while (event := await self.next())["type"] != type:
            pass
        return event

    async def close_code(self) -> int:
        """How the server closes the connection."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    await self.socket.recv()
        assert self.socket.protocol.close_rcvd is not None
        return self.socket.protocol.close_rcvd.code

    async def answer(self, text: str) -> Json:
        """The response to a written question."""
        await self.write(text)
        await self.send("response.create")
        response: Json = (await self.until("response.done"))["response"]
        return response


@asynccontextmanager
async def client_of(
    served: Served,
    key: str | None = KEY,
    *,
    query: str = "?model=gpt-realtime",
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
) -> AsyncIterator[Client]:
    all_headers = dict(headers or {})
    if key is not None:
        all_headers["Authorization"] = f"Bearer {key}"
    async with connect(
        served.ws + query,
        additional_headers=all_headers,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        max_size=None,
        open_timeout=DEADLINE_S,
        close_timeout=DEADLINE_S,
    ) as socket:
        yield Client(socket)
