"""Opening the TCP connection: the first address that answers, and a socket set up for speech."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Iterable

# How long one address is tried alone before the next one joins in (RFC 8305 section 5).
_NEXT_ADDRESS_AFTER_S = 0.25

# Unsent bytes that the kernel takes before it lets them wait in our own buffer, where the send deadline sees them:
# about one second of 24 kHz audio in base64.
_KERNEL_UNSENT_BYTES = 64 * 1024

# struct tcp_info in linux/tcp.h: eight bytes, eleven 32-bit words, then tcpi_last_data_recv in milliseconds.
_TCP_INFO_LAST_DATA_RECEIVED = struct.Struct("=52xI")


async def open_socket(host: str, port: int, *, user_timeout_s: float) -> socket.socket:
    """A connected, non-blocking TCP socket. The caller bounds it in time.

    Addresses are tried alternating between IPv6 and IPv4, each next one a little later, and the first to answer wins.

    Raises:
        OSError: the name does not resolve (`socket.gaierror`), or no address answers (the first one's error).
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    waiting = _alternating(found)
    trying: set[asyncio.Task[socket.socket]] = set()
    first_error: OSError | None = None
    try:
        while waiting or trying:
            if waiting:
                family, _, protocol, _, address = waiting.pop(0)
                trying.add(loop.create_task(_try_address(family, protocol, address, user_timeout_s)))
            pause_s = _NEXT_ADDRESS_AFTER_S if waiting else None
            done, trying = await asyncio.wait(trying, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                error = attempt.exception()
                if error is None:
                    trying |= done - {attempt}
                    return attempt.result()
                if not isinstance(error, OSError):
                    raise error
                first_error = first_error or error
    finally:
        await _drop(trying)
    raise first_error or OSError(f"no address for {host}")


async def _try_address(family: int, protocol: int, address: tuple[object, ...], user_timeout_s: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        sock.setblocking(False)
        _set_options(sock, user_timeout_s)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _drop(attempts: set[asyncio.Task[socket.socket]]) -> None:
    for attempt in attempts:
        attempt.cancel()
    for result in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(result, socket.socket):
            result.close()


def _alternating(
    found: Iterable[tuple[int, int, int, str, tuple[object, ...]]],
) -> list[tuple[int, int, int, str, tuple[object, ...]]]:
    """The resolver's order, but the families take turns (RFC 8305 section 4)."""
    by_family: dict[int, list[tuple[int, int, int, str, tuple[object, ...]]]] = {}
    for one in found:
        by_family.setdefault(one[0], []).append(one)
    queues = list(by_family.values())
    return [queue[n] for n in range(max(map(len, queues), default=0)) for queue in queues if n < len(queue)]


def _set_options(sock: socket.socket, user_timeout_s: float) -> None:
    """What the system has of: send at once, keep little unsent in the kernel, and a second opinion on dead paths."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (
        ("TCP_NOTSENT_LOWAT", _KERNEL_UNSENT_BYTES),
        ("TCP_USER_TIMEOUT", max(1, int(user_timeout_s * 1000))),
    ):
        if hasattr(socket, option):
            try:
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
            except OSError:  # known to Python, not to this kernel
                pass


def received_ago_s(sock: socket.socket | None) -> float | None:
    """How long ago the kernel last received data on this socket, whole message or not; None where it cannot tell.

    A long message on a slow path comes in for many seconds without one finished frame.
    """
    if sock is None or sys.platform != "linux":
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LAST_DATA_RECEIVED.size)
        (last_ms,) = _TCP_INFO_LAST_DATA_RECEIVED.unpack(info)
    except (OSError, struct.error):
        return None
    return float(last_ms) / 1000
