"""The body of `POST …/client_secrets`, read and checked; the session in it by the very rules of `session.update`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import SessionUpdate, TranscriptionSessionConfig, decode_client
from realtime_agent.protocol.translation import TranslationSessionUpdate, decode_translation_client
from realtime_agent.server.kinds import Kind
from realtime_agent.server.web.http_errors import Refusal, bad_request
from realtime_agent.server.web.keys import DEFAULT_SECRET_S, MAX_SECRET_S, MIN_SECRET_S


@dataclass(frozen=True, slots=True)
class SecretOrder:
    """What a client secret is to open, and for how long it does."""

    kind: Kind
    update: SessionUpdate | TranslationSessionUpdate
    session: dict[str, Any]
    lifetime_s: int


def read_secret_order(body: bytes, *, translation: bool = False) -> SecretOrder | Refusal:
    """The order in a request's body; an empty body orders all the defaults.

    translation: whether it is a translation session that is ordered, which has an address of its own.
    """
    try:
        fields = from_json(body, allow_inf_nan=False) if body.strip() else {}
    except ValueError:
        return bad_request("We could not parse the JSON body of your request.")
    if not isinstance(fields, dict):
        return bad_request("The JSON body of your request is not an object.")
    for name in fields:
        if name not in ("expires_after", "session"):
            return bad_request(f"Unknown parameter: '{name[:100]}'.", code="unknown_parameter", param=name[:100])
    lifetime_s = _lifetime_s(fields.get("expires_after"))
    if isinstance(lifetime_s, Refusal):
        return lifetime_s
    session = fields.get("session")
    if session is None:
        session = {} if translation else {"type": "realtime"}
    try:
        update = update_of(session, translation=translation)
    except RemoteProtocolError as error:
        return bad_request(error.message.removeprefix("session.update: "), code=error.code, param=error.param)
    return SecretOrder(_kind_of(update), update, update.session.model_dump(mode="json", exclude_unset=True), lifetime_s)


def update_of(session: object, *, translation: bool) -> SessionUpdate | TranslationSessionUpdate:
    """The `session.update` that asks for this session.

    Raises:
        RemoteProtocolError: it is no session.
    """
    message = to_json({"type": "session.update", "session": session})
    event = decode_translation_client(message) if translation else decode_client(message)
    assert isinstance(event, SessionUpdate | TranslationSessionUpdate)  # by its type
    return event


def _kind_of(update: SessionUpdate | TranslationSessionUpdate) -> Kind:
    if isinstance(update, TranslationSessionUpdate):
        return "translation"
    return "transcription" if isinstance(update.session, TranscriptionSessionConfig) else "realtime"


def _lifetime_s(expires_after: object) -> int | Refusal:
    if expires_after is None:
        return DEFAULT_SECRET_S
    if not isinstance(expires_after, dict):
        return bad_request("expires_after: expected an object", param="expires_after")
    for name in expires_after:
        if name not in ("anchor", "seconds"):
            param = f"expires_after.{name[:100]}"
            return bad_request(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)
    if expires_after.get("anchor", "created_at") != "created_at":
        return bad_request("expires_after.anchor: expected 'created_at'", param="expires_after.anchor")
    seconds = expires_after.get("seconds", DEFAULT_SECRET_S)
    if type(seconds) is not int or not MIN_SECRET_S <= seconds <= MAX_SECRET_S:
        problem = f"expires_after.seconds: expected an integer from {MIN_SECRET_S} to {MAX_SECRET_S}"
        return bad_request(problem, code="invalid_value", param="expires_after.seconds")
    return seconds
