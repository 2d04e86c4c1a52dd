"""`realtime-agent serve`: the embedded engine, or one of your own, for every OpenAI client."""

from __future__ import annotations

import copy
import importlib
import logging
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console

from realtime_agent.errors import ConfigError

if TYPE_CHECKING:
    from realtime_agent.engine.engine import Engine

KEY_VARIABLE = "REALTIME_AGENT_API_KEY"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options as they were given."""

    host: str
    port: int
    api_keys: tuple[str, ...]
    max_sessions: int
    origins: tuple[str, ...]
    hosts: tuple[str, ...]
    engine: str
    brain_url: str | None
    brain_model: str | None
    log_level: str


async def serve(options: ServeOptions) -> int:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: the options cannot be, or the address cannot be had.
        EngineError: the engine does not start.
    """
    from realtime_agent.server.web.app import make_app
    from realtime_agent.server.web.listener import listen
    from realtime_agent.server.web.listener import serve as serve_app
    from realtime_agent.server.web.origins import is_loopback
    from realtime_agent.server.web.serve_settings import ServeLimits, ServeSettings

    if not is_loopback(options.host) and not options.api_keys:
        raise ConfigError(
            f"{options.host} can be reached from other machines, so a key is needed: "
            f"--api-key, or the variable {KEY_VARIABLE}."
        )
    limits = ServeLimits(max_sessions=options.max_sessions)
    settings = ServeSettings(options.api_keys, options.origins, options.hosts, options.host, limits)
    logging.basicConfig(level=_level(options.log_level), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    engine = make_engine(options)
    app = make_app(engine, settings)
    sock = listen(options.host, options.port)
    console = Console(highlight=False, soft_wrap=True)
    try:
        console.print(f"Loading {engine.name} …")
        await engine.start()
        port = sock.getsockname()[1]
        await serve_app(app, sock, limits, on_ready=lambda: _greet(console, replace(options, port=port)))
    finally:
        sock.close()
        await engine.close()
    console.print("Stopped.")
    return 0


def make_engine(options: ServeOptions) -> Engine:
    """The engine that the options name, its brain replaced where they name another.

    Raises:
        ConfigError: there is no such engine, or half of a brain.
    """
    from realtime_agent.engine.chat.brain import ChatBrain
    from realtime_agent.engine.engine import Engine, default_engine

    if options.engine == "embedded":
        engine = default_engine()
    else:
        named = _imported(options.engine)
        made = named() if callable(named) else named
        if not isinstance(made, Engine):
            raise ConfigError(f"{options.engine} is neither an Engine nor a function that makes one.")
        engine = made
    if options.brain_url is None and options.brain_model is None:
        return engine
    if options.brain_url is None or options.brain_model is None:
        raise ConfigError("Give both, --brain-url and --brain-model.")
    brain = ChatBrain(options.brain_url, options.brain_model, os.environ.get("REALTIME_AGENT_BRAIN_KEY"))
    thinking = copy.copy(engine)
    thinking.brain = brain
    return thinking


def _imported(name: str) -> object:
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ConfigError(f"An engine is 'embedded' or 'module:name', not {name!r}.")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"There is no engine {name}: {error}.") from error


def _level(name: str) -> int:
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise ConfigError(f"{name!r} is no log level; take debug, info, warning or error.")
    return level


def _greet(console: Console, options: ServeOptions) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)
    address = f"[{host}]:{options.port}" if ":" in host else f"{host}:{options.port}"
    key = "one of your keys" if options.api_keys else "any"
    console.print(f"Listening on ws://{address}/v1/realtime", style="bold", markup=False)
    for line in (
        "From Python, with the openai package:",
        f'    client = AsyncOpenAI(base_url="http://{address}/v1", api_key="{key}")',
        '    async with client.realtime.connect(model="realtime-agent") as connection: ...',
        f"Or: realtime-agent talk --model ws://{address}/v1/realtime",
    ):
        console.print(line, markup=False)
