"""The listening socket: uvicorn with guards against peers that are slow, silent, huge or curious.

What uvicorn leaves open and is closed here: a connection that never sends a whole request stays for ever; a header may
be of any length; a peer that never reads is waited for without end when its connection is closed; after a message that
is too large the socket is closed with data unread, so that a reset can overtake the close frame with its 1009; at
DEBUG the headers of a handshake, and at INFO its query, go to the log, keys and all.

Why uvicorn's `websockets-sansio` and httptools: of 1000 clients connecting at once each costs the server 0.8 ms of CPU
to serve and 0.4 ms to refuse, with uvicorn's other WebSockets and without our guards just as much
(`python -m tests.bench server_connects`). Of a message of 64 MiB, wsproto held 35 MiB before it refused it, this one 1.
And it is a thin protocol over a parser without sockets, which lets us say how a connection ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator

from realtime_agent.errors import ConfigError, MissingExtra
from realtime_agent.server.web.serve_settings import ServeLimits

try:
    import uvicorn
    from starlette.types import ASGIApp
    from uvicorn._types import ASGISendEvent
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    from uvicorn.server import ServerState
    from websockets.server import ServerProtocol
except ImportError as error:
    raise MissingExtra("The server", "server") from error

MAX_HEADER_BYTES = 64 * 1024
LINGER_S = 5.0  # for a peer to take the last bytes; then the connection is cut
SHUTDOWN_LINGER_S = 1.0
SHUTDOWN_S = 3.0
KERNEL_UNSENT_BYTES = 64 * 1024  # the rest waits in the session's own backlog, which is watched

_wire_logger = logging.getLogger("realtime_agent.server.wire")
_wire_logger.setLevel(logging.WARNING)  # below, uvicorn and websockets write headers and queries


class GuardedConfig(uvicorn.Config):
    """Uvicorn's configuration and our limits."""

    def __init__(self, app: ASGIApp, limits: ServeLimits) -> None:
        super().__init__(
            app,
            http=GuardedHttp,
            ws=GuardedWebSocket,
            ws_per_message_deflate=False,  # audio does not deflate, and a bomb would
            ws_max_size=limits.max_message_bytes,
            lifespan="on",
            log_config=None,
            access_log=False,  # the application writes its own, without queries
            proxy_headers=False,  # anyone could write the address that limits go by
            server_header=False,
            timeout_graceful_shutdown=int(SHUTDOWN_S),
        )
        self.limits = limits


class GuardedHttp(HttpToolsProtocol):
    """HTTP, with a deadline for each request and a limit for its headers."""

    config: GuardedConfig

    def __init__(
        self,
        config: GuardedConfig,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._headers_complete = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.config.limits.max_connections:
            transport.abort()
            return
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._header_bytes = 0 if self._headers_complete else self._header_bytes + len(data)
        if self._header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n")
            self.transport.close()

    def on_message_begin(self) -> None:
        self._headers_complete = False
        self._start_clock()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._headers_complete = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_clock()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_clock()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        super().shutdown()
        self.loop.call_later(SHUTDOWN_LINGER_S, self.transport.abort)

    def _start_clock(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.config.limits.handshake_s, self.transport.abort)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that is cut when its peer does not let it end."""

    def __init__(
        self,
        config: GuardedConfig,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _wire_logger
        self.conn = ServerProtocol(max_size=config.ws_max_size, logger=_wire_logger)
        self._cut: asyncio.TimerHandle | None = None
        self._failed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            with contextlib.suppress(OSError):  # known to Python, not to this kernel
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_UNSENT_BYTES)

    def data_received(self, data: bytes) -> None:
        if not self._failed:  # else it is read and forgotten: closing on unread data would reset the close frame away
            super().data_received(data)

    def eof_received(self) -> None:
        if self._failed:
            self.transport.close()

    def handle_parser_exception(self) -> None:
        """The peer broke the protocol, for one by a message too large: say so, and leave it time to read that."""
        close = self.conn.close_sent
        if self._failed or close is None:
            self.transport.abort()
            return
        self._failed = True
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.resume_reading()
        self._cut_after(LINGER_S)

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close" and self.handshake_complete:
            self.writable.set()  # a close frame is small, and does not wait for a peer that takes nothing
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True  # a refusal is an end too, and no error of the application

    async def run_asgi(self) -> None:
        """The application, and the end of the connection in any case."""
        try:
            if self._failed:
                return
            await super().run_asgi()
        finally:
            self._cut_after(LINGER_S)

    def shutdown(self) -> None:
        super().shutdown()
        self._cut_after(SHUTDOWN_LINGER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cut is not None:
            self._cut.cancel()
        super().connection_lost(exc)

    def _cut_after(self, delay_s: float) -> None:
        if self.disconnected:
            return
        if self._cut is not None:
            self._cut.cancel()
        self._cut = self.loop.call_later(delay_s, self.transport.abort)


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: who runs us decides when to stop."""

    def __init__(self, config: GuardedConfig, on_ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError(f"Cannot listen on {host}:{port}: there is no such address.") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        why = {98: "it is in use by another program", 48: "it is in use by another program"}.get(
            error.errno or 0, (error.strerror or "it cannot be had").lower()
        )
        raise ConfigError(f"Cannot listen on {host}:{port}: {why}.") from error
    return sock


async def serve(
    app: ASGIApp,
    sock: socket.socket,
    limits: ServeLimits | None = None,
    *,
    on_ready: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set, or without one, until SIGTERM or SIGINT. Closes the socket and every session.

    Args:
        on_ready: called once connections are taken.
    """
    server = _Server(GuardedConfig(app, limits or ServeLimits()), on_ready)
    loop = asyncio.get_running_loop()
    stop_signals = () if stop is not None else (signal.SIGTERM, signal.SIGINT)
    stopped = stop or asyncio.Event()
    for number in stop_signals:
        loop.add_signal_handler(number, stopped.set)
    serving = loop.create_task(server.serve(sockets=[sock]), name="realtime-agent listener")
    waiting = loop.create_task(stopped.wait(), name="realtime-agent stop")
    try:
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        waiting.cancel()
        for number in stop_signals:
            loop.remove_signal_handler(number)
        await asyncio.wait((serving,))
        sock.close()
    serving.result()
