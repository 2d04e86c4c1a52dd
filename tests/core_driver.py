"""A shell for the core in virtual time: a speaker that counts samples, a microphone, and a server made of words."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.actions import Action
from realtime_agent.core.config import CoreConfig
from realtime_agent.core.inputs import Input
from realtime_agent.core.session import SessionCore
from realtime_agent.errors import ToolError
from realtime_agent.events import SessionEvent
from realtime_agent.protocol import PCM, ResponseOutputAudioDelta, SessionConfig, decode_server

RATE_HZ = 24_000
STEP_MS = 20
FRAME_SAMPLES = RATE_HZ * STEP_MS // 1000

_E = TypeVar("_E")


def server(kind: str, **fields: Any) -> Input:
    """A server event, through the codec."""
    return decode_server(json.dumps({"type": kind, "event_id": "event_x", **fields}))


def created(response_id: str, **fields: Any) -> Input:
    response = {"id": response_id, "status": "in_progress", "conversation_id": "conv", "output": []}
    return server("response.created", response=response | fields)


def done(response_id: str, status: str = "completed", **fields: Any) -> Input:
    return server("response.done", response={"id": response_id, "status": status, "output": []} | fields)


def item_added(response_id: str, item_id: str, **item: Any) -> Input:
    message = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    return server(
        "response.output_item.added",
        response_id=response_id,
        output_index=0,
        item={"id": item_id} | item if item else message,
    )


def item_done(response_id: str, item_id: str, status: str = "completed", **item: Any) -> Input:
    message = {"type": "message", "role": "assistant", "content": []}
    return server(
        "response.output_item.done",
        response_id=response_id,
        output_index=0,
        item={"id": item_id, "status": status} | (item or message),
    )


def audio(response_id: str, item_id: str, duration_ms: int, content_index: int = 0) -> Input:
    return ResponseOutputAudioDelta(response_id, item_id, 0, content_index, bytes(PCM.size_bytes(duration_ms)))


def audio_done(response_id: str, item_id: str, content_index: int = 0) -> Input:
    return server(
        "response.output_audio.done",
        response_id=response_id,
        item_id=item_id,
        output_index=0,
        content_index=content_index,
    )


def transcript(response_id: str, item_id: str, delta: str, **extra: Any) -> Input:
    return server(
        "response.output_audio_transcript.delta",
        response_id=response_id,
        item_id=item_id,
        output_index=0,
        content_index=0,
        delta=delta,
        **extra,
    )


def text(response_id: str, item_id: str, delta: str) -> Input:
    return server(
        "response.output_text.delta",
        response_id=response_id,
        item_id=item_id,
        output_index=0,
        content_index=0,
        delta=delta,
    )


def call_done(response_id: str, call_id: str, name: str = "look_up", arguments: str = "{}", **fields: Any) -> Input:
    return server(
        "response.function_call_arguments.done",
        response_id=response_id,
        item_id=f"item_{call_id}",
        output_index=0,
        call_id=call_id,
        name=name,
        arguments=arguments,
        **fields,
    )


def call_item(call_id: str, name: str = "look_up", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def added(item_id: str, previous: str | None = None, **item: Any) -> Input:
    message = {"type": "message", "role": "user", "status": "completed", "content": []}
    return server("conversation.item.added", item={"id": item_id} | (item or message), previous_item_id=previous)


def speech_started(item_id: str = "item_u") -> Input:
    return server("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)


def speech_stopped(item_id: str = "item_u") -> Input:
    return server("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=900)


def committed(item_id: str = "item_u", previous: str | None = None) -> Input:
    return server("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)


def error(code: str | None = None, event_id: str | None = None, message: str = "no") -> Input:
    fields = {"type": "invalid_request_error", "message": message, "code": code, "event_id": event_id}
    return server("error", error=fields)


class Speaker:
    """Plays in virtual time, exactly. `latency_ms` passes from the first sample queued to the first one heard.

    What its device holds (`held_ms` of it at most) cannot be given back by a flush: it is heard.
    """

    def __init__(self, latency_ms: int = 0, held_ms: int = 0) -> None:
        self.queued = 0
        self.played = 0
        self.ducked = False
        self.playing = False
        self._latency_ms = latency_ms
        self._held = held_ms * RATE_HZ // 1000
        self._wait_ms = 0

    def play(self, audio: bytes) -> None:
        if not self.queued and not self.playing:
            self._wait_ms = self._latency_ms
        self.queued += PCM.samples(len(audio))

    def flush(self) -> int:
        self.played += min(self._held if self.playing and not self.ducked else 0, self.queued)
        self.queued = 0
        self.ducked = False
        return self.played

    def step(self) -> list[inputs.PlaybackMoved]:
        """Twenty milliseconds pass. Returns the edges."""
        edges: list[inputs.PlaybackMoved] = []
        if self.ducked:
            return edges
        if self.queued and self._wait_ms >= STEP_MS:
            self._wait_ms -= STEP_MS
            return edges
        if self.queued and not self.playing:
            self.playing = True
            edges.append(inputs.PlaybackMoved(self.played, True))
        count = min(self.queued, FRAME_SAMPLES)
        self.queued -= count
        self.played += count
        if self.playing and not self.queued:
            self.playing = False
            edges.append(inputs.PlaybackMoved(self.played, False))
        return edges


class Driver:
    """Feeds the core, performs what it wants, and remembers it."""

    def __init__(self, config: CoreConfig | None = None, speaker: Speaker | None = None, *, ready: bool = True) -> None:
        self.core = SessionCore(config or CoreConfig(session=SessionConfig(instructions="Be brief.")))
        self.speaker = speaker or Speaker()
        self.now = 1000.0
        self.log: list[Action] = []
        if ready:
            self.feed(inputs.Connected(), server("session.created", session={"type": "realtime"}))
            if not self.core.ready:
                self.feed(server("session.updated", session={"type": "realtime"}))
            assert self.core.ready
            self.feed(inputs.Opened())
            self.log.clear()

    def feed(self, *events: Input) -> list[Action]:
        """One after the other, at this moment. Returns what was done."""
        before = len(self.log)
        for event in events:
            self.core.receive(event, self.now)
            self._perform()
        return self.log[before:]

    def run(self, seconds: float, *, speech: bool = False, microphone: bool = True) -> list[Action]:
        """Let time pass, with microphone frames of speech or silence."""
        before = len(self.log)
        for _ in range(round(seconds * 1000 / STEP_MS)):
            self.now = round(self.now + STEP_MS / 1000, 6)
            for edge in self.speaker.step():
                self.feed(edge)
            due = self.core.next_timer()
            if due is not None and due <= self.now:
                self.core.handle_timer(self.now)
                self._perform()
            if microphone:
                self.feed(inputs.MicrophoneHeard(FRAME_SAMPLES, speech))
        return self.log[before:]

    def answer(self, call_id: str, output: str = "42", failure: ToolError | None = None) -> list[Action]:
        """A tool returns."""
        return self.feed(inputs.ToolReturned(call_id, output, failure))

    def sent(self, kind: type[_E]) -> list[_E]:
        """The client events of this kind, so far."""
        return [a.event for a in self.log if isinstance(a, act.Send) and isinstance(a.event, kind)]

    def events(self, kind: type[_E]) -> list[_E]:
        """The session events of this kind, so far."""
        return [a.event for a in self.log if isinstance(a, act.Emit) and isinstance(a.event, kind)]

    def done(self, kind: type[_E]) -> list[_E]:
        """The actions of this kind, so far."""
        return [a for a in self.log if isinstance(a, kind)]

    def _perform(self) -> None:
        while actions := self.core.actions():
            for action in actions:
                self.log.append(action)
                match action:
                    case act.Play(audio=pcm):
                        self.speaker.play(pcm)
                    case act.Duck():
                        self.speaker.ducked = True
                    case act.Resume():
                        self.speaker.ducked = False
                    case act.Flush():
                        self.core.receive(inputs.PlaybackFlushed(self.speaker.flush()), self.now)
                    case act.ReadPosition():
                        moved = inputs.PlaybackMoved(self.speaker.played, self.speaker.playing)
                        self.core.receive(moved, self.now)
                    case _:
                        pass


def kinds(events: list[SessionEvent]) -> list[str]:
    """The names of the events, in order."""
    return [type(event).__name__ for event in events]
