"""How much is too much: token buckets and counters, pure, with the time as an argument.

A bucket holds `capacity` tokens and is refilled at `per_s`. `take` gives tokens or does not: for requests, which are
refused. `charge` always takes, if need be on credit, and says how long to wait until the debt is paid: for messages
that are here already, where the wait is passed on to the sender by not reading on.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from realtime_agent.server.web.http_errors import (
    Refusal,
    server_full,
    too_many_sessions_of_caller,
    too_often,
)
from realtime_agent.server.web.serve_settings import AUDIO_BYTES_PER_S, ServeLimits

_FORGET_ABOVE = 10_000  # callers remembered; those whose bucket is full again are forgotten first
_MESSAGES_BURST_S = 10.0


class TokenBucket:
    """Tokens that come back with time."""

    __slots__ = ("_at", "_level", "capacity", "per_s")

    def __init__(self, capacity: float, per_s: float, now: float) -> None:
        """Full at first.

        Args:
            capacity: tokens at most, > 0.
            per_s: tokens that come back a second, > 0.
        """
        self.capacity = capacity
        self.per_s = per_s
        self._level = capacity
        self._at = now

    def level(self, now: float) -> float:
        """The tokens there are; negative while in debt. A clock that goes back changes nothing."""
        if now > self._at:
            self._level = min(self.capacity, self._level + (now - self._at) * self.per_s)
            self._at = now
        return self._level

    def take(self, cost: float, now: float) -> bool:
        """Take so many, or none if there are fewer."""
        if self.level(now) < cost:
            return False
        self._level -= cost
        return True

    def charge(self, cost: float, now: float) -> float:
        """Take so many, and say in how many seconds the level is at zero again; 0.0 if it is not below."""
        self._level = self.level(now) - cost
        return max(0.0, -self._level / self.per_s)

    def wait_s(self, cost: float, now: float) -> float:
        """In how many seconds `take(cost)` would succeed; for a cost above the capacity, when the bucket is full."""
        return max(0.0, (min(cost, self.capacity) - self.level(now)) / self.per_s)


class InputMeter:
    """What one session's client sends: messages, and audio among them."""

    def __init__(self, limits: ServeLimits, now: float) -> None:
        rate = limits.audio_rate * AUDIO_BYTES_PER_S
        self._audio = TokenBucket(limits.audio_burst_s * AUDIO_BYTES_PER_S, rate, now)
        self._messages = TokenBucket(_MESSAGES_BURST_S * limits.messages_per_s, limits.messages_per_s, now)
        self._max_wait_s = limits.max_audio_wait_s

    def charge(self, size_bytes: int, *, audio: bool, now: float) -> float | None:
        """Seconds to wait before the next message is read; None where the message must not be taken at all.

        Audio is counted by its size in base64 as if it were 24 kHz PCM; of G.711, a sixth of that, six times as much
        goes through.
        """
        wait_s = self._messages.charge(1, now)
        if audio:
            if (size_bytes - self._audio.level(now)) / self._audio.per_s > self._max_wait_s:
                return None
            wait_s = max(wait_s, self._audio.charge(size_bytes, now))
        return wait_s


@dataclass(frozen=True, slots=True)
class Place:
    """A session's place among all; give it back with `Admission.release`."""

    caller: str
    address: str


class Admission:
    """Counts sessions and requests by caller and by address, and says who is one too many."""

    def __init__(self, limits: ServeLimits) -> None:
        self._limits = limits
        self._buckets: dict[str, TokenBucket] = {}
        self._count = 0
        self._by_caller: dict[str, int] = {}
        self._by_address: dict[str, int] = {}

    @property
    def sessions(self) -> int:
        """The sessions there are."""
        return self._count

    def knock(self, who: str, now: float) -> Refusal | None:
        """Count a request of this caller or address."""
        bucket = self._buckets.get(who)
        if bucket is None:
            if len(self._buckets) >= _FORGET_ABOVE:
                self._forget(now)
            per_minute = self._limits.opens_per_minute
            bucket = self._buckets[who] = TokenBucket(per_minute, per_minute / 60, now)
        if bucket.take(1, now):
            return None
        return too_often(1 + int(bucket.wait_s(1, now)))

    def admit(self, caller: str, address: str) -> Place | Refusal:
        """A place for one more session, or why not."""
        limits = self._limits
        if self._count >= limits.max_sessions:
            return server_full(limits.max_sessions)
        for counts, who, limit in (
            (self._by_caller, caller, limits.max_sessions_per_key),
            (self._by_address, address, limits.max_sessions_per_address),
        ):
            if limit is not None and counts.get(who, 0) >= limit:
                return too_many_sessions_of_caller(limit)
        self._count += 1
        self._by_caller[caller] = self._by_caller.get(caller, 0) + 1
        self._by_address[address] = self._by_address.get(address, 0) + 1
        return Place(caller, address)

    def release(self, place: Place) -> None:
        """Give a place back; once."""
        self._count -= 1
        for counts, who in ((self._by_caller, place.caller), (self._by_address, place.address)):
            counts[who] -= 1
            if not counts[who]:
                del counts[who]

    def _forget(self, now: float) -> None:
        """Forget who has been quiet; if all are busy, the oldest half. A forgotten caller starts with a full bucket."""
        kept = {who: bucket for who, bucket in self._buckets.items() if bucket.level(now) < bucket.capacity}
        if len(kept) >= _FORGET_ABOVE:
            kept = dict(list(kept.items())[_FORGET_ABOVE // 2 :])
        self._buckets = kept


def address_group(host: str | None) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 customer has at least."""
    try:
        address = ipaddress.ip_address((host or "").partition("%")[0])
    except ValueError:
        return host or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is not None:
            return str(mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
