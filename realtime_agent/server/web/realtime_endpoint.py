"""The endpoints that speak WebSocket: the handshake, refused over HTTP or accepted, and the session behind it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from realtime_agent.engine.engine import Engine
from realtime_agent.server.core.session_core import SessionCore
from realtime_agent.server.kinds import MODEL_ID, Kind
from realtime_agent.server.web.client_secrets import update_of
from realtime_agent.server.web.door import Caller
from realtime_agent.server.web.house import House, logger, note, visit_of
from realtime_agent.server.web.http_errors import Refusal, bad_request, unknown_call, unknown_url
from realtime_agent.server.web.keys import SUBPROTOCOL
from realtime_agent.server.web.websocket import Connection

_LONGEST_NAME = 100
_MOST_FIELDS = 50


class RealtimeEndpoint:
    """An ASGI application for one WebSocket path.

    `kind` is what it opens; on `/v1/realtime`, `?intent=transcription` opens that instead.
    """

    def __init__(self, house: House, kind: Kind) -> None:
        self._house = house
        self._kind: Kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        house = self._house
        caller = house.door.identify(visit_of(scope), house.now())
        if isinstance(caller, Refusal):
            await deny(scope, send, caller)
            return
        order = self._order(scope, caller)
        if isinstance(order, Refusal):
            await deny(scope, send, order)
            return
        kind, model = order
        place = house.door.enter(caller, kind, house.now())
        if isinstance(place, Refusal):
            await deny(scope, send, place)
            return
        try:
            await self._hold(scope, receive, send, caller, kind, model)
        finally:
            house.door.leave(place)

    async def _hold(self, scope: Scope, receive: Receive, send: Send, caller: Caller, kind: Kind, model: str) -> None:
        """Accept the handshake and hold the session. What cannot be made is not accepted, and the client gets a 500."""
        house = self._house

        def make_session(view: Engine) -> SessionCore:
            return house.sessions.make(kind, model, view)

        bound_to = None
        if caller.grant is not None:  # it was checked when its secret was minted
            bound_to = update_of(caller.grant.session, translation=kind == "translation")
        connection = Connection(receive, send, house.settings.limits, make_session, house.engine, bound_to)
        note(scope, 101)
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
        try:
            await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
        except OSError:  # the client left during the handshake, as ASGI servers say
            return
        close = await connection.run()
        if close is not None:
            logger.info("session of %s closed: %d %s", caller.name, close.code, close.reason)

    def _order(self, scope: Scope, caller: Caller) -> tuple[Kind, str] | Refusal:
        """Which session is wanted, of which model."""
        try:
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=_MOST_FIELDS))
        except ValueError:
            return bad_request("The query has too many fields.")
        kind = self._wanted_kind(query)
        if isinstance(kind, Refusal):
            return kind
        model = query.get("model") or MODEL_ID
        if caller.grant is not None:
            if self._kind == "realtime":
                kind = caller.grant.kind  # who holds a secret need not repeat what it is for
            model = caller.grant.session.get("model") or model
        if (refused := self._house.sessions.check(kind)) is not None:
            return refused
        if len(model) > _LONGEST_NAME or not model.isprintable():
            return bad_request("That is no name of a model.", code="invalid_value", param="model")
        return kind, model

    def _wanted_kind(self, query: Mapping[str, str]) -> Kind | Refusal:
        if self._kind != "realtime":
            return self._kind
        if "call_id" in query:
            return unknown_call()
        match query.get("intent", "conversation"):
            case "transcription":
                return "transcription"
            case "conversation" | "realtime":
                return "realtime"
        return bad_request("'intent' may be 'transcription'.", code="invalid_value", param="intent")


class NoSuchSocket:
    """An ASGI application for WebSocket handshakes to any other path."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        refused = self._house.door.check_names(visit_of(scope))
        await deny(scope, send, refused or unknown_url("GET", scope["path"]))


async def deny(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer a handshake with an HTTP error; where the ASGI server cannot, with its 403."""
    note(scope, refusal.status)
    try:
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.message[:120]})
            return
        headers = {"Content-Type": "application/json"} | refusal.headers
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": raw})
        await send({"type": "websocket.http.response.body", "body": to_json(refusal.body)})
    except OSError:  # it has gone already
        pass
