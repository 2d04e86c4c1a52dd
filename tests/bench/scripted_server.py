"""A scripted Realtime server for benchmarks, in its own process, as cheap as it can be.

What a connection gets stands in its query string, so that any client can ask for it with its URL alone:

    downlink_ms=100     audio deltas of so many ms in real time, in replies of `reply_s` seconds (0: none)
    reply_s=4           how long each reply is
    tool_ms=500         a function call every so many ms (0: none), answered when its output arrives
    speech_ms=0         `speech_started` every so many ms (0: none)
    burst=20000         so many audio deltas at once, as fast as the client takes them, after its first message
    sink=20000          count so many frames and answer the last one

The server keeps, for each connection, when every append arrived, and leaves the warm-up out. For each line on
stdin it writes the figures of all connections since the last one, as a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import logging
import os
import ssl
import sys
import time
from array import array
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import picows

from tests.bench._rig import WARM_UP_S, pin, quantile

FRAME_S = 0.02
PCM_BYTES_PER_MS = 48  # 24 kHz, 16 bit, mono


def _event(type: str, **fields: object) -> bytes:
    return json.dumps({"type": type, "event_id": "event_1", **fields}, separators=(",", ":")).encode()


def _session() -> dict[str, object]:
    pcm = {"type": "audio/pcm", "rate": 24000}
    turns = {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": True,
        "interrupt_response": True,
    }
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": "sess_bench",
        "model": "scripted",
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "audio": {
            "input": {"format": pcm, "turn_detection": turns},
            "output": {"format": pcm, "voice": "marin", "speed": 1.0},
        },
    }


class Report:
    """Figures of all connections since the last report."""

    def __init__(self) -> None:
        self.arrivals: list[array[float]] = []
        self.tool_round_trip_s: list[float] = []
        self.truncate_s: list[float] = []

    def forget(self) -> None:
        """Begin anew, with new connections."""
        self.arrivals.clear()
        self.tool_round_trip_s.clear()
        self.truncate_s.clear()

    def figures(self) -> dict[str, object]:
        late: list[float] = []
        frames = 0
        for arrivals in self.arrivals:
            if len(arrivals) < 2:
                continue
            frames += len(arrivals)
            offsets = [at - k * FRAME_S for k, at in enumerate(arrivals) if at >= arrivals[0] + WARM_UP_S]
            first = min(offsets, default=0.0)
            late += [offset - first for offset in offsets]
        late.sort()
        return {
            "connections": len(self.arrivals),
            "frames": frames,
            "late_p50_ms": quantile(late, 0.5) * 1000,
            "late_p99_ms": quantile(late, 0.99) * 1000,
            "tool_ms": [s * 1000 for s in self.tool_round_trip_s],
            "truncate_ms": [s * 1000 for s in self.truncate_s],
        }


class Connection(picows.WSListener):
    """One scripted session."""

    def __init__(self, wishes: dict[str, int], report: Report) -> None:
        self._wishes = wishes
        self._report = report
        self._arrivals: array[float] = array("d")
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._turn = 0
        self._calls: dict[str, float] = {}
        self._call_count = 0
        self._speech_at = 0.0
        self._sunk = 0
        self._burst_due = wishes.get("burst", 0)
        downlink_ms = wishes.get("downlink_ms", 0)
        pcm = bytes(downlink_ms * PCM_BYTES_PER_MS)
        self._audio = base64.b64encode(pcm).decode()

    # From the wire ------------------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport
        if not self._wishes.get("sink"):
            self._report.arrivals.append(self._arrivals)
        self._send(_event("session.created", session=_session()))

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
            return
        if frame.msg_type not in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY):
            return
        if self._wishes.get("sink"):
            self._sunk += 1
            if self._sunk == self._wishes["sink"]:
                self._send(_event("input_audio_buffer.cleared"))
            return
        message = frame.get_payload_as_bytes()
        if b"input_audio_buffer.append" in message[:80] or b"input_audio_buffer.append" in message[-80:]:
            self._arrivals.append(time.perf_counter())
            return
        self._on_rare(json.loads(message))

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _on_rare(self, event: dict[str, Any]) -> None:
        now = time.perf_counter()
        kind = event["type"]
        if kind == "session.update":
            self._send(_event("session.updated", session=_session() | {"id": "sess_bench"}))
            self._start()
        elif kind == "conversation.item.create":
            item = event["item"] | {"status": "completed", "object": "realtime.item"}
            item.setdefault("id", "item_client")
            asked_at = self._calls.pop(item.get("call_id", ""), None)
            if asked_at is not None and self._warm(now):
                self._report.tool_round_trip_s.append(now - asked_at)
            self._send(_event("conversation.item.added", previous_item_id=None, item=item))
            self._send(_event("conversation.item.done", previous_item_id=None, item=item))
        elif kind == "conversation.item.truncate":
            if self._speech_at and self._warm(now):
                self._report.truncate_s.append(now - self._speech_at)
            self._speech_at = 0.0
            fields = {k: event[k] for k in ("item_id", "content_index", "audio_end_ms")}
            self._send(_event("conversation.item.truncated", **fields))
        elif kind == "response.create" and self._wishes.get("tool_ms"):
            self._answer_briefly()

    def _warm(self, now: float) -> bool:
        return bool(self._arrivals) and now >= self._arrivals[0] + WARM_UP_S

    # What it says -------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._burst_due:
            burst, self._burst_due = self._burst_due, 0
            self._burst(burst)
        elif self._wishes.get("downlink_ms"):
            # Connections do not stream in step: real ones do not either.
            phase = int.from_bytes(os.urandom(2), "big") / 65536
            self._later("downlink", phase * self._wishes["downlink_ms"] / 1000, self._begin_reply)
        if self._wishes.get("tool_ms"):
            self._later("tool", self._wishes["tool_ms"] / 1000, self._call_tool)
        if self._wishes.get("speech_ms"):
            self._later("speech", self._wishes["speech_ms"] / 1000, self._hear_speech)

    def _burst(self, count: int) -> None:
        delta = self._delta("item_burst", "resp_burst")
        for _ in range(count):
            self._send(delta)

    def _delta(self, item: str, response: str) -> bytes:
        where = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        return _event("response.output_audio.delta", **where, delta=self._audio)

    def _begin_reply(self) -> None:
        self._turn += 1
        item, response = f"item_{self._turn}", f"resp_{self._turn}"
        where = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        self._reply = (item, response, where)
        self._reply_delta = self._delta(item, response)
        self._left = max(1, self._wishes.get("reply_s", 4) * 1000 // self._wishes["downlink_ms"])
        message = {"id": item, "object": "realtime.item", "type": "message", "role": "assistant", "content": []}
        started = message | {"status": "in_progress"}
        self._send(_event("response.created", response=_response(response, "in_progress", [])))
        self._send(_event("response.output_item.added", response_id=response, output_index=0, item=started))
        self._send(_event("conversation.item.added", previous_item_id=None, item=started))
        self._send(_event("response.content_part.added", **where, part={"type": "audio", "transcript": ""}))
        self._send(_event("response.output_audio_transcript.delta", **where, delta="words "))
        self._next_at = self._loop.time()
        self._go_on()

    def _go_on(self) -> None:
        if self._left == 0:
            self._end_reply("completed")
            self._begin_reply()
            return
        self._left -= 1
        self._send(self._reply_delta)
        self._next_at += self._wishes["downlink_ms"] / 1000
        self._timers["downlink"] = self._loop.call_at(self._next_at, self._go_on)

    def _end_reply(self, status: str) -> None:
        item, response, where = self._reply
        content = [{"type": "output_audio", "transcript": "words "}]
        message = {"id": item, "object": "realtime.item", "type": "message", "role": "assistant", "content": content}
        done = message | {"status": "completed" if status == "completed" else "incomplete"}
        part = {"type": "audio", "transcript": "words "}
        self._send(_event("response.output_audio.done", **where))
        self._send(_event("response.output_audio_transcript.done", **where, transcript="words "))
        self._send(_event("response.content_part.done", **where, part=part))
        self._send(_event("conversation.item.done", previous_item_id=None, item=done))
        self._send(_event("response.output_item.done", response_id=response, output_index=0, item=done))
        self._send(_event("response.done", response=_response(response, status, [done])))

    def _call_tool(self) -> None:
        self._call_count += 1
        n = self._call_count
        response, item, call = f"resp_t{n}", f"item_t{n}", f"call_{n}"
        base = {"id": item, "object": "realtime.item", "type": "function_call", "name": "lookup", "call_id": call}
        started = base | {"arguments": "", "status": "in_progress"}
        arguments = json.dumps({"number": n})
        done = base | {"arguments": arguments, "status": "completed"}
        where = {"response_id": response, "item_id": item, "output_index": 0}
        self._send(_event("response.created", response=_response(response, "in_progress", [])))
        self._send(_event("response.output_item.added", response_id=response, output_index=0, item=started))
        self._send(_event("conversation.item.added", previous_item_id=None, item=started))
        self._send(_event("response.function_call_arguments.delta", **where, call_id=call, delta=arguments))
        self._calls[call] = time.perf_counter()
        self._send(
            _event("response.function_call_arguments.done", **where, call_id=call, name="lookup", arguments=arguments)
        )
        self._send(_event("conversation.item.done", previous_item_id=None, item=done))
        self._send(_event("response.output_item.done", response_id=response, output_index=0, item=done))
        self._send(_event("response.done", response=_response(response, "completed", [done])))
        self._later("tool", self._wishes["tool_ms"] / 1000, self._call_tool)

    def _answer_briefly(self) -> None:
        self._call_count += 1
        response = f"resp_a{self._call_count}"
        self._send(_event("response.created", response=_response(response, "in_progress", [])))
        self._send(_event("response.done", response=_response(response, "completed", [])))

    def _hear_speech(self) -> None:
        self._speech_at = time.perf_counter()
        self._send(
            _event("input_audio_buffer.speech_started", audio_start_ms=0, item_id=f"item_u{self._turn}"),
        )
        timer = self._timers.get("downlink")
        if timer is not None:
            timer.cancel()
            self._end_reply("cancelled")
            self._later("downlink", 0.2, self._begin_reply)
        self._later("speech", self._wishes["speech_ms"] / 1000, self._hear_speech)

    # Small things -------------------------------------------------------------------------------------------------

    def _send(self, message: bytes) -> None:
        self._transport.send(picows.WSMsgType.TEXT, message)

    def _later(self, name: str, delay_s: float, do: Callable[[], None]) -> None:
        self._timers[name] = self._loop.call_later(delay_s, do)


def _response(id: str, status: str, output: list[object]) -> dict[str, object]:
    details = {"type": "cancelled", "reason": "turn_detected"} if status == "cancelled" else None
    return {
        "id": id,
        "object": "realtime.response",
        "status": status,
        "status_details": details,
        "output": output,
        "conversation_id": "conv_bench",
        "output_modalities": ["audio"],
        "usage": None,
    }


async def serve(certificate: str | None) -> None:
    """Serve until stdin ends."""
    report = Report()

    def listener(request: picows.WSUpgradeRequest) -> Connection:
        query = request.path.decode().partition("?")[2]
        return Connection({k: int(v) for k, v in parse_qsl(query) if v.lstrip("-").isdigit()}, report)

    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    server = await picows.ws_create_server(
        listener, "127.0.0.1", 0, ssl=context, max_frame_size=64 << 20, backlog=4096, use_aiofastnet=certificate is None
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    reader = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while await reader.readline():
        print(json.dumps(report.figures()), flush=True)
        report.forget()
    pipe.close()
    server.close()


def run() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", default=None)
    parser.add_argument("--core", type=int, default=None)
    options = parser.parse_args()
    pin(options.core)
    logging.disable(logging.CRITICAL)  # clients come and go as they like here
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(options.certificate))
    else:
        uvloop.run(serve(options.certificate))


if __name__ == "__main__":
    run()
