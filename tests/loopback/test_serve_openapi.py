"""The OpenAPI document is true: every path and status in it happens, and every answer fits its schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from realtime_agent.server.web.app import make_app
from realtime_agent.server.web.openapi import openapi_document
from tests.fakes_engine import FakeEngine
from tests.serving import KEY, Served, served

BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    async with served(kinds=["realtime"]) as server:
        yield server


def schema_of(document: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    response = resolved(document, response)
    return resolved(document, response["content"]["application/json"]["schema"])


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def fits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """As much of JSON schema as the document uses for answers."""
    schema = resolved(document, schema)
    if "const" in schema:
        return bool(value == schema["const"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    names = {str: "string", int: "integer", dict: "object", list: "array", type(None): "null"}
    if names[type(value)] not in kinds:
        return False
    if isinstance(value, list):
        return all(fits(document, schema["items"], item) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        closed = schema.get("additionalProperties", True) or set(value) <= set(known)
        whole = set(schema.get("required", ())) <= set(value)
        return closed and whole and all(fits(document, known[name], item) for name, item in value.items())
    return True


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("get", "/healthz", {}, None, 200),
        ("get", "/v1/models", BEARER, None, 200),
        ("get", "/v1/models", {}, None, 401),
        ("get", "/v1/models", {**BEARER, "Origin": "https://evil.example.com"}, None, 403),
        ("get", "/v1/models", {**BEARER, "Host": "evil.example.com"}, None, 421),
        ("get", "/v1/models/{model}", BEARER, None, 404),
        ("get", "/v1/realtime", BEARER, None, 426),
        ("get", "/v1/realtime", {}, None, 401),
        ("post", "/v1/realtime/client_secrets", BEARER, "{}", 200),
        ("post", "/v1/realtime/client_secrets", BEARER, "[]", 400),
        ("post", "/v1/realtime/client_secrets", BEARER, " " * 1_100_000, 413),
        ("post", "/v1/realtime/client_secrets", BEARER, '{"session": {"type": "transcription"}}', 501),
        ("post", "/v1/realtime/translations/client_secrets", BEARER, "{}", 501),
    ],
)
async def test_answers_are_as_the_document_says(
    server: Served, method: str, path: str, headers: dict[str, str], content: str | None, status: int
) -> None:
    async with httpx.AsyncClient(base_url=server.http) as http:
        document = (await http.get("/openapi.json")).json()
        response = await http.request(method, path.replace("{model}", "m"), headers=headers, content=content)
    assert response.status_code == status
    schema = schema_of(document, document["paths"][path][method]["responses"][str(status)])
    assert fits(document, schema, response.json()), response.json()


def test_the_document_has_every_path_and_no_other() -> None:
    app = make_app(FakeEngine())
    served = {getattr(route, "path", "") for route in app.routes} - {"/{path:path}", "/openapi.json"}
    # Translation sessions are refused over HTTP until there are some.
    assert set(openapi_document()["paths"]) == served - {"/v1/realtime/translations"}


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for path in openapi_document()["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
