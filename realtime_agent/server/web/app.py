"""The ASGI application: OpenAI's Realtime endpoints on an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from realtime_agent.engine.engine import Engine
from realtime_agent.errors import MissingExtra
from realtime_agent.protocol import prepare
from realtime_agent.server.kinds import Kind, SessionMaker, default_makers
from realtime_agent.server.web.serve_settings import ServeSettings

try:
    from starlette.applications import Starlette
    from starlette.routing import Route, WebSocketRoute
except ImportError as error:
    raise MissingExtra("The server", "server") from error

from realtime_agent.server.shell.runner import load_default_detector
from realtime_agent.server.web.house import House
from realtime_agent.server.web.http_api import HttpApi
from realtime_agent.server.web.realtime_endpoint import NoSuchSocket, RealtimeEndpoint

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def make_app(
    engine: Engine,
    settings: ServeSettings | None = None,
    *,
    makers: Mapping[Kind, SessionMaker] | None = None,
) -> Starlette:
    """An application for any ASGI server that has the WebSocket Denial Response extension (uvicorn, hypercorn).

    It starts the engine with the server; to close it is yours. `realtime_agent.server.web.listener.serve` runs the
    application with the guards that only a listener can have (half-open handshakes, clients that never read, keys that
    an ASGI server would log).

    Args:
        engine: shared by all sessions.
        settings: keys, origins and limits.
        makers: the kinds of session there are; all that this release has, otherwise.

    Raises:
        ConfigError: the settings cannot be.
    """
    house = House(engine, settings or ServeSettings(), default_makers() if makers is None else makers)
    api = HttpApi(house)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        prepare()
        await engine.start()
        if makers is None:
            await load_default_detector(house.settings.limits.max_sessions)
        yield
        house.door.close()

    async def no_route(request: Request, error: Exception) -> Response:
        return await api.elsewhere(request)

    async def wrong_method(request: Request, error: Exception) -> Response:
        return await api.wrong_method(request, (getattr(error, "headers", None) or {}).get("Allow", "GET"))

    return Starlette(
        routes=[
            Route("/healthz", api.health, methods=["GET"]),
            Route("/openapi.json", api.openapi, methods=["GET"]),
            Route("/v1/models", api.models, methods=["GET"]),
            Route("/v1/models/{model}", api.model, methods=["GET"]),
            Route("/v1/realtime", api.realtime, methods=["GET"]),
            Route("/v1/realtime/client_secrets", api.client_secrets, methods=["POST"]),
            Route("/v1/realtime/translations/client_secrets", api.translation_client_secrets, methods=["POST"]),
            WebSocketRoute("/v1/realtime", RealtimeEndpoint(house, "realtime")),
            WebSocketRoute("/v1/realtime/translations", RealtimeEndpoint(house, "translation")),
            WebSocketRoute("/{path:path}", NoSuchSocket(house)),
        ],
        exception_handlers={404: no_route, 405: wrong_method},
        lifespan=lifespan,
    )
