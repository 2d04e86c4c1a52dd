"""Which web pages may use the server, and by which names it goes.

A browser lets any page of any site open a WebSocket to this machine, loopback included: only the `Origin` header tells
(cross-site WebSocket hijacking). And a site may let its own name resolve to 127.0.0.1, so that its pages are of the
same origin as the server: only the `Host` header tells (DNS rebinding). Both are checked, on loopback too.

| Origin                        |                                                                           |
|-------------------------------|---------------------------------------------------------------------------|
| missing                       | no browser's WebSocket: left to the key, and free where no keys are asked |
| of this machine, any port     | allowed if the server listens on this machine only                        |
| scheme://Host of the request  | allowed: the server's own pages                                           |
| in the allow-list             | allowed                                                                   |
| `null`, anything else         | refused                                                                   |
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from realtime_agent.errors import ConfigError
from realtime_agent.server.web.http_errors import Refusal, wrong_host, wrong_origin
from realtime_agent.server.web.serve_settings import ServeSettings

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Origins:
    """The allow-lists of one server."""

    def __init__(self, settings: ServeSettings) -> None:
        """
        Raises:
            ConfigError: an origin or host that is none.
        """
        self._origins = frozenset(_normal_origin(origin) for origin in settings.origins)
        self._hosts = frozenset(_normal_host(host) for host in settings.hosts) | {settings.bound_to.lower()}
        self._only_here = is_loopback(settings.bound_to)
        self._any_address = bool(settings.api_keys) and not self._only_here

    def check(self, origin: str | None, host: str | None) -> Refusal | None:
        """Whether a request with these headers may go on."""
        name = _host_name(host)
        if name is None or not self._is_our_name(name):
            return wrong_host()
        if origin is None or self._is_allowed(origin, host or ""):
            return None
        return wrong_origin()

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may read the server's answers (CORS)."""
        return self._is_allowed(origin, "")

    def _is_our_name(self, name: str) -> bool:
        return name in self._hosts or _is_local(name) or (self._any_address and _is_address(name))

    def _is_allowed(self, origin: str, host: str) -> bool:
        origin = origin.lower()
        if origin in self._origins:
            return True
        scheme, _, rest = origin.partition("://")
        if scheme not in ("http", "https") or (name := _host_name(rest)) is None:
            return False
        return rest == host.lower() or (self._only_here and _is_local(name))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_local(name: str) -> bool:
    return name in _LOCAL_NAMES or name.endswith(".localhost")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _host_name(host: str | None) -> str | None:
    """The name in a Host header, without port and brackets; None where it is malformed."""
    match = _HOST.fullmatch(host or "")
    if match is None or (match[2] is not None and int(match[2]) > 65_535):
        return None
    return match[1].strip("[]").lower()


def _normal_origin(origin: str) -> str:
    parts = urlsplit(origin.strip())
    if not parts.scheme or not parts.netloc or parts.path not in ("", "/") or parts.query or "@" in parts.netloc:
        raise ConfigError(f"An origin looks like https://app.example.com, not like {origin[:100]!r}.")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _normal_host(host: str) -> str:
    name = _host_name(host.strip())
    if name is None:
        raise ConfigError(f"A host looks like rt.example.com, not like {host[:100]!r}.")
    return name
