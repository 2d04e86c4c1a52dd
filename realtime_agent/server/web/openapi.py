"""The OpenAPI document: written by hand beside the handlers, its schemas taken from what checks the requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realtime_agent import __version__
from realtime_agent.server.web.keys import DEFAULT_SECRET_S, MAX_SECRET_S, MIN_SECRET_S

_ERROR_STATUSES: Mapping[int, str] = {
    400: "The request is malformed, or asks for what cannot be.",
    401: "The key is missing, wrong, expired or used up.",
    403: "The page's origin, or a client secret, does not allow this.",
    404: "There is no such thing.",
    413: "The body is too large.",
    421: "The Host header is not a name of this server.",
    429: "Too often, or too many.",
    501: "OpenAI has this and this server has not.",
    503: "No room, or shutting down.",
}


def openapi_document() -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "realtime-agent",
            "version": __version__,
            "summary": "Realtime voice sessions over OpenAI's protocol.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"bearer": []}],
        "paths": {
            "/healthz": {"get": _health()},
            "/v1/models": {"get": _models()},
            "/v1/models/{model}": {"get": _model()},
            "/v1/realtime": {"get": _realtime()},
            "/v1/realtime/client_secrets": {"post": _client_secrets("Mint a client secret for a realtime session.")},
            "/v1/realtime/translations/client_secrets": {
                "post": _client_secrets("Mint a client secret for a translation session.")
            },
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": _ERROR,
                "Model": _MODEL,
                "ClientSecretRequest": _SECRET_REQUEST,
                "ClientSecret": _SECRET,
            },
            "responses": {f"Error{status}": _error(text) for status, text in _ERROR_STATUSES.items()},
        },
    }


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _json(schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _error(description: str) -> dict[str, Any]:
    return _json(_ref("schemas", "Error"), description)


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(status): _ref("responses", f"Error{status}") for status in statuses}


def _health() -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"status": {"const": "ok"}},
        "required": ["status"],
        "additionalProperties": False,
    }
    return {
        "operationId": "health",
        "summary": "Whether the server runs.",
        "security": [],
        "responses": {"200": _json(schema, "It does.")},
    }


def _models() -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"object": {"const": "list"}, "data": {"type": "array", "items": _ref("schemas", "Model")}},
        "required": ["object", "data"],
        "additionalProperties": False,
    }
    return {
        "operationId": "listModels",
        "summary": "The models there are. A session takes any name.",
        "responses": {"200": _json(schema, "The models."), **_errors(401, 403, 421, 429)},
    }


def _model() -> dict[str, Any]:
    return {
        "operationId": "retrieveModel",
        "summary": "One model.",
        "parameters": [{"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {"200": _json(_ref("schemas", "Model"), "The model."), **_errors(401, 403, 404, 421, 429)},
    }


def _realtime() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "operationId": "connectRealtime",
        "summary": "Open a session over WebSocket.",
        "description": (
            "A WebSocket handshake. Browsers, which cannot set headers, offer the subprotocols `realtime` and "
            "`openai-insecure-api-key.<key>`; the server answers `realtime`. Without a handshake the answer is 426."
        ),
        "parameters": [
            {"name": "model", "in": "query", "schema": text, "description": "Any name; echoed in the session."},
            {"name": "intent", "in": "query", "schema": text, "description": "`transcription`, to write down only."},
            {"name": "call_id", "in": "query", "schema": text, "description": "A call that is running already."},
        ],
        "responses": {
            "101": {"description": "The session begins with `session.created`."},
            "426": _error("This is no WebSocket handshake."),
            **_errors(400, 401, 403, 404, 421, 429, 501, 503),
        },
    }


def _client_secrets(summary: str) -> dict[str, Any]:
    return {
        "operationId": "".join(word.capitalize() for word in summary.rstrip(".").split()[-3:]) + "Secret",
        "summary": summary,
        "description": "What a web page gets instead of a key: it opens one session, configured as asked for here.",
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": _ref("schemas", "ClientSecretRequest")}},
        },
        "responses": {
            "200": _json(_ref("schemas", "ClientSecret"), "The secret, told this once."),
            **_errors(400, 401, 403, 413, 421, 429, 501),
        },
    }


_ERROR: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
            "required": ["message", "type", "param", "code"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}
_MODEL: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "model"},
        "created": {"type": "integer"},
        "owned_by": {"type": "string"},
    },
    "required": ["id", "object", "created", "owned_by"],
    "additionalProperties": False,
}
_SECRET_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "expires_after": {
            "type": ["object", "null"],
            "properties": {
                "anchor": {"const": "created_at"},
                "seconds": {
                    "type": "integer",
                    "minimum": MIN_SECRET_S,
                    "maximum": MAX_SECRET_S,
                    "default": DEFAULT_SECRET_S,
                },
            },
        },
        "session": {
            "type": ["object", "null"],
            "description": (
                "As in a `session.update` event, and refused by the same rules. The holder of the secret cannot change "
                "its instructions and tools."
            ),
            "properties": {
                "type": {"enum": ["realtime", "transcription"]},
                "model": {"type": ["string", "null"]},
                "instructions": {"type": ["string", "null"]},
            },
            "required": ["type"],
        },
    },
}
_SECRET: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "value": {"type": "string", "pattern": "^ek_"},
        "expires_at": {"type": "integer", "description": "Unix time."},
        "session": {"type": "object", "description": "The whole configuration, with all defaults."},
    },
    "required": ["value", "expires_at", "session"],
    "additionalProperties": False,
}
