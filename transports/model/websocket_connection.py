"""One open WebSocket to a model: frames in C, callbacks, no coroutine on the way of the audio, and the guards.

Life of a connection, and its only way out:

    opening --start()--> open --close()----------> closing --gone--> over (None)
                          |---abort()--------------------------gone--> over (None)
                          |---the peer's CLOSE frame-----------------> over (PeerClosed)
                          |---watchdog, full buffer: abort()---gone--> over (PathDead)
                          |---broken frames: CLOSE 1002/1009---gone--> over (TransportError)
                          `---connection lost------------------------> over (PeerClosed 1006)

Messages are delivered only while open; `on_closed` once, on reaching "over". What comes while opening waits, so that no
receiver hears from a connection that it does not hold yet.
"""

from __future__ import annotations

import asyncio
from typing import Any

import picows

from realtime_agent.errors import LocalProtocolError, PathDead, PeerClosed, TransportError
from realtime_agent.transports.model.base import ModelReceiver
from realtime_agent.transports.model.dialing import received_ago_s
from realtime_agent.transports.model.text import printable
from realtime_agent.transports.model.watchdog import PathWatchdog

# picows' message types, as the plain numbers of RFC 6455 section 11.8: comparing with its enum takes longer.
_CONTINUATION, _TEXT, _BINARY, _CLOSE = 0x0, 0x1, 0x2, 0x8

_NO_CODE = 1005  # RFC 6455 section 7.1.5: a CLOSE frame that gives none
_BROKEN_OFF = 1006

# Above this much unsent, `send` looks at the buffer each time.
_PAUSE_BYTES = 64 * 1024

_MEANINGS = {
    1000: "finished",
    1001: "going away: its time limit, or a restart",
    1002: "it saw a protocol error",
    1003: "it does not take such data",
    _NO_CODE: "no reason given",
    1007: "it got text it could not read",
    1008: "not allowed",
    1009: "a message was too big for it",
    1011: "an error inside it",
    1012: "it restarts",
    1013: "it is too busy",
}


