"""What the operator of a server may set. Every limit has a default that suits a small public server."""

from __future__ import annotations

from dataclasses import dataclass, field

_KIB = 1024
_MIB = 1024 * _KIB

# One second of 24 kHz PCM in base64, as an append carries it.
AUDIO_BYTES_PER_S = 64_000


@dataclass(frozen=True, slots=True)
class ServeLimits:
    """How much of the server one caller may take.

    Attributes:
        max_sessions: sessions of all callers at once; one more is refused with HTTP 503.
        max_sessions_per_key: of one API key; one more is refused with HTTP 429. None: as many as there are.
        max_sessions_per_address: of one IPv4 address or IPv6 /64; likewise.
        opens_per_minute: requests and handshakes of one address, and of one key; so many at once, then at this pace.
        handshake_s: time to send a request in full; then the connection is dropped.
        max_message_bytes: of one WebSocket message; a larger one closes the session with code 1009 before it is read.
            OpenAI takes appends of 15 MiB.
        audio_rate: seconds of audio taken a second. What is faster waits in the sender's socket.
        audio_burst_s: seconds of audio taken at once.
        max_audio_wait_s: audio that would have to wait longer than this is refused by an `error` event.
        messages_per_s: client events taken a second, likewise; ten seconds' worth at once.
        idle_s: a session whose client sends nothing for so long ends (close code 1001).
        session_s: how long a session may last (close code 1001), as at OpenAI.
        stall_s: a client that takes none of what waits for it for so long is closed with code 1013.
        pace_above_bytes: while more than this waits for a client, its response makes no more speech.
        max_unsent_bytes: what may wait for one client, besides one message; above, it is closed with code 1013.
        max_body_bytes: of an HTTP request.
        max_connections: connections of any kind, half-open ones too; one more is dropped.
    """

    max_sessions: int = 32
    max_sessions_per_key: int | None = None
    max_sessions_per_address: int | None = None
    opens_per_minute: int = 240
    handshake_s: float = 5.0
    max_message_bytes: int = 15 * _MIB + 64 * _KIB
    audio_rate: float = 2.0
    audio_burst_s: float = 120.0
    max_audio_wait_s: float = 60.0
    messages_per_s: float = 200.0
    idle_s: float = 900.0
    session_s: float = 3600.0
    stall_s: float = 5.0
    pace_above_bytes: int = 256 * _KIB
    max_unsent_bytes: int = 4 * _MIB
    max_body_bytes: int = _MIB
    max_connections: int = 4096


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Who may use the server, and how much of it.

    Attributes:
        api_keys: the keys that open it. Without any, everyone who reaches it may use it: for this machine only.
        origins: web origins whose pages may use it (`https://app.example.com`), besides those of this machine.
        hosts: names by which clients reach it (`rt.example.com`), besides those of this machine, `bound_to` and, where
            keys are required, IP addresses.
        bound_to: the address that it listens on.
        limits: see there.
    """

    api_keys: tuple[str, ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    bound_to: str = "127.0.0.1"
    limits: ServeLimits = field(default_factory=ServeLimits)
