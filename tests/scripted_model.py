"""A model that says what the test tells it to, over the real protocol."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from realtime_agent.errors import TransportError
from realtime_agent.transports.model.base import ModelConnection, ModelReceiver

SESSION = {"type": "realtime", "object": "realtime.session", "id": "sess_1", "model": "scripted", "tools": []}


class ScriptedModel:
    """One connection; greets and accepts every `session.update` by itself unless `greets` is False."""

    name = "scripted"

    def __init__(self, *, greets: bool = True, failure: TransportError | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed = False
        self._greets = greets
        self._failure = failure
        self._receiver: ModelReceiver | None = None
        self._events = 0

    async def connect(self, receiver: ModelReceiver) -> ModelConnection:
        if self._failure is not None:
            raise self._failure
        self._receiver = receiver
        if self._greets:
            asyncio.get_running_loop().call_soon(lambda: self.emit("session.created", session=SESSION))
        return self

    def emit(self, type: str, **fields: Any) -> None:
        """One server event, now."""
        self._events += 1
        self.emit_raw(json.dumps({"type": type, "event_id": f"event_{self._events}", **fields}).encode())

    def emit_raw(self, message: bytes) -> None:
        """One message, whatever it is."""
        assert self._receiver is not None
        self._receiver.on_message(message)

    def drop(self, error: TransportError | None) -> None:
        """End the connection."""
        assert self._receiver is not None
        self._receiver.on_closed(error)

    def sent_of(self, type: str) -> list[dict[str, Any]]:
        """What the client sent of one kind."""
        return [event for event in self.sent if event["type"] == type]

    def send(self, message: bytes) -> None:
        event = json.loads(message)
        self.sent.append(event)
        if event["type"] == "session.update" and self._greets:
            self.emit("session.updated", session={**SESSION, **event["session"]})

    async def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    # ---- whole passages, in OpenAI's order

    def answer(self, text: str, pcm: bytes, *, response_id: str = "resp_1", item_id: str = "item_a1") -> None:
        """A whole spoken response."""
        self.begin_answer(response_id=response_id, item_id=item_id)
        self.speak(text, pcm, response_id=response_id, item_id=item_id)
        self.end_answer(text, response_id=response_id, item_id=item_id)

    def begin_answer(self, *, response_id: str = "resp_1", item_id: str = "item_a1") -> None:
        """A response and its one item begin."""
        self.emit("response.created", response=_response(response_id, "in_progress"))
        item = _message(item_id, "in_progress", [])
        self.emit("response.output_item.added", response_id=response_id, output_index=0, item=item)
        self.emit("conversation.item.added", item=item, previous_item_id=None)
        part = {"type": "audio", "transcript": ""}
        self.emit("response.content_part.added", part=part, **_place(response_id, item_id))

    def speak(self, text: str, pcm: bytes, *, response_id: str = "resp_1", item_id: str = "item_a1") -> None:
        """Some more of it."""
        place = _place(response_id, item_id)
        self.emit("response.output_audio_transcript.delta", delta=text, **place)
        for start in range(0, len(pcm), 4800):
            delta = base64.b64encode(pcm[start : start + 4800]).decode()
            self.emit("response.output_audio.delta", delta=delta, **place)

    def end_answer(
        self, text: str, *, response_id: str = "resp_1", item_id: str = "item_a1", status: str = "completed"
    ) -> None:
        """The response ends."""
        place = _place(response_id, item_id)
        item = _message(item_id, status, [{"type": "output_audio", "transcript": text}])
        self.emit("response.output_audio.done", **place)
        self.emit("response.output_audio_transcript.done", transcript=text, **place)
        self.emit("conversation.item.done", item=item, previous_item_id=None)
        self.emit("response.output_item.done", response_id=response_id, output_index=0, item=item)
        self.emit("response.done", response=_response(response_id, status, [item]))

    def call(self, name: str, arguments: str, *, call_id: str = "call_1", response_id: str = "resp_1") -> None:
        """A response that is one tool call."""
        item = {"id": f"item_{call_id}", "object": "realtime.item", "type": "function_call", "name": name}
        item |= {"call_id": call_id, "arguments": arguments, "status": "completed"}
        place = {"response_id": response_id, "item_id": item["id"], "output_index": 0}
        self.emit("response.created", response=_response(response_id, "in_progress"))
        started = {**item, "arguments": "", "status": "in_progress"}
        self.emit("response.output_item.added", response_id=response_id, output_index=0, item=started)
        self.emit("conversation.item.added", item=started, previous_item_id=None)
        self.emit("response.function_call_arguments.done", call_id=call_id, name=name, arguments=arguments, **place)
        self.emit("conversation.item.done", item=item, previous_item_id=None)
        self.emit("response.output_item.done", response_id=response_id, output_index=0, item=item)
        self.emit("response.done", response=_response(response_id, "completed", [item]))


def _place(response_id: str, item_id: str) -> dict[str, Any]:
    return {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}


def _message(item_id: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    fields = {"type": "message", "role": "assistant", "status": status, "content": content}
    return {"id": item_id, "object": "realtime.item", **fields}


def _response(response_id: str, status: str, output: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"id": response_id, "object": "realtime.response", "status": status, "output": output or []}
