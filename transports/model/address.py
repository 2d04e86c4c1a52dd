"""Where a model is, read from what people write: a model's name or an address in any of its usual forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from realtime_agent.errors import ConfigError

OPENAI_HOST = "api.openai.com"
SessionKind = Literal["realtime", "transcription", "translation"]
"""A conversation, writing down, or translating: each has an address of its own."""
DEFAULT_MODELS: Mapping[SessionKind, str] = {
    "realtime": "gpt-realtime",
    "transcription": "gpt-4o-mini-transcribe",  # goes into the session's configuration, not into its address
    "translation": "gpt-realtime-translate",
}

_SCHEMES = {"ws": False, "http": False, "wss": True, "https": True}
_BARE_HOST = re.compile(r"(localhost|\[[0-9a-fA-F:.]+\]|[\w.-]+:\d+|\d+\.\d+\.\d+\.\d+)(:\d+)?(/.*|\?.*)?")
# With one of these in the query there is no model to choose: transcription, or a call that is running already.
_INSTEAD_OF_MODEL = ("model=", "intent=", "call_id=")
_TRANSCRIPTION = "intent=transcription"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to dial. `name` is for people: without the query, which may hold a key."""

    url: str
    host: str
    port: int
    tls: bool
    name: str

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI itself, where a key is a must."""
        return self.host == OPENAI_HOST

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along: TLS, or this very machine."""
        return self.tls or self.host in ("localhost", "::1") or self.host.startswith("127.")


def parse_address(text: str, kind: SessionKind = "realtime") -> Address:
    """Read a model name (`gpt-realtime-2`) or an address (`ws://host:8000`, `https://host/v1`, `localhost:8000`, ...).

    An address without a path, or with one that ends in `/v1`, gets `/v1/realtime`; any other path is left as it is. For
    transcription the query gets `intent=transcription` and loses the model, for translation a path that ends in
    `/realtime` goes on with `/translations`. `openai` is OpenAI's usual model of that kind.

    Raises:
        ConfigError: neither of the two.
    """
    text = text.strip()
    if not text:
        raise ConfigError("Give a model name such as 'gpt-realtime', or the address of a Realtime server.")
    if "://" not in text:
        if _BARE_HOST.fullmatch(text):
            return _from_url(f"ws://{text}", kind)
        if not re.fullmatch(r"[\w.:-]+", text):
            raise ConfigError(f"{_shown(text)} is neither a model name nor an address like ws://localhost:8000.")
        model = model_at_openai(text, kind)
        query = _TRANSCRIPTION if kind == "transcription" else urlencode({"model": model})
        url = f"wss://{OPENAI_HOST}{_path('', kind)}?{query}"
        return Address(url=url, host=OPENAI_HOST, port=443, tls=True, name=model)
    return _from_url(text, kind)


def is_model_name(text: str) -> bool:
    """Whether this is the name of a model at OpenAI: neither an address nor the embedded engine."""
    text = text.strip()
    return text != "embedded" and "://" not in text and not _BARE_HOST.fullmatch(text)


def model_at_openai(name: str, kind: SessionKind) -> str:
    """The model that this word names."""
    return DEFAULT_MODELS[kind] if name == "openai" else name


def _from_url(text: str, kind: SessionKind) -> Address:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        ascii_host = host.encode("idna").decode() if not host.isascii() else host
    except ValueError as error:
        raise ConfigError(
            "That address cannot be read; it should look like ws://localhost:8000/v1/realtime."
        ) from error
    if parts.scheme.lower() not in _SCHEMES:
        raise ConfigError(f"An address starts with ws:// or wss:// (or http://, https://), not {parts.scheme}://.")
    if not host or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ConfigError("That address has no host; it should look like ws://localhost:8000/v1/realtime.")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("Leave user and password out of the address; give the key as api_key or in OPENAI_API_KEY.")
    tls = _SCHEMES[parts.scheme.lower()]
    literal = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    netloc = literal if port is None else f"{literal}:{port}"
    path = _path(parts.path, kind)
    query = _query(parts, ascii_host, kind)
    base = f"{'wss' if tls else 'ws'}://{netloc}"
    return Address(
        url=f"{base}{path}{'?' + query if query else ''}",
        host=ascii_host,
        port=port or (443 if tls else 80),
        tls=tls,
        name=f"{base}{path}",
    )


def _path(path: str, kind: SessionKind) -> str:
    path = quote(path, safe="/:@!$&'()*+,;=%~-._").rstrip("/") or "/v1"
    if path.endswith("/v1"):
        path = f"{path}/realtime"
    return f"{path}/translations" if kind == "translation" and path.endswith("/realtime") else path


def _query(parts: SplitResult, host: str, kind: SessionKind) -> str:
    query = quote(parts.query, safe="=&?/:@!$'()*+,;%~-._")
    if kind == "transcription":
        kept = (part for part in query.split("&") if not part.startswith(("model=", "intent=")))
        return "&".join(filter(None, [*kept, _TRANSCRIPTION]))
    if host == OPENAI_HOST and not any(part.startswith(_INSTEAD_OF_MODEL) for part in query.split("&")):
        query = "&".join(filter(None, [query, urlencode({"model": DEFAULT_MODELS[kind]})]))
    return query


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
