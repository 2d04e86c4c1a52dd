"""The endpoints that speak plain HTTP."""

from __future__ import annotations

import time

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from realtime_agent.server.kinds import MODEL_ID
from realtime_agent.server.web.client_secrets import read_secret_order
from realtime_agent.server.web.door import Caller
from realtime_agent.server.web.house import House, note, visit_of
from realtime_agent.server.web.http_errors import (
    Refusal,
    body_too_large,
    not_served,
    not_with_a_secret,
    unknown_model,
    unknown_url,
    wrong_method,
)
from realtime_agent.server.web.keys import Grant
from realtime_agent.server.web.openapi import openapi_document

# What OpenAI serves and we do not: clients are told so, instead of looking for a typing error in their address.
_ELSEWHERE = {"audio", "batches", "chat", "completions", "embeddings", "files", "images", "live", "moderations"}
_ELSEWHERE |= {"realtime", "responses", "uploads", "vector_stores", "videos"}


class HttpApi:
    """The handlers. Each answers everything with JSON in OpenAI's shapes."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._document = openapi_document()
        self._models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "realtime-agent"} for name in (MODEL_ID,)
        ]

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def openapi(self, request: Request) -> Response:
        refused = self._house.door.check_names(visit_of(request.scope))
        return self._answer(request, refused or self._document)

    async def models(self, request: Request) -> Response:
        caller = self._identify(request)
        return self._answer(
            request, caller if isinstance(caller, Refusal) else {"object": "list", "data": self._models}
        )

    async def model(self, request: Request) -> Response:
        caller = self._identify(request)
        if isinstance(caller, Refusal):
            return self._answer(request, caller)
        name = request.path_params["model"]
        found = next((model for model in self._models if model["id"] == name), None)
        return self._answer(request, found or unknown_model(name))

    async def realtime(self, request: Request) -> Response:
        """A GET without a WebSocket handshake."""
        caller = self._identify(request)
        refused = Refusal(426, "Connect to this address with a WebSocket.", code="upgrade_required")
        return self._answer(request, caller if isinstance(caller, Refusal) else refused, {"Upgrade": "websocket"})

    async def client_secrets(self, request: Request) -> Response:
        return self._answer(request, await self._minted(request))

    async def translation_client_secrets(self, request: Request) -> Response:
        return self._answer(request, await self._minted(request, translation=True))

    async def elsewhere(self, request: Request) -> Response:
        """Whatever there is no route for."""
        refused = self._house.door.check_names(visit_of(request.scope))
        parts = request.url.path.strip("/").split("/")
        if refused is None and len(parts) > 1 and parts[0] == "v1" and parts[1] in _ELSEWHERE:
            refused = not_served(f"{request.method} /{'/'.join(parts)}"[:200])
        return self._answer(request, refused or unknown_url(request.method, request.url.path))

    async def wrong_method(self, request: Request, allowed: str) -> Response:
        """A path that there is, with a method that there is not."""
        refused = self._house.door.check_names(visit_of(request.scope))
        return self._answer(request, refused or wrong_method(request.method, request.url.path), {"Allow": allowed})

    def _identify(self, request: Request) -> Caller | Refusal:
        return self._house.door.identify(visit_of(request.scope), self._house.now())

    async def _minted(self, request: Request, *, translation: bool = False) -> dict[str, object] | Refusal:
        caller = self._identify(request)
        if isinstance(caller, Refusal):
            return caller
        if caller.grant is not None:
            return not_with_a_secret()
        body = await self._body(request)
        order = body if isinstance(body, Refusal) else read_secret_order(body, translation=translation)
        if isinstance(order, Refusal):
            return order
        session = self._house.sessions.preview(order.kind, order.update)
        if isinstance(session, Refusal):
            return session
        grant = Grant(order.kind, order.session, caller.name)
        value = self._house.door.secrets.mint(grant, order.lifetime_s, self._house.now())
        if isinstance(value, Refusal):
            return value
        expires_at = int(time.time()) + order.lifetime_s  # noqa: TID251 - a date for people, not a duration
        return {"value": value, "expires_at": expires_at, "session": session}

    async def _body(self, request: Request) -> bytes | Refusal:
        limit_bytes = self._house.settings.limits.max_body_bytes
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit_bytes:
                    return body_too_large(limit_bytes)
        except ClientDisconnect:
            pass  # nobody reads the answer
        return body

    def _answer(
        self, request: Request, what: dict[str, object] | Refusal, headers: dict[str, str] | None = None
    ) -> Response:
        status, body, extra = 200, what, dict(headers or {})
        if isinstance(what, Refusal):
            status, body = what.status, what.body
            extra |= what.headers
        origin = request.headers.get("origin")
        if origin is not None and self._house.door.allows_origin(origin):
            extra |= {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        note(request.scope, status)
        return JSONResponse(body, status, headers=extra)
