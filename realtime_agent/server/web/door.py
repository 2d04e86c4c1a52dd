"""The door: who may come in, asked in one order before anything of a session exists. Pure; `now` is an argument.

Host known?      421     the server goes by few names                       (origins)
Origin allowed?  403     a page of another site                             (origins)
not too often?   429     by address, also to slow down those who guess      (limits)
key right?       401     constant time                                      (keys)
not too often?   429     by key                                             (limits)
room?            429/503 by key and address, in all                         (limits)
secret unused?   401     last, so that no refusal uses it up                (keys)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from realtime_agent.server.kinds import Kind
from realtime_agent.server.web.http_errors import Refusal, no_key, secret_of_another_kind, shutting_down, wrong_key
from realtime_agent.server.web.keys import SECRET_PREFIX, ApiKeys, ClientSecrets, Grant, presented_key
from realtime_agent.server.web.limits import Admission, Place, address_group
from realtime_agent.server.web.origins import Origins
from realtime_agent.server.web.serve_settings import ServeSettings


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request says about who sent it."""

    host: str | None
    origin: str | None
    authorization: str | None = field(repr=False)
    address: str | None
    subprotocols: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose key was right. `grant` is what a client secret opens; holders of API keys have none."""

    name: str
    address: str
    grant: Grant | None = None
    secret: str | None = field(default=None, repr=False)


class Door:
    """Lets callers in and counts them."""

    def __init__(self, settings: ServeSettings) -> None:
        """
        Raises:
            ConfigError: an origin or host in the settings is none.
        """
        self.secrets = ClientSecrets()
        self._keys = ApiKeys(settings.api_keys)
        self._origins = Origins(settings)
        self._admission = Admission(settings.limits)
        self._closed = False

    @property
    def sessions(self) -> int:
        """The sessions there are."""
        return self._admission.sessions

    def allows_origin(self, origin: str) -> bool:
        """Whether pages of this origin may read answers."""
        return self._origins.allows(origin)

    def check_names(self, visit: Visit) -> Refusal | None:
        """Host and Origin alone, for what needs no key."""
        return self._origins.check(visit.origin, visit.host)

    def identify(self, visit: Visit, now: float) -> Caller | Refusal:
        """Who is there."""
        address = address_group(visit.address)
        refused = self.check_names(visit) or self._admission.knock(f"address {address}", now)
        if refused is not None:
            return refused
        key = presented_key(visit.authorization, visit.subprotocols)
        caller = self._caller(key, address, now)
        if isinstance(caller, Caller) and self._keys.required:
            return self._admission.knock(caller.name, now) or caller
        return caller

    def enter(self, caller: Caller, kind: Kind, now: float) -> Place | Refusal:
        """A place for a session of this caller; uses up a client secret. Give it back with `leave`."""
        if self._closed:
            return shutting_down()
        if caller.grant is not None and caller.grant.kind != kind:
            return secret_of_another_kind(caller.grant.kind)
        place = self._admission.admit(caller.name, caller.address)
        if isinstance(place, Place) and caller.secret is not None:
            grant = self.secrets.redeem(caller.secret, now)
            if isinstance(grant, Refusal):
                self._admission.release(place)
                return grant
        return place

    def leave(self, place: Place) -> None:
        """The session is over."""
        self._admission.release(place)

    def close(self) -> None:
        """Nobody comes in any more."""
        self._closed = True

    def _caller(self, key: str | None, address: str, now: float) -> Caller | Refusal:
        if key is not None and key.startswith(SECRET_PREFIX):
            grant = self.secrets.look(key, now)
            if isinstance(grant, Grant):
                return Caller(grant.owner, address, grant, key)
            if not isinstance(self._keys.find(key), str):
                return grant
        if not self._keys.required:
            return Caller("anyone", address)
        if not key:
            return no_key()
        name = self._keys.find(key)
        return wrong_key() if name is None else Caller(name, address)
