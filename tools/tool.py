"""A tool: a plain function that the model may call."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload

from realtime_agent.errors import ConfigError
from realtime_agent.tools.policy import LateResult, NeedsApproval, OnInterrupt, ToolPolicy
from realtime_agent.tools.schema import Arguments, innermost, read_function

if TYPE_CHECKING:
    from realtime_agent.protocol import FunctionTool

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A function that the model may call. Make one with `@tool`; it can still be called like the function it was.

    Attributes:
        name: what the model calls: 1 to 64 letters, digits, `_` and `-`.
        description: what the model is told about it; from the docstring, without the parameters.
        parameters: the JSON schema of its arguments, an object.
        policy: how it is run.
        function: the function itself.
        is_async: whether it runs on the event loop; if not, it runs in a thread (or in a worker process).
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    policy: ToolPolicy
    function: Callable[..., Any]
    is_async: bool
    arguments: Arguments = field(repr=False)
    is_method: bool = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as if it had not been decorated."""
        return self.function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Tool:
        """A tool defined in a class is bound to the instance, as a method would be."""
        if instance is None or not self.is_method:
            return self
        return replace(self, function=functools.partial(self.function, instance), is_method=False)

    def to_wire(self) -> FunctionTool:
        """The tool as the session config of the Realtime API has it."""
        from realtime_agent.protocol import FunctionTool  # here, so that tools can be written without the protocol

        return FunctionTool(name=self.name, description=self.description, parameters=dict(self.parameters))


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_s: float = 30.0,
    on_interrupt: OnInterrupt = "continue",
    late_result: LateResult = "speak",
    filler: str | None = None,
    filler_after_s: float = 1.0,
    needs_approval: NeedsApproval = False,
    max_output_bytes: int = 32_768,
    isolate: bool = False,
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    **policy: Any,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a plain function: `@tool`, or `@tool(timeout_s=5, ...)` with the settings of `ToolPolicy`.

    The function may be sync (it runs in a thread and never blocks the conversation) or async (it runs on the event
    loop, so it must not block). It may return text, or anything that can be written as JSON; None means done. See
    `realtime_agent.tools.schema` for how its parameters are read.

    Raises:
        ConfigError: the model could not call this function; the message says why and what to do.
    """
    settings = ToolPolicy(**policy)
    # Names that annotations use and that live where the function was written: a class inside a function, say.
    local_names = sys._getframe(1).f_locals

    def decorate(plain: Callable[..., Any]) -> Tool:
        return make_tool(plain, name, description, settings, local_names)

    return decorate if function is None else decorate(function)


def make_tool(
    function: Callable[..., Any],
    name: str | None = None,
    description: str | None = None,
    policy: ToolPolicy | None = None,
    local_names: Mapping[str, Any] | None = None,
) -> Tool:
    """The same as `tool`, as a plain function. A tool is returned as it is.

    Raises:
        ConfigError: the model could not call this function.
    """
    if isinstance(function, Tool):
        return function
    if not callable(function):
        raise ConfigError(f"A tool is a function, not {type(function).__name__}.")
    policy = policy or ToolPolicy()
    name = name if name is not None else _name(function)
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"A tool's name is 1 to 64 letters, digits, '_' and '-'; {name!r} is not. Use @tool(name=...)."
        )
    inner = innermost(function)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        raise ConfigError(f"{name}() yields, and a tool answers once: return text, or a list.")
    is_method = _is_method(function)
    if policy.isolate:
        _check_importable(function, name, is_method=is_method)
    arguments, described = read_function(function, name, local_names, skip_self=is_method)
    return Tool(
        name=name,
        description=described if description is None else description,
        parameters=arguments.schema,
        policy=policy,
        function=function,
        is_async=inspect.iscoroutinefunction(inner),
        arguments=arguments,
        is_method=is_method,
    )


def _name(function: Callable[..., Any]) -> str:
    inner = function.func if isinstance(function, functools.partial) else function
    name = str(getattr(inner, "__name__", None) or type(inner).__name__)
    if name == "<lambda>":
        raise ConfigError("A lambda has no name for the model to call. Use a def, or @tool(name=...).")
    return name


def _is_method(function: Callable[..., Any]) -> bool:
    """Whether the decorator stands in a class body, where `self` is still to come."""
    if not inspect.isfunction(function):
        return False
    home = function.__qualname__.rpartition(".")[0]
    return (
        bool(home)
        and not home.endswith("<locals>")
        and next(iter(inspect.signature(function).parameters), "") == "self"
    )


def _check_importable(function: Callable[..., Any], name: str, *, is_method: bool) -> None:
    if not inspect.isfunction(function) or is_method or "." in function.__qualname__ or function.__name__ == "<lambda>":
        raise ConfigError(
            f"{name}(): with isolate=True the function is imported by name in another process, so it must be a plain "
            "def at the top level of a module."
        )
