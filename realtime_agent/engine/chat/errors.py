"""What a chat server's refusal means, in a sentence, and whether asking differently or again can help."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from realtime_agent.errors import EngineError

Adaptation = Literal["without_usage", "other_tokens_field"]
_PASSING = (408, 409, 429, 500, 502, 503, 504, 529)


class Refused(EngineError):
    """The server did not answer. `passing` says that a second try can help; `said` is its own words, not for "
    "messages."""

    def __init__(
        self,
        message: str,
        code: str,
        *,
        passing: bool = False,
        status: int = 0,
        said: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.passing = passing
        self.status = status
        self.said = said
        self.retry_after_s = retry_after_s


def adaptation(refused: Refused) -> Adaptation | None:
    """What to leave out or call differently, where the server says that it does not know a field of ours."""
    if refused.status not in (400, 422):
        return None
    said = refused.said.lower()
    if "stream_options" in said or "include_usage" in said:
        return "without_usage"
    return "other_tokens_field" if "max_tokens" in said or "max_completion_tokens" in said else None


def refusal(status: int, body: bytes, headers: Mapping[str, str], model: str, where: str) -> Refused:
    """The error for an HTTP status other than 200."""
    said = _said(body)
    if status in (401, 403):
        return Refused(f"{where} refused the key (HTTP {status}).", "brain_auth", status=status, said=said)
    if status == 404:
        return _not_found(said, model, where)
    if status == 429:
        sentence = f"{where} has had too many requests, or the account is out of credit (HTTP 429)."
        return Refused(
            sentence,
            "brain_rate_limited",
            passing=True,
            status=status,
            said=said,
            retry_after_s=_retry_after_s(headers),
        )
    if "does not support tools" in said.lower():
        sentence = f"The model {model!r} at {where.removeprefix('The ')} cannot call tools."
        return Refused(sentence, "brain_refused", status=status, said=said)
    if status >= 500 or status in _PASSING:
        return Refused(
            f"{where} failed (HTTP {status}).", "brain_failed", passing=status in _PASSING, status=status, said=said
        )
    if status < 400:
        return Refused(f"{where} is not a chat server (HTTP {status}).", "brain_malformed", status=status, said=said)
    return Refused(
        f"{where} refused the request (HTTP {status}){_detail(body)}.", "brain_refused", status=status, said=said
    )


def _not_found(said: str, model: str, where: str) -> Refused:
    if "model" in said.lower():
        hint = f" With Ollama: ollama pull {model}." if "11434" in where else ""
        sentence = f"{where} has no model {model!r}.{hint}"
    else:
        sentence = f"{where} has no /chat/completions at this path. The address usually ends in /v1."
    return Refused(sentence, "brain_model_not_found", status=404, said=said)


def _error_of(body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer.get("error", answer) if isinstance(answer, Mapping) else None


def _said(body: bytes) -> str:
    """The server's own words. They may quote the person: compared, never shown."""
    error = _error_of(body)
    if isinstance(error, Mapping):
        return " ".join(str(error.get(key) or "") for key in ("message", "detail", "param", "code", "type"))[:4000]
    return error[:4000] if isinstance(error, str) else body[:4000].decode("utf-8", "replace")


def _detail(body: bytes) -> str:
    """Which field, which code: what of a refusal can be told without telling what was said."""
    error = _error_of(body)
    if not isinstance(error, Mapping):
        return ""
    told = [str(error[key])[:60] for key in ("code", "param", "type") if isinstance(error.get(key), str)]
    return f": {', '.join(told)}" if told else ""


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
