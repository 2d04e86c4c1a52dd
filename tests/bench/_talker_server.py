"""A server with the real engine in a process of its own: `engine` and `max_sessions` are its arguments."""

from __future__ import annotations

import asyncio
import sys

from realtime_agent.server.web.app import make_app
from realtime_agent.server.web.listener import listen, serve
from realtime_agent.server.web.serve_settings import ServeLimits, ServeSettings
from tests.bench.server_talkers import make_engine


async def main(engine_name: str, max_sessions: int) -> None:
    engine = make_engine(engine_name)
    limits = ServeLimits(max_sessions=max_sessions, opens_per_minute=10_000)
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    app = make_app(engine, ServeSettings(limits=limits))
    try:
        await serve(app, sock, limits, on_ready=lambda: print(port, flush=True))
    finally:
        await engine.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
