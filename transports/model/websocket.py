"""The WebSocket way to a model: OpenAI, or any server that speaks its Realtime protocol.

Why picows. Three ways were measured before one was chosen (`python -m tests.bench.wire_libraries`: 100 ms deltas
down, 20 ms frames up, interleaved, medians of 3, Python 3.11 on two cores): the asyncio client of `websockets` / its
sans-IO `ClientProtocol` under a thin asyncio.Protocol / picows 2.3 on the loop's own transports. CPU seconds of a
session-minute at 50 sessions, of which pacing takes the most: .151 / .132 / .106 on asyncio, .135 / .111 / .086 on
uvloop, .245 / .232 / .172 over TLS. Messages received in a CPU second: 149 / 166 / 216 thousand, 78 / 102 / 520 on
uvloop, 51 / 100 / 179 over TLS; sent: 95 / 111 / 163, 111 / 191 / 443, 80 / 87 / 133. So picows, which costs least
everywhere and lets us `send`, ping and abort without a coroutine. It is MIT, released monthly, with wheels for
CPython 3.9-3.15 on Linux (glibc and musl), macOS and Windows, x86 and ARM. What it costs us: it hides the socket's
error (a broken connection is 1006 whatever the reason), leaves a cancelled handshake open (see `_shake_hands`),
follows redirects with the key (off here), logs the key at its lowest level (no log here), masks frames with rand() (a
guard of proxies, not of secrecy), and brings aiofastnet, whose TLS is faster still (.151) but takes OpenSSL's context
out of Python's by memory layout: not used.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import re
import socket
import ssl
from collections.abc import Mapping

import picows

from realtime_agent.errors import AuthRejected, ConfigError, ConnectFailed, TransportError
from realtime_agent.transports.model.address import Address, SessionKind, parse_address
from realtime_agent.transports.model.base import ModelReceiver
from realtime_agent.transports.model.dialing import open_socket
from realtime_agent.transports.model.text import printable
from realtime_agent.transports.model.websocket_connection import WebSocketConnection

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MAX_UNSENT_BYTES = 32 * 1024 * 1024

# picows logs the handshake, with the key, at its lowest levels, and what we report as errors at the others.
_NO_LOG = logging.Logger("realtime_agent.transports.model.websocket.silent", level=logging.CRITICAL + 1)


class WebSocketModel:
    """A model behind a WebSocket.

    Args:
        address: a model name (`gpt-realtime`), or an address: `ws://localhost:8000`, `https://host/v1`, ...
        kind: the kind of session; transcription and translation have addresses of their own at the same server.
        api_key: the key; by default OPENAI_API_KEY, which is sent to OpenAI, over TLS, or to this machine, but never
            in the clear over a network. Only OpenAI itself must have one.
        safety_identifier: sent as `OpenAI-Safety-Identifier`, a stable hash of who is speaking.
        headers: more headers for the handshake.
        connect_timeout_s: for all of: name, TCP, TLS, handshake.
        silence_timeout_s: the path is dead when nothing was heard for so long; while the server is silent it is pinged.
        send_deadline_s: the path is dead when data waits and none of it leaves for so long.
        close_timeout_s: how long `close` waits for the server's goodbye.
        max_message_bytes: larger messages from the server end the connection (close code 1009).
        max_unsent_bytes: more unsent data than this ends the connection.
        ssl_context: by default the system's certificates.
    """

    def __init__(
        self,
        address: str,
        *,
        kind: SessionKind = "realtime",
        api_key: str | None = None,
        safety_identifier: str | None = None,
        headers: Mapping[str, str] | None = None,
        connect_timeout_s: float = 10.0,
        silence_timeout_s: float = 5.0,
        send_deadline_s: float = 5.0,
        close_timeout_s: float = 1.0,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        max_unsent_bytes: int = MAX_UNSENT_BYTES,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Check everything that can be checked without a connection.

        Raises:
            ConfigError: the address cannot be read, the key is missing, or a header has characters that none may have.
        """
        self._address = parse_address(address, kind)
        self._headers = _headers(self._address, api_key, safety_identifier, headers or {})
        self._connect_timeout_s = connect_timeout_s
        self._silence_timeout_s = silence_timeout_s
        self._send_deadline_s = send_deadline_s
        self._close_timeout_s = close_timeout_s
        self._max_message_bytes = max_message_bytes
        self._max_unsent_bytes = max_unsent_bytes
        self._ssl_context = ssl_context
        if min(connect_timeout_s, silence_timeout_s, send_deadline_s, close_timeout_s) <= 0:
            raise ConfigError("Every deadline of a WebSocketModel must be longer than nothing.")

    @property
    def name(self) -> str:
        """The model's name, or the address without its query."""
        return self._address.name

    def __repr__(self) -> str:
        return f"WebSocketModel({self.name!r})"  # no headers: the key is one

    async def connect(self, receiver: ModelReceiver) -> WebSocketConnection:
        """Dial. Nothing is delivered to `receiver` before this returned.

        Raises:
            ConnectFailed: nobody there, or not a Realtime server.
            AuthRejected: the key was refused.
        """
        at = f"{self._address.host}:{self._address.port}"
        doing = f"cannot reach {at}"
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                sock = await open_socket(self._address.host, self._address.port, user_timeout_s=self._user_timeout_s)
                doing = f"{at} does not answer as a Realtime server"
                connection = self._connection(receiver)
                await self._shake_hands(sock, connection)
        except TimeoutError:
            raise ConnectFailed(f"{doing}: nothing came within {self._connect_timeout_s:g} s") from None
        except TransportError:
            raise
        except ssl.SSLError as error:
            raise ConnectFailed(_tls_sentence(at, error)) from error
        except socket.gaierror as error:
            raise ConnectFailed(f"there is no host {self._address.host!r}: {error.strerror or error}") from error
        except ConnectionRefusedError as error:
            raise ConnectFailed(f"{doing}: nobody listens there") from error
        except OSError as error:
            raise ConnectFailed(f"{doing}: {error.strerror or error}") from error
        connection.start()
        return connection

    @property
    def _user_timeout_s(self) -> float:
        # The kernel's own guard comes well after ours, which can tell a dead path from a process that stood still.
        return max(10.0, 2 * self._silence_timeout_s, 2 * self._send_deadline_s)

    def _connection(self, receiver: ModelReceiver) -> WebSocketConnection:
        return WebSocketConnection(
            receiver,
            self.name,
            silence_timeout_s=self._silence_timeout_s,
            send_deadline_s=self._send_deadline_s,
            close_timeout_s=self._close_timeout_s,
            max_message_bytes=self._max_message_bytes,
            max_unsent_bytes=self._max_unsent_bytes,
        )

    async def _shake_hands(self, sock: socket.socket, connection: WebSocketConnection) -> None:
        """TLS and the upgrade. The work runs in a task of its own, because picows leaves the socket open when it is
        cancelled half way: then the socket is shut under it, and it ends by itself.
        """
        context = (self._ssl_context or _default_context()) if self._address.tls else None
        work = asyncio.ensure_future(
            picows.ws_connect(
                lambda _request, _response: connection,
                self._address.url,
                ssl_context=context,
                websocket_handshake_timeout=None,  # bounded by `connect`
                logger_name=_NO_LOG,
                max_frame_size=self._max_message_bytes,
                extra_headers=self._headers,
                max_redirects=0,  # a redirect would carry the key to another host
                socket_factory=lambda _: sock,
                # CPython's own TLS: aiofastnet reaches into its SSLContext by memory layout.
                use_aiofastnet=False,
            )
        )
        try:
            _, listener = await asyncio.shield(work)
        except asyncio.CancelledError:
            _shut(sock)
            await asyncio.wait([work], timeout=self._close_timeout_s)
            if work.done():
                work.exception()  # how it ended does not matter any more
            raise
        except picows.WSHandshakeError as error:
            raise self._refusal(error) from error
        if listener is None:
            raise ConnectFailed(f"{self.name} hung up during the handshake; is that a Realtime server?")

    def _refusal(self, error: picows.WSHandshakeError) -> TransportError:
        if error.response is None or not isinstance(error, picows.WSInvalidStatusError):
            return ConnectFailed(f"what answers at {self.name} is not a Realtime server: it speaks no WebSocket")
        status = error.response.status.value
        if status in (401, 403):
            hint = "check the key" if "Authorization" in self._headers else "it wants a key: set OPENAI_API_KEY"
            return AuthRejected(f"{self.name} refused the key (HTTP {status}); {hint}")
        words = _server_words(error.raw_body or b"", self._headers)
        if status == 404:
            hint = "there is no Realtime endpoint at that address, or no such model"
        elif status == 429:
            hint = "too many requests, or no quota left"
        elif 300 <= status < 400:
            where = printable(error.response.headers.get("Location", "another place"))
            hint = f"it points to {where}; redirects are not followed, give that address"
        elif status >= 500:
            hint = "it is there but has trouble of its own; try again later"
        else:
            hint = "that is not a Realtime server, or not its address"
        return ConnectFailed(f"{self.name} answered HTTP {status}: {hint}{words}")


