"""What all requests of one server share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import Scope

from realtime_agent.engine.engine import Engine
from realtime_agent.server.kinds import Kind, SessionMaker, Sessions
from realtime_agent.server.web.door import Door, Visit
from realtime_agent.server.web.serve_settings import ServeSettings

logger = logging.getLogger("realtime_agent.server")


class House:
    """Engine, door and settings. Times are the event loop's."""

    def __init__(self, engine: Engine, settings: ServeSettings, makers: Mapping[Kind, SessionMaker]) -> None:
        """
        Raises:
            ConfigError: the settings cannot be.
        """
        self.engine = engine
        self.settings = settings
        self.door = Door(settings)
        self.sessions = Sessions(engine, makers)

    def now(self) -> float:
        return asyncio.get_running_loop().time()


def visit_of(scope: Scope) -> Visit:
    """What a request's headers say about its sender."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    return Visit(
        host=headers.get("host"),
        origin=headers.get("origin"),
        authorization=headers.get("authorization"),
        address=client[0] if client else None,
        subprotocols=tuple(scope.get("subprotocols") or ()),
    )


def note(scope: Scope, status: int) -> None:
    """One line in the log: no query and no header, which may hold a key, and no control characters."""
    client = scope.get("client")
    path = scope["path"][:200].encode("unicode_escape").decode()
    logger.info("%s %s %s %d", client[0] if client else "-", scope.get("method", "WebSocket"), path, status)
