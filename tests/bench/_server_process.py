"""A server with an engine of fakes, for benchmarks: our listener, or uvicorn as it is with another WebSocket."""

from __future__ import annotations

import asyncio
import sys

import uvicorn
import uvloop

from realtime_agent.server.kinds import default_makers
from realtime_agent.server.web.app import make_app
from realtime_agent.server.web.listener import listen, serve
from realtime_agent.server.web.serve_settings import ServeLimits, ServeSettings
from tests.fakes_engine import FakeEngine, make_loudness_detector


async def main(websocket: str, max_sessions: int, key: str) -> None:
    limits = ServeLimits(max_sessions=max_sessions, opens_per_minute=1_000_000)
    settings = ServeSettings(api_keys=(key,), limits=limits)
    app = make_app(FakeEngine(), settings, makers=default_makers(make_loudness_detector))
    sock = listen("127.0.0.1", 0)
    sock.listen(2048)
    print(sock.getsockname()[1], flush=True)
    if websocket == "ours":
        await serve(app, sock, limits)
    else:
        config = uvicorn.Config(app, ws=websocket, ws_per_message_deflate=False, log_config=None, access_log=False)
        await uvicorn.Server(config).serve(sockets=[sock])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
