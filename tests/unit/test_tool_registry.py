"""Policies and the set of an agent's tools."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from realtime_agent.errors import ConfigError, ToolNotFound
from realtime_agent.tools import ToolPolicy, ToolRegistry, tool


@tool
def one() -> None:
    """The first."""


def two(count: int) -> None: ...


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout_s": 0},
        {"timeout_s": -1},
        {"timeout_s": float("nan")},
        {"timeout_s": float("inf")},
        {"on_interrupt": "stop"},
        {"late_result": "later"},
        {"filler_after_s": -1},
        {"needs_approval": "yes"},
        {"max_output_bytes": 10},
    ],
)
def test_a_policy_that_cannot_be_is_refused_with_the_name_of_the_setting(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        ToolPolicy(**settings)


def test_the_decorator_takes_every_setting_of_the_policy() -> None:
    settings: dict[str, Any] = {
        "timeout_s": 1.0,
        "on_interrupt": "cancel",
        "late_result": "drop",
        "filler": "One moment.",
        "filler_after_s": 0.5,
        "needs_approval": True,
        "max_output_bytes": 1000,
        "isolate": False,
    }
    assert tool(**settings)(two).policy == ToolPolicy(**settings)


def test_the_registry_keeps_order_and_takes_plain_functions() -> None:
    registry = ToolRegistry([one, two])
    assert [each.name for each in registry] == ["one", "two"]
    assert len(registry) == 2
    assert "two" in registry
    assert "three" not in registry


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="'one'"):
        ToolRegistry([one, tool(name="one")(two)])


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(ToolNotFound, match="one, two"):
        ToolRegistry([one, two]).get("three")


def test_a_method_without_instance_is_refused() -> None:
    class Shop:
        @tool
        def left(self) -> int:
            return 1

    with pytest.raises(ConfigError, match=r"thing\.left"):
        ToolRegistry([Shop.left])
    assert ToolRegistry([Shop().left]).get("left")() == 1


def test_more_tools_make_a_new_registry() -> None:
    registry = ToolRegistry([one])
    assert len(registry.plus([two])) == 2
    assert len(registry) == 1
    with pytest.raises(ConfigError):
        registry.plus([one])


def test_tools_go_on_the_wire_as_the_protocol_has_them() -> None:
    wire = ToolRegistry([one]).to_wire()[0]
    assert wire.model_dump(exclude_none=True) == {
        "type": "function",
        "name": "one",
        "description": "The first.",
        "parameters": one.parameters,
    }


def test_importing_the_tools_loads_nothing_heavy() -> None:
    script = "import sys, realtime_agent.tools; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "httpx", "multiprocessing", "sounddevice", "moonshine_voice"} & set(loaded)
