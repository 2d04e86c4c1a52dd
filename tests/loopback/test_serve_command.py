"""`realtime-agent serve` as a program: what it prints, what it refuses, what it logs, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.serving import Served, client_of

DEADLINE_S = 20.0
ENGINE = ("--engine", "tests.fakes_engine:FakeEngine")
KEYS = ("sk-sentinel/one+Aa1", "sentinel2=Bb2%40")


@dataclass
class Program:
    """A running server and what it has written."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode())
            self.changed.set()
        self.ended.set()
        self.changed.set()

    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    async def written(self, pattern: str) -> re.Match[str]:
        async with asyncio.timeout(DEADLINE_S):
            while (found := re.search(pattern, self.text)) is None:
                assert not self.ended.is_set(), self.text
                self.changed.clear()
                await self.changed.wait()
        return found

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def program(*arguments: str, **environment: str) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "dev", "-m", "tests.cli_program", "serve", "--port", "0", *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "NO_COLOR": "1", **environment},
    )  # fmt: skip
    running = Program(process)
    reading = asyncio.create_task(running.read())
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def test_it_says_where_it_listens_and_how_to_use_it() -> None:
    async with program(*ENGINE) as server:
        port = int((await server.written(r"Listening on ws://127\.0\.0\.1:(\d+)/v1/realtime"))[1])
        await server.written(r"realtime-agent talk --model ws://127\.0\.0\.1:\d+/v1/realtime")
        assert f'AsyncOpenAI(base_url="http://127.0.0.1:{port}/v1"' in server.text
        async with client_of(Served(port), None) as client:
            await client.until("session.created")
            assert await server.stop() == 0
            assert await client.close_code() == 1012
        assert "Stopped." in server.text
        assert "Warning" not in server.text
        assert "Traceback" not in server.text


def forms_of(secret: str) -> set[str]:
    """A secret as it may turn up in a log."""
    plain = secret.encode()
    forms = {secret, quote(secret, safe=""), quote_plus(secret), secret[:8], repr(plain)[2:-1]}
    for shift in range(3):  # base64 of a text that holds it, at any offset
        encoded = base64.b64encode(b"\0" * shift + plain).decode()
        forms.add(encoded[4:-4])
    return forms


async def test_no_key_is_ever_logged() -> None:
    arguments = (*ENGINE, "--log-level", "debug", "--api-key", KEYS[0])
    async with program(*arguments, PYTHONASYNCIODEBUG="1") as server:
        port = int((await server.written(r"Listening on ws://127\.0\.0\.1:(\d+)/"))[1])
        here = Served(port)
        bearer = {"Authorization": f"Bearer {KEYS[0]}"}
        async with httpx.AsyncClient(base_url=here.http) as http:
            await http.get(f"/v1/models?api_key={quote(KEYS[0], safe='')}", headers=bearer)
            await http.get(f"/v1/nowhere/{quote(KEYS[1], safe='')[:0]}", params={"key": KEYS[1]}, headers=bearer)
            await http.post("/v1/realtime/client_secrets", content=b"{", headers={"Authorization": f"Bearer {KEYS[1]}"})
            minted = (await http.post("/v1/realtime/client_secrets", headers=bearer)).json()["value"]
        for key in (KEYS[0], minted, minted, KEYS[1]):
            with contextlib.suppress(InvalidStatus):
                async with client_of(here, key, query=f"?model=m&api_key={quote(key, safe='')}") as client:
                    await client.until("session.created")
                    await client.socket.send(key)  # nor what is no event
                    await client.until("error")
        protocol = f"openai-insecure-api-key.{minted}"
        with contextlib.suppress(InvalidStatus):
            async with connect(here.ws, subprotocols=["realtime", protocol]):  # type: ignore[list-item]
                pass
        assert await server.stop() == 0
    assert "DEBUG" in server.text
    assert "/v1/realtime 101" in server.text
    found = [form for key in (*KEYS, minted) for form in forms_of(key) if form in server.text]
    assert found == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "0.0.0.0"), "a key is needed"),
        (("--host", "no.such.host.invalid", "--api-key", "k"), "there is no such address"),
        (("--engine", "nonsense"), "'module:name'"),
        (("--engine", "no_such_module:engine"), "There is no engine"),
        (("--engine", "json:decoder"), "is neither an Engine"),
        (("--origin", "example.com"), "An origin looks like"),
        (("--log-level", "loud"), "is no log level"),
        ((*ENGINE, "--brain-url", "http://localhost:1/v1"), "Give both"),
    ],
)
async def test_what_cannot_be_is_said_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    async with program(*arguments) as server:
        async with asyncio.timeout(DEADLINE_S):
            assert await server.process.wait() == 2
            await server.ended.wait()
    assert message in server.text
    assert "Traceback" not in server.text


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with program(*ENGINE, "--port", str(port)) as server:
            async with asyncio.timeout(DEADLINE_S):
                assert await server.process.wait() == 2
                await server.ended.wait()
    assert f"Cannot listen on 127.0.0.1:{port}: it is in use by another program." in server.text


async def test_keys_come_from_the_environment_too() -> None:
    async with program(*ENGINE, REALTIME_AGENT_API_KEY="sk-from-outside") as server:
        port = int((await server.written(r"Listening on ws://127\.0\.0\.1:(\d+)/"))[1])
        async with client_of(Served(port), "sk-from-outside") as client:
            await client.until("session.created")
        with pytest.raises(InvalidStatus):
            async with client_of(Served(port), None):
                pass
