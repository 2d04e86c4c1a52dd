"""Without the `server` extra everything else works, and `serve` says how to get it."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
import sys
for name in ("starlette", "uvicorn", "httptools", "websockets"):
    sys.modules[name] = None
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + program], capture_output=True, text=True, timeout=60, check=False
    )


def test_serve_names_the_extra_that_is_missing() -> None:
    done = run("sys.argv = ['realtime-agent', 'serve']; from realtime_agent.cli import main; main()")
    assert done.returncode == 2
    assert "pip install 'realtime-agent[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_embedded_session_needs_no_server() -> None:
    done = run("import realtime_agent, realtime_agent.server.shell.runner, realtime_agent.server.kinds")
    assert done.returncode == 0, done.stderr
