"""How the server says no over HTTP: OpenAI's error object, its status codes and its codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not granted. A value, not an exception: saying no is everyday work at a door.

    Attributes:
        status: the HTTP status.
        message: for people; holds no secret.
        code: for programs.
        type: OpenAI's class of error.
        param: the field that is wrong, where there is one.
        retry_after_s: when to come back, where that helps.
    """

    status: int
    message: str
    code: str | None = None
    type: str = "invalid_request_error"
    param: str | None = None
    retry_after_s: int | None = None

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return headers


def bad_request(message: str, *, code: str | None = None, param: str | None = None) -> Refusal:
    return Refusal(400, message, code=code, param=param)


def no_key() -> Refusal:
    return Refusal(
        401,
        "You didn't provide an API key. Provide it in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY).",
        code="invalid_api_key",
    )


def wrong_key() -> Refusal:
    return Refusal(401, "Incorrect API key provided.", code="invalid_api_key")


def secret_used() -> Refusal:
    return Refusal(401, "This client secret has been used already.", code="ephemeral_token_already_used")


def secret_expired() -> Refusal:
    return Refusal(401, "This client secret has expired.", code="ephemeral_token_expired")


def secret_of_another_kind(kind: str) -> Refusal:
    return Refusal(403, f"This client secret is for a {kind} session.", code="ephemeral_token_wrong_session")


def not_with_a_secret() -> Refusal:
    return Refusal(403, "A client secret opens a session and nothing else.", code="insufficient_permissions")


def wrong_origin() -> Refusal:
    return Refusal(403, "Pages of this origin may not use this server.", code="origin_not_allowed")


def wrong_host() -> Refusal:
    return Refusal(421, "This server does not go by the name in the Host header.", code="host_not_allowed")


def too_often(retry_after_s: int) -> Refusal:
    return Refusal(
        429, "Too many requests. Slow down.", code="rate_limit_exceeded", type="requests", retry_after_s=retry_after_s
    )


def too_many_sessions_of_caller(limit: int) -> Refusal:
    return Refusal(
        429, f"You have {limit} sessions already.", code="session_limit_reached", type="requests", retry_after_s=5
    )


def server_full(limit: int) -> Refusal:
    return Refusal(
        503,
        f"All {limit} sessions of this server are taken. Try again later.",
        code="session_limit_reached",
        type="server_error",
        retry_after_s=5,
    )


def shutting_down() -> Refusal:
    return Refusal(503, "This server is shutting down.", code="shutting_down", type="server_error", retry_after_s=5)


def body_too_large(limit_bytes: int) -> Refusal:
    return Refusal(413, f"The body is larger than {limit_bytes} bytes.", code="request_too_large")


def unknown_url(method: str, path: str) -> Refusal:
    return Refusal(404, f"Invalid URL ({method} {path[:200]})", code="unknown_url")


def wrong_method(method: str, path: str) -> Refusal:
    return Refusal(
        405, f"Not allowed to {method} on {path[:200]} (HINT: Perhaps you meant to use a different HTTP method?)"
    )


def unknown_model(name: str) -> Refusal:
    return Refusal(404, f"The model '{name[:100]}' does not exist", code="model_not_found", param="model")


def unknown_call() -> Refusal:
    return Refusal(404, "No call with this id.", code="call_id_not_found", param="call_id")


def not_served(what: str) -> Refusal:
    """For what OpenAI has and this server has not."""
    return Refusal(501, f"{what} is not served here.", code="not_implemented")
