"""What `--tools module:name` means."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path

from realtime_agent.errors import ConfigError, RealtimeAgentError
from realtime_agent.tools import Tool, tool


def tools_from(spec: str) -> list[Tool]:
    """The tools behind `module:name` (a tool, a function, or a list of them) or `module` (all its tools).

    Modules of the current folder are found as well.

    Raises:
        ConfigError: nothing of that name, or nothing that can be a tool.
    """
    module_name, _, name = spec.partition(":")
    if not module_name or module_name.startswith("."):
        raise ConfigError(f"--tools {spec}: name a module, as in my_module:my_tool.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except RealtimeAgentError as error:  # a function in it that cannot be a tool
        raise ConfigError(f"--tools {spec}: {error.message}") from error
    except Exception as error:  # somebody's module: whatever it raises, it cannot be used
        why = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise ConfigError(f"--tools {spec}: cannot import {module_name!r} ({why}).") from error
    if not name:
        found: object = [one for one in vars(module).values() if isinstance(one, Tool)]
    else:
        found = getattr(module, name, None)
        if found is None:
            raise ConfigError(f"--tools {spec}: {module_name!r} has nothing called {name!r}.")
    several = found if isinstance(found, Iterable) and not isinstance(found, (str, Tool)) else [found]
    tools = [_tool(spec, one) for one in several]
    if not tools:
        raise ConfigError(f"--tools {spec}: there are no tools in it. Mark functions with @tool, or name one.")
    return tools


def _tool(spec: str, one: object) -> Tool:
    if isinstance(one, Tool):
        return one
    if not callable(one):
        raise ConfigError(f"--tools {spec}: {one!r} is neither a tool nor a function.")
    return tool(one)