def _headers(
    address: Address, api_key: str | None, safety_identifier: str | None, extra: Mapping[str, str]
) -> dict[str, str]:
    headers = dict(extra)
    key = (api_key if api_key is not None else os.environ.get("OPENAI_API_KEY", "")).strip()
    if api_key is None and not address.is_private:
        key = ""
    if key:
        headers["Authorization"] = f"Bearer {key}"
    elif address.is_openai and not any(name.lower() == "authorization" for name in headers):
        raise ConfigError(
            "OpenAI needs a key: set OPENAI_API_KEY, or pass api_key. Without one, use the embedded model."
        )
    if safety_identifier is not None:
        headers["OpenAI-Safety-Identifier"] = safety_identifier
    for name, value in headers.items():
        if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII) or not re.fullmatch(r"[\x20-\x7e]*", value):
            what = "the key" if name == "Authorization" else f"the header {name!r}"
            raise ConfigError(f"There is a character in {what} that cannot be sent; was it copied whole?")
    return headers


@functools.cache
def _default_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:  # not connected any more: nothing is left to shut
        pass


def _tls_sentence(at: str, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {at} cannot be trusted: {printable(error.verify_message)}"
    return f"{at} speaks no TLS that we understand ({printable(error.reason or str(error))}); is it ws:// or http://?"


def _server_words(body: bytes, headers: Mapping[str, str]) -> str:
    """The error message of OpenAI's JSON, where there is one, and never with the key in it."""
    try:
        said = json.loads(body)["error"]["message"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    key = headers.get("Authorization", "").removeprefix("Bearer ")
    if not isinstance(said, str) or (key and key in said):
        return ""
    return f". It says: {printable(said)}"
