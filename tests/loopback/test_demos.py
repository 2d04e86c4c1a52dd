"""Every demo runs as its first lines say, is short, and does what it shows; with sound files for ears and mouth."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import wave
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("moonshine_voice")

from realtime_agent.engine.voice import PicoVoice

pytestmark = pytest.mark.timeout(150)  # several engines are loaded at once, perhaps on a busy machine

DEMOS = Path(__file__).parents[2] / "demos"
PATIENCE_S = 100.0
SILENCE_S = 0.3


@dataclass(frozen=True)
class Run:
    """A demo with somebody's words, and what must be read of it."""

    demo: str
    words: str
    options: tuple[str, ...]
    expected: tuple[str, ...]


RUNS = {
    "assistant": Run(
        "desktop_assistant.py",
        "Set a timer for five minutes.",
        (),
        ("you:   Set a timer for five minutes", "[set_timer: ", "agent: The timer is set for 5 minutes."),
    ),
    "approval": Run(
        "tool_with_approval.py",
        "Send ninety euros to Peter.",
        ("--answer", "no"),
        ("Send 90 euros to Peter? [yes/no] no", "[send_money refused: ", "the owner of the account said no"),
    ),
    "brain": Run(
        "custom_brain.py",
        "I am tired of my work.",
        (),
        ("eliza: How long have you been tired of your work? Do you like being tired of your work?",),
    ),
    "service": Run(
        "service.py",
        "Where is parcel forty two?",
        (),
        ("[track_parcel: ", "agent:  Parcel 42 is on the way to Oslo."),
    ),
}


async def speak(words: dict[str, Path]) -> None:
    """Write each sentence, spoken, to its file."""
    voice = PicoVoice()
    await voice.start()
    try:
        for text, path in words.items():
            pcm = b"".join([clause.pcm async for clause in voice.speak(text, voice="en-GB")])
            silence = bytes(2 * int(voice.rate_hz * SILENCE_S))
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(voice.rate_hz)
                file.writeframes(silence + pcm + silence)
    finally:
        await voice.close()


async def start(demo: str, *options: str, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(DEMOS / demo),
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, "XDG_DATA_HOME": str(folder), "PYTHONUNBUFFERED": "1"},
    )


async def test_each_demo_hears_does_and_answers(tmp_path: Path) -> None:
    words = {text: tmp_path / f"{number}.wav" for number, text in enumerate({run.words for run in RUNS.values()})}
    await speak(words)
    started: dict[str, asyncio.subprocess.Process] = {}
    # All at once: they mostly wait for the sound to play.
    for name, run in RUNS.items():
        sounds = ("--input", str(words[run.words]), "--output", str(tmp_path / f"{name}-reply.wav"))
        started[name] = await start(run.demo, *sounds, *run.options, folder=tmp_path)
    printed: dict[str, str] = {}
    try:
        async with asyncio.timeout(PATIENCE_S):
            for name, process in started.items():
                printed[name] = (await process.communicate())[0].decode()
    finally:
        for process in started.values():
            if process.returncode is None:
                process.kill()
                await process.communicate()
    for name, run in RUNS.items():
        assert started[name].returncode == 0, printed[name]
        for expected in run.expected:
            assert expected in printed[name], f"{name}:\n{printed[name]}"
        assert "Traceback" not in printed[name]
        assert loudest(tmp_path / f"{name}-reply.wav") > 1000, f"{name} said nothing"


def loudest(path: Path) -> int:
    with wave.open(str(path), "rb") as file:
        return max(map(abs, array("h", file.readframes(file.getnframes()))))


@contextlib.asynccontextmanager
async def running_service(tmp_path: Path) -> AsyncIterator[int]:
    """The service demo with an open port. It is stopped with Ctrl-C, and must end by itself."""
    process = await start("service.py", "--port", "0", folder=tmp_path)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = (await process.stdout.readline()).decode()
        assert "is open at" in line, line + (await process.stdout.read()).decode()
        yield int(line.rstrip(".\n").rpartition(" ")[2])
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_S):
            rest = (await process.communicate())[0].decode()
        assert "Traceback" not in rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[int]:
    """The service demo with an open port."""
    async with running_service(tmp_path) as port:
        yield port


async def test_the_service_serves_several_callers_at_once(service: int) -> None:
    async def call(question: str) -> list[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", service)
        greeting = (await reader.readline()).decode().strip()
        writer.write(f"{question}\n".encode())
        writer.write_eof()
        answers = (await reader.read()).decode().split("\n")
        writer.close()
        await writer.wait_closed()
        return [greeting, *answers]

    async with asyncio.timeout(PATIENCE_S):
        calls = await asyncio.gather(*(call(f"where is parcel {number}") for number in (42, 7, 13)))
    assert [answers[0] for answers in calls] == ["Parcel help line, good day."] * 3
    assert calls[0][1] == "Parcel 42 is on the way to Oslo."
    assert calls[1][1] == "Parcel 7 is at the customs office."
    assert "there is no parcel 13" in calls[2][1].lower()


async def test_the_service_ends_at_once_with_callers_on_the_line(tmp_path: Path) -> None:
    async with running_service(tmp_path) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.readline() == b"Parcel help line, good day.\n"
    assert not (await reader.read()).strip()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("demo", sorted(DEMOS.glob("*.py")), ids=lambda path: path.stem)
async def test_what_goes_wrong_in_a_demo_is_one_line(demo: Path, tmp_path: Path) -> None:
    process = await start(demo.name, "--input", "nowhere.wav", folder=tmp_path)
    async with asyncio.timeout(PATIENCE_S):
        printed = (await process.communicate())[0].decode()
    assert process.returncode == 1
    assert "Cannot read nowhere.wav" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("demo", sorted(DEMOS.glob("*.py")), ids=lambda path: path.stem)
def test_each_demo_is_short_and_begins_with_its_command(demo: Path) -> None:
    lines = demo.read_text("utf-8").splitlines()
    assert len(lines) < 150
    assert any(line.strip().startswith(f"python demos/{demo.name}") for line in lines[:8])
    assert f"`python demos/{demo.name}`" in (DEMOS / "README.md").read_text("utf-8")
