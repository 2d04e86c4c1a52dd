"""One server for all clients, what is said to it, and a way to run a client's driver in its own environment."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import HERE, environment
from tests.clients.served import ServerProcess, words_in, write_speech
from tests.clients.wire_tap import Conversation, WireTap

SENTENCES = {
    "weather": "What is the weather in London?",
    "story": "Tell me a story.",
    "repeat": "What did you say?",
    "sum": "What is seven times six?",
    "time": "What time is it?",
    "train": "The train to London is late today.",
    "children": "My brother has two children.",
    "house": "They live in a small house near the river.",
}
_DEADLINE_S = 90.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A spoken conversation takes its time, and its environment may have to be made first."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as running:
        yield running


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speech")
    write_speech(folder, SENTENCES)
    return folder


@dataclass
class Call:
    """A conversation that a client held: what it saw, what was said on the wire, what was heard."""

    seen: dict[str, Any]
    connections: list[Conversation]
    conversations: list[Conversation]
    folder: Path

    @property
    def wire(self) -> Conversation:
        """The only WebSocket there was."""
        (only,) = self.conversations
        return only

    async def heard(self, name: str) -> str:
        """The words of a sound that the driver kept."""
        return await words_in((self.folder / f"{name}.pcm").read_bytes())


Caller = Callable[..., Awaitable[Call]]


@pytest.fixture
def call(server: ServerProcess, speech: Path, tmp_path: Path) -> Caller:
    """`await call("pipecat")` runs `pipecat/driver.py`; every server event is checked.

    `to` is another server than the usual one; `settings` are variables of the driver's environment.
    """

    async def run(client: str, driver: str = "driver.py", to: ServerProcess = server, **settings: str) -> Call:
        home = environment(client)
        async with WireTap(to.port) as tap:
            try:
                output = await _drive(home, HERE / client / driver, tap.address, speech, tmp_path, settings)
            finally:
                for number, conversation in enumerate(tap.conversations):
                    conversation.write(tmp_path / f"wire{number}.jsonl")
        for conversation in tap.conversations:
            conversation.check()
        return Call(json.loads(output.splitlines()[-1]), tap.connections, tap.conversations, tmp_path)

    return run


async def _drive(home: Path, driver: Path, address: str, speech: Path, output: Path, settings: dict[str, str]) -> str:
    env = dict(os.environ, CLIENT_ADDRESS=address, CLIENT_SPEECH=str(speech), CLIENT_OUTPUT=str(output))
    env |= {"PYTHONPATH": str(HERE / "kit"), "OPENAI_API_KEY": "none", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
    env |= settings
    if driver.suffix == ".mjs":  # Node looks for packages from where a script lies
        driver = Path(shutil.copy(driver, home))
        shutil.copy(HERE / "kit" / "caller.mjs", home)
        program = home / "bin" / "node"
    else:
        program = home / "bin" / "python"
    process = await asyncio.create_subprocess_exec(
        str(program), str(driver), env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_DEADLINE_S):
            stdout, stderr = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, f"{driver.name} failed:\n{stderr.decode()[-6000:]}"
    return stdout.decode()
