"""API keys and client secrets: who is there, told in constant time and kept as hashes only.

A client secret (`ek_…`) is what a web page gets instead of a key. Its life:

    state    | on             | becomes | says
    ---------|----------------|---------|------------------------------
    -        | mint           | live    | the secret, once
    live     | redeem         | used    | its grant
    live     | expiry         | expired | 401 ephemeral_token_expired
    used     | redeem         | used    | 401 ephemeral_token_already_used

A used or expired one is remembered until a minute after its expiry, to say what happened to it; then it is forgotten
and gets the answer of any wrong key. `look` tells the same as `redeem` and uses nothing up.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from realtime_agent.server.kinds import Kind
from realtime_agent.server.web.http_errors import (
    Refusal,
    secret_expired,
    secret_used,
    too_often,
    wrong_key,
)

SUBPROTOCOL = "realtime"
KEY_SUBPROTOCOL = "openai-insecure-api-key."
SECRET_PREFIX = "ek_"
MIN_SECRET_S, DEFAULT_SECRET_S, MAX_SECRET_S = 10, 600, 7200

_MAX_KEY_BYTES = 512
_REMEMBER_S = 60.0
_RETRY_S = 10


def presented_key(authorization: str | None, subprotocols: Sequence[str]) -> str | None:
    """The key in a request's `Authorization: Bearer …`, or, for browsers, in a subprotocol."""
    if authorization is not None:
        scheme, _, key = authorization.strip().partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""
    for protocol in subprotocols:
        if protocol.startswith(KEY_SUBPROTOCOL):
            return protocol[len(KEY_SUBPROTOCOL) :]
    return None


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


class ApiKeys:
    """The keys that open the server."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [digest_of(key) for key in dict.fromkeys(keys)]

    @property
    def required(self) -> bool:
        """Whether there are any; without, everyone may come in."""
        return bool(self._digests)

    def find(self, key: str) -> str | None:
        """The name of this key (`key 1`), which is no secret. Takes as long for a wrong key as for a right one."""
        if len(key) > _MAX_KEY_BYTES:
            return None
        presented = digest_of(key)
        found = None
        for number, digest in enumerate(self._digests, 1):
            if hmac.compare_digest(digest, presented):
                found = f"key {number}"  # and on: the time must not tell which one it was
        return found


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client secret opens: one session of this kind, configured so, in the name of the key that minted it.

    `session` is what the minter set: the body of a `session.update`.
    """

    kind: Kind
    session: Mapping[str, Any]
    owner: str


@dataclass(slots=True)
class _Secret:
    grant: Grant
    expires_at: float
    used: bool = False


class ClientSecrets:
    """The client secrets that are out. Bounded: while `max_live` are, no more are minted."""

    def __init__(
        self, *, max_live: int = 10_000, new_secret: Callable[[], str] = lambda: secrets.token_hex(24)
    ) -> None:
        self._max_live = max_live
        self._new_secret = new_secret
        self._secrets: dict[bytes, _Secret] = {}

    def mint(self, grant: Grant, lifetime_s: float, now: float) -> str | Refusal:
        """A new secret. It is not kept, only its hash.

        Args:
            lifetime_s: `MIN_SECRET_S` to `MAX_SECRET_S`; the caller has checked it.
        """
        if len(self._secrets) >= self._max_live:
            self._forget(now)
        if len(self._secrets) >= self._max_live:
            return too_often(_RETRY_S)
        value = SECRET_PREFIX + self._new_secret()
        self._secrets[digest_of(value)] = _Secret(grant, now + lifetime_s)
        return value

    def look(self, value: str, now: float) -> Grant | Refusal:
        """What this secret would open."""
        secret = self._secrets.get(digest_of(value)) if len(value) <= _MAX_KEY_BYTES else None
        if secret is None or now >= secret.expires_at + _REMEMBER_S:
            return wrong_key()
        if secret.used:
            return secret_used()
        if now >= secret.expires_at:
            return secret_expired()
        return secret.grant

    def redeem(self, value: str, now: float) -> Grant | Refusal:
        """What this secret opens, once."""
        grant = self.look(value, now)
        if isinstance(grant, Grant):
            self._secrets[digest_of(value)].used = True
        return grant

    def _forget(self, now: float) -> None:
        self._secrets = {
            digest: secret for digest, secret in self._secrets.items() if now < secret.expires_at + _REMEMBER_S
        }
