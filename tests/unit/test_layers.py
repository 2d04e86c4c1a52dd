"""Imports point one way. Walks the syntax trees; imports under `TYPE_CHECKING` count too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "realtime_agent"

# What each layer may import of ours. Bare names are modules at the package's top.
_MAY = {
    "protocol": {"protocol", "errors"},
    "audio": {"audio", "protocol", "errors"},
    "core": {"core", "protocol", "audio", "errors", "events"},
    "engine": {"engine", "protocol", "audio", "errors"},
    "server": {"server", "engine", "protocol", "audio", "errors", "__version__"},
    "transports": {"transports", "protocol", "audio", "errors", "server", "engine"},
    "tools": {"tools", "protocol", "audio", "errors"},
}

# Only the embedded model joins the engine's server to the client, in one process.
_EMBEDDED = "transports/model/embedded.py"

_PURE = ("protocol", "core", "server/core")
_IMPURE = {
    "asyncio", "socket", "ssl", "select", "selectors", "threading", "multiprocessing", "subprocess", "concurrent",
    "time", "random", "secrets", "uuid", "datetime", "os", "signal", "websockets", "picows", "uvloop",
}  # fmt: skip


def _files(layer: str) -> list[Path]:
    root = _ROOT / layer if layer in ("transports", "tools") else _ROOT / _PACKAGE / layer
    return sorted(root.rglob("*.py"))


def _imports(path: Path) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, (_above(path, node.level), node.module)))
            if module == _PACKAGE:
                found += [(f"{_PACKAGE}.{alias.name}", node.lineno) for alias in node.names]
            else:
                found.append((module, node.lineno))
    return found


def _above(path: Path, level: int) -> str:
    """The package that a relative import with so many dots begins at; empty for an absolute one."""
    if level == 0:
        return ""
    parts = path.relative_to(_ROOT).parts[:-level]
    return ".".join(parts if parts[0] == _PACKAGE else (_PACKAGE, *parts))


def _ours(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == _PACKAGE and len(parts) > 1 else None


@pytest.mark.parametrize("layer", sorted(_MAY))
def test_a_layer_imports_only_what_stands_below_it(layer: str) -> None:
    files = _files(layer)
    assert files
    wrong = []
    for path in files:
        place = path.relative_to(_ROOT).as_posix()
        allowed = _MAY[layer]
        if layer == "transports" and not place.endswith(_EMBEDDED):
            allowed = allowed - {"server", "engine"}
        wrong += [
            f"{place}:{line} imports {module}"
            for module, line in _imports(path)
            if (module == _PACKAGE or module.startswith(_PACKAGE + ".")) and _ours(module) not in allowed
        ]
    assert wrong == []


@pytest.mark.parametrize("layer", _PURE)
def test_the_pure_layers_know_neither_clock_nor_loop_nor_socket(layer: str) -> None:
    wrong = [
        f"{path.relative_to(_ROOT)}:{line} imports {module}"
        for path in _files(layer)
        for module, line in _imports(path)
        if module.split(".")[0] in _IMPURE
    ]
    assert wrong == []


def test_this_test_sees_the_files_and_their_imports() -> None:
    session = _ROOT / _PACKAGE / "core" / "session.py"
    assert session in _files("core")
    assert "realtime_agent.core.machines" in {module for module, _ in _imports(session)}