class WebSocketConnection(picows.WSListener):
    """A `ModelConnection` over picows. Made by `WebSocketModel`, used on its event loop only."""

    def __init__(
        self,
        receiver: ModelReceiver,
        name: str,
        *,
        silence_timeout_s: float,
        send_deadline_s: float,
        close_timeout_s: float,
        max_message_bytes: int,
        max_unsent_bytes: int,
    ) -> None:
        self._receiver = receiver
        self._name = name
        self._silence_timeout_s = silence_timeout_s
        self._send_deadline_s = send_deadline_s
        self._close_timeout_s = close_timeout_s
        self._max_message_bytes = max_message_bytes
        self._max_unsent_bytes = max_unsent_bytes
        self._loop = asyncio.get_running_loop()
        self._transport: picows.WSTransport | None = None
        self._early: list[bytes] | None = []  # what came while opening; None once open
        self._fragments: list[bytes] | None = None
        self._fragments_bytes = 0
        self._wanted = True  # neither closed nor aborted by its owner
        self._deaf = False  # nothing that comes from now on is delivered, and nothing is sent
        self._over = False
        self._verdict: TransportError | None = None
        self._heard = False
        self._queued_bytes = 0
        self._crowded = False
        self._timer: asyncio.TimerHandle | None = None
        self._end: asyncio.Task[None] | None = None

    # What its owner calls ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to deliver, from the next turn of the event loop on."""
        assert self._transport is not None
        self._end = self._loop.create_task(self._await_end(self._transport), name=f"websocket to {self._name}")
        self._loop.call_soon(self._deliver_early)

    def send(self, message: bytes) -> None:
        """Queue one client event. Never blocks; dropped once the connection has ended.

        Raises:
            LocalProtocolError: this one message is larger than all that may wait.
        """
        if self._deaf or self._transport is None:
            return
        if len(message) > self._max_unsent_bytes:
            raise LocalProtocolError(
                f"a message of {len(message):,} bytes is larger than the {self._max_unsent_bytes:,} that may wait",
                code="message_too_large",
            )
        self._transport.send(picows.WSMsgType.TEXT, message)
        self._queued_bytes += len(message) + _header_bytes(len(message))
        if self._crowded and self._unsent_bytes() > self._max_unsent_bytes:
            self._give_up(PathDead(f"{self._name} takes no more data: {self._unsent_bytes():,} bytes wait to be sent"))

    async def close(self) -> None:
        """Say goodbye, wait a little for the answer, and release everything."""
        if self._transport is None or self._end is None:
            return
        self._wanted = False
        if not self._deaf:
            self._deaf = True
            self._transport.send_close(picows.WSCloseCode.OK)
        try:
            await asyncio.wait([self._end], timeout=self._close_timeout_s)
        finally:
            self._transport.disconnect(False)
        await asyncio.wait([self._end], timeout=self._close_timeout_s)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._wanted = False
        self._give_up(None)

    # What picows calls ------------------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The handshake is done: the guards start here."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=_PAUSE_BYTES)
        self._watchdog = PathWatchdog(
            self._loop.time(), silence_timeout_s=self._silence_timeout_s, send_deadline_s=self._send_deadline_s
        )
        self._timer = self._loop.call_later(self._watchdog.tick_s, self._check_path)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """One frame. Binary messages are taken like text: there are servers that send their JSON so."""
        self._heard = True
        kind: Any = frame.msg_type
        if self._deaf:
            if kind == _CLOSE:
                self._part(transport)
            return
        if kind in (_TEXT, _BINARY):
            if self._fragments is not None:
                raise self._violation(picows.WSCloseCode.PROTOCOL_ERROR, "a message inside another")
            if frame.fin:
                self._deliver(frame.get_payload_as_bytes())
            else:
                self._fragments, self._fragments_bytes = [], 0
                self._assemble(frame)
        elif kind == _CONTINUATION:
            if self._fragments is None:
                raise self._violation(picows.WSCloseCode.PROTOCOL_ERROR, "the rest of no message")
            self._assemble(frame)
        elif kind == _CLOSE:
            code = frame.get_close_code().value or _NO_CODE
            transport.send_close(picows.WSCloseCode.OK)
            self._part(transport)
            self._finish(self._peer_closed(code, frame.get_close_reason() or ""))

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The socket is gone."""
        self._stop_guards()

    def pause_writing(self) -> None:
        """The buffer fills up."""
        self._crowded = True

    def resume_writing(self) -> None:
        """The buffer has room again."""
        self._crowded = False

    # Messages ---------------------------------------------------------------------------------------------------------

    def _deliver(self, message: bytes) -> None:
        if self._early is None:
            self._receiver.on_message(message)
        else:
            self._early.append(message)

    def _deliver_early(self) -> None:
        messages, self._early = self._early or [], None
        for message in messages:
            if not self._wanted:
                break
            self._receiver.on_message(message)
        if self._over:
            self._receiver.on_closed(self._verdict)

    def _assemble(self, frame: picows.WSFrame) -> None:
        assert self._fragments is not None
        self._fragments_bytes += frame.payload_size
        if self._fragments_bytes > self._max_message_bytes:
            raise self._violation(picows.WSCloseCode.MESSAGE_TOO_BIG, "message too big")
        self._fragments.append(frame.get_payload_as_bytes())
        if frame.fin:
            message, self._fragments = b"".join(self._fragments), None
            self._deliver(message)

    def _violation(self, code: picows.WSCloseCode, what: str) -> picows.WSProtocolError:
        """To be raised to picows, which then says goodbye with this code; `_await_end` gets it back."""
        self._deaf = True
        return picows.WSProtocolError(code, what)

    # Guards -----------------------------------------------------------------------------------------------------------

    def _unsent_bytes(self) -> int:
        assert self._transport is not None
        return self._transport.underlying_transport.get_write_buffer_size()

    def _check_path(self) -> None:
        assert self._transport is not None
        now, unsent_bytes = self._loop.time(), self._unsent_bytes()
        verdict = self._watchdog.check(
            now, heard=self._heard, queued_bytes=self._queued_bytes, buffered_bytes=unsent_bytes
        )
        self._heard = False
        if verdict == "silent":
            ago_s = received_ago_s(self._transport.underlying_transport.get_extra_info("socket"))
            if ago_s is not None and ago_s < self._silence_timeout_s:
                self._watchdog.heard(now - ago_s)
            else:
                self._give_up(PathDead(f"{self._name} has been silent for {self._silence_timeout_s:g} s"))
                return
        elif verdict == "stuck":
            self._give_up(PathDead(f"{self._name} has taken no data for {self._send_deadline_s:g} s"))
            return
        elif verdict == "ping":
            self._transport.send_ping()
            self._queued_bytes += _header_bytes(0)
        if unsent_bytes > self._max_unsent_bytes:  # also without a `send`: our answers to a flood of pings
            self._give_up(PathDead(f"{self._name} takes no more data: {unsent_bytes:,} bytes wait to be sent"))
            return
        self._timer = self._loop.call_later(self._watchdog.tick_s, self._check_path)

    # The end ----------------------------------------------------------------------------------------------------------

    def _give_up(self, error: TransportError | None) -> None:
        """Abort; never close(), which would wait for a buffer that may not drain."""
        if self._deaf or self._transport is None:
            return
        self._deaf = True
        self._verdict = error
        self._stop_guards()
        self._transport.disconnect(False)

    def _part(self, transport: picows.WSTransport) -> None:
        """Let the last bytes go out, but not for ever."""
        self._deaf = True
        self._stop_guards()
        transport.disconnect()
        self._timer = self._loop.call_later(self._close_timeout_s, transport.disconnect, False)

    async def _await_end(self, transport: picows.WSTransport) -> None:
        error: TransportError | None = None
        try:
            await transport.wait_disconnected()
        except picows.WSProtocolError as violation:
            error = TransportError(
                f"{self._name} sent what is no WebSocket message: {printable(str(violation))}",
                code="limit_exceeded" if violation.code == picows.WSCloseCode.MESSAGE_TOO_BIG else "remote_protocol",
            )
        except Exception as bug:  # noqa: BLE001  # the receiver's on_message raised: not ours to swallow
            self._loop.call_exception_handler({"message": "a receiver of model events raised", "exception": bug})
            error = TransportError("the connection was dropped after an error in this program", code="internal")
        if not self._deaf and error is None:
            error = self._peer_closed(_BROKEN_OFF, "")
        self._stop_guards()
        self._finish(self._verdict or error)

    def _finish(self, error: TransportError | None) -> None:
        if self._over:
            return
        self._over = self._deaf = True
        self._verdict = error
        if self._early is None:
            self._receiver.on_closed(error)

    def _stop_guards(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _peer_closed(self, code: int, reason: str) -> PeerClosed:
        reason = printable(reason)
        if code == _BROKEN_OFF:
            return PeerClosed(f"the connection to {self._name} broke off", close_code=code)
        meaning = f" ({_MEANINGS[code]})" if code in _MEANINGS else ""
        words = f": {reason}" if reason else ""
        return PeerClosed(
            f"{self._name} closed the connection, code {code}{meaning}{words}", close_code=code, reason=reason
        )


def _header_bytes(payload_bytes: int) -> int:
    """The size of a masked frame's header, RFC 6455 section 5.2."""
    if payload_bytes < 126:
        return 6
    return 8 if payload_bytes < 1 << 16 else 14
