"""Realtime clients as short as they can be, to compare a session with; they do no more than what is written here.

websockets   the loop that most people write: the asyncio client of `websockets`, json, base64, a task that sleeps
             for the microphone and one that reads. No speech detection, no account of what was heard, tools called
             in place, truncation by wall clock.
picows       the same in callbacks: picows, orjson, pybase64, the microphone on the loop's timer.
pace         only the microphone's timer: what is left when nothing is sent.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Callable
from typing import Any, Protocol

import orjson
import picows
import pybase64
from websockets.asyncio.client import ClientConnection, connect

FRAME_S = 0.02
UPDATE = {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}


class Client(Protocol):
    """One session with a server. `on_frame` of `open` is called whenever a frame was handed to the socket."""

    deltas: int

    async def open(self, url: str, microphone: bytes, on_frame: Callable[[], None]) -> None:
        """Connect, and come back when the session is configured."""

    def start(self, first_at: float) -> None:
        """Start the microphone: frame k is due at first_at + k * FRAME_S on the loop's clock."""

    async def close(self) -> None: ...


class Frames:
    """A microphone that repeats a recording, 20 ms at a time, from a place of its own: nobody speaks in chorus."""

    def __init__(self, microphone: bytes) -> None:
        size = 960  # 20 ms of 24 kHz, 16 bit
        self._frames = [microphone[k : k + size] for k in range(0, len(microphone) - size + 1, size)]
        self._next = random.randrange(len(self._frames))

    def take(self) -> bytes:
        """The next frame."""
        frame = self._frames[self._next % len(self._frames)]
        self._next += 1
        return frame


class Pacer:
    """Calls back for each frame on the loop's timer, by its index: no drift, and late frames come one after another."""

    def __init__(self, on_due: Callable[[], None]) -> None:
        self._on_due = on_due
        self._timer: asyncio.TimerHandle | None = None

    def start(self, first_at: float) -> None:
        """Frame 0 is due at `first_at`."""
        self._loop = asyncio.get_running_loop()
        self._due = first_at
        self._timer = self._loop.call_at(first_at, self._tick)

    def stop(self) -> None:
        """No more frames."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._due += FRAME_S
        self._timer = self._loop.call_at(self._due, self._tick)
        self._on_due()


class WebsocketsLoop:
    """The loop that most people write."""

    def __init__(self) -> None:
        self.deltas = 0
        self._pcm_bytes = 0
        self._playing: tuple[str, float] | None = None

    async def open(self, url: str, microphone: bytes, on_frame: Callable[[], None]) -> None:
        self._frames, self._on_frame = Frames(microphone), on_frame
        self._socket: ClientConnection = await connect(url, compression=None, max_size=None, ping_interval=None)
        ready = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(ready))
        await self._send(UPDATE)
        await ready

    def start(self, first_at: float) -> None:
        self._microphone = asyncio.create_task(self._speak(first_at))

    async def close(self) -> None:
        tasks = (self._reader, self._microphone)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.transport.abort()

    async def _speak(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if (wait_s := due - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            audio = base64.b64encode(self._frames.take()).decode()
            await self._send({"type": "input_audio_buffer.append", "audio": audio})
            self._on_frame()
            due += FRAME_S

    async def _send(self, event: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(event))

    async def _read(self, ready: asyncio.Future[None]) -> None:
        async for message in self._socket:
            event = json.loads(message)
            kind = event["type"]
            if kind == "response.output_audio.delta":
                self.deltas += 1
                self._pcm_bytes += len(base64.b64decode(event["delta"]))
                if self._playing is None or self._playing[0] != event["item_id"]:
                    self._playing = (event["item_id"], asyncio.get_running_loop().time())
            elif kind == "response.function_call_arguments.done":
                for answer in answers(event["call_id"], json.loads(event["arguments"])):
                    await self._send(answer)
            elif kind == "input_audio_buffer.speech_started" and self._playing is not None:
                item_id, started = self._playing
                played_ms = int((asyncio.get_running_loop().time() - started) * 1000)
                await self._send(truncation(item_id, played_ms))
            elif kind == "session.updated":
                ready.set_result(None)


class PicowsLoop(picows.WSListener):
    """The same in callbacks."""

    def __init__(self) -> None:
        self.deltas = 0
        self._pcm_bytes = 0
        self._playing: tuple[str, float] | None = None

    async def open(self, url: str, microphone: bytes, on_frame: Callable[[], None]) -> None:
        self._frames, self._on_frame = Frames(microphone), on_frame
        self._pacer = Pacer(self._speak)
        self._loop = asyncio.get_running_loop()
        self._ready = self._loop.create_future()
        await picows.ws_connect(lambda _request, _response: self, url, max_frame_size=64 << 20)
        self._send(UPDATE)
        await self._ready

    def start(self, first_at: float) -> None:
        self._pacer.start(first_at)

    async def close(self) -> None:
        self._pacer.stop()
        self._transport.disconnect(False)

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        event = orjson.loads(frame.get_payload_as_memoryview())
        kind = event["type"]
        if kind == "response.output_audio.delta":
            self.deltas += 1
            self._pcm_bytes += len(pybase64.b64decode(event["delta"]))
            if self._playing is None or self._playing[0] != event["item_id"]:
                self._playing = (event["item_id"], self._loop.time())
        elif kind == "response.function_call_arguments.done":
            for answer in answers(event["call_id"], orjson.loads(event["arguments"])):
                self._send(answer)
        elif kind == "input_audio_buffer.speech_started" and self._playing is not None:
            item_id, started = self._playing
            self._send(truncation(item_id, int((self._loop.time() - started) * 1000)))
        elif kind == "session.updated":
            self._ready.set_result(None)

    def _speak(self) -> None:
        self._send({"type": "input_audio_buffer.append", "audio": pybase64.b64encode_as_string(self._frames.take())})
        self._on_frame()

    def _send(self, event: dict[str, Any]) -> None:
        self._transport.send(picows.WSMsgType.TEXT, orjson.dumps(event))


class PaceOnly:
    """Nothing but the timer."""

    def __init__(self) -> None:
        self.deltas = 0

    async def open(self, url: str, microphone: bytes, on_frame: Callable[[], None]) -> None:
        self._pacer = Pacer(on_frame)

    def start(self, first_at: float) -> None:
        self._pacer.start(first_at)

    async def close(self) -> None:
        self._pacer.stop()


def answers(call_id: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Call the tool, and what to send."""
    output = {"type": "function_call_output", "call_id": call_id, "output": lookup(arguments["number"])}
    return [{"type": "conversation.item.create", "item": output}, {"type": "response.create"}]


def lookup(number: int) -> str:
    """The tool of all clients."""
    return f"Number {number} is free."


def truncation(item_id: str, played_ms: int) -> dict[str, Any]:
    """What a barge-in sends."""
    return {
        "type": "conversation.item.truncate",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": max(0, played_ms),
    }
