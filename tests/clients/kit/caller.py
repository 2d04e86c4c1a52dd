"""The person who calls, for every driver: a microphone that never stops, a player, and what came of it.

Standard library only, because it runs inside each client's own environment. Audio is 24 kHz, 16-bit, mono.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import traceback
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

BYTES_PER_MS = 48
FRAME_MS = 20
_SILENCE = bytes(BYTES_PER_MS * FRAME_MS)

ADDRESS = os.environ.get("CLIENT_ADDRESS", "127.0.0.1:8080")
_SPEECH = Path(os.environ.get("CLIENT_SPEECH", "."))
_OUTPUT = Path(os.environ.get("CLIENT_OUTPUT", "."))


def speech(name: str) -> bytes:
    """One of the sentences that were spoken for the tests."""
    with wave.open(str(_SPEECH / f"{name}.wav")) as file:
        return file.readframes(file.getnframes())


class Microphone:
    """Sends a frame every 20 ms of real time, as a microphone does: what is said, else silence."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._waiting: list[bytes] = []
        self._said = asyncio.Event()
        self._muted = False
        self._task = asyncio.create_task(self._run())

    async def say(self, name: str) -> None:
        """Speak; returns after the last word."""
        pcm = speech(name)
        self._said.clear()
        step = len(_SILENCE)
        self._waiting = [pcm[at : at + step].ljust(step, b"\0") for at in range(0, len(pcm), step)]
        await self._said.wait()

    def mute(self, muted: bool = True) -> None:
        """Send nothing at all while nobody speaks: push-to-talk."""
        self._muted = muted

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            if self._waiting:
                await self._send(self._waiting.pop(0))
                if not self._waiting:
                    self._said.set()
            elif not self._muted:
                await self._send(_SILENCE)
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - time.monotonic()))


class Player:
    """A loudspeaker that plays what it was given, in real time, and knows how much of it was heard."""

    def __init__(self) -> None:
        self._ends = 0.0  # when what there is will have been played
        self._begins: dict[str, tuple[float, int]] = {}  # when each item began, and how many bytes it has

    def play(self, item_id: str, pcm: bytes) -> None:
        now = time.monotonic()
        self._ends = max(self._ends, now)
        began, size = self._begins.get(item_id, (self._ends, 0))
        self._begins[item_id] = (began, size + len(pcm))
        self._ends += len(pcm) / BYTES_PER_MS / 1000

    def heard_ms(self, item_id: str) -> int:
        """How much of this item has been played."""
        began, size = self._begins[item_id]
        return round(min(max(0.0, time.monotonic() - began) * 1000, size / BYTES_PER_MS))

    def flush(self) -> None:
        self._ends = time.monotonic()

    async def heard(self, ms: int) -> None:
        """Until so much has been played of the item that is played now."""
        began, _ = self._begins[next(reversed(self._begins))]
        await asyncio.sleep(max(0.0, began + ms / 1000 - time.monotonic()))

    async def finished(self) -> None:
        """Until all that there is has been played."""
        await asyncio.sleep(max(0.0, self._ends - time.monotonic()))


def keep(name: str, pcm: bytes) -> None:
    """Keep what was heard, for the test to listen to."""
    (_OUTPUT / f"{name}.pcm").write_bytes(pcm)


def run(conversation: Callable[[], Awaitable[dict[str, Any]]], deadline_s: float = 60.0) -> None:
    """Hold the conversation and print the observations as the last line; leaves the process, whatever still runs."""

    async def held() -> None:
        try:
            async with asyncio.timeout(deadline_s):
                print(json.dumps(await conversation()), flush=True)
        except BaseException:  # noqa: BLE001 - a client's own clean-up may hang; what went wrong is said before
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    asyncio.run(held())
