"""Checks the order and pairing of server events against what OpenAI's server does.

Its rules come from the recorded wire traces (and are themselves run over them): feed it every event of a
conversation, as decoded JSON, in order; it raises AssertionError at the first that should not be where it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

CLOSING = {
    "audio": [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
    ],
    "text": [
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
    ],
    "call": ["response.function_call_arguments.done", "conversation.item.done", "response.output_item.done"],
}


@dataclass
class _Output:
    """One output item of a response."""

    item_id: str
    kind: str | None = None  # audio, text or call
    closing: list[str] = field(default_factory=list)
    text: str = ""
    announced: bool = False  # conversation.item.added was seen

    @property
    def done(self) -> bool:
        return bool(self.closing) and self.closing[-1] == "response.output_item.done"


@dataclass
class _Response:
    in_conversation: bool
    outputs: list[_Output] = field(default_factory=list)


class OrderChecker:
    """The rules; `finish` checks that nothing was left open."""

    def __init__(self) -> None:
        self.count = 0
        self.event_ids: set[str] = set()
        self.responses: dict[str, _Response] = {}
        self.ended: set[str] = set()
        self.added: list[str] = []
        self.done: set[str] = set()
        self.deleted: set[str] = set()
        self.previous: dict[str, str | None] = {}
        self.committed: dict[str, str | None] = {}
        self.speaking: str | None = None
        self.stopped: str | None = None
        self.transcribed: dict[str, str] = {}
        self.completed: set[tuple[str, int]] = set()
        self.expects_limits = False

    def feed(self, event: Json) -> None:
        kind = event["type"]
        if self.count == 0:
            assert kind in ("session.created", "session.updated"), f"first event is {kind}"
        self.count += 1
        assert event["event_id"] not in self.event_ids, "event id used twice"
        self.event_ids.add(event["event_id"])
        if kind.startswith("response."):
            self._response_event(kind, event)
        elif kind.startswith("input_audio_buffer."):
            self._buffer_event(kind, event)
        elif kind.startswith("conversation.item.input_audio_transcription."):
            self._transcription_event(kind, event)
        elif kind.startswith("conversation.item."):
            self._item_event(kind, event)
        elif kind == "session.updated":
            self.stopped = None  # turn detection may have been switched off and on again
        elif kind == "rate_limits.updated":
            assert self.expects_limits, "rate limits without a response"
            self.expects_limits = False

    def finish(self) -> None:
        """The conversation is over and nobody is speaking."""
        assert not self.responses, f"responses never done: {list(self.responses)}"
        assert self.done == set(self.added), "items added and never done"
        assert self.stopped is None, "speech that stopped and was never committed"

    # the person

    def _buffer_event(self, kind: str, event: Json) -> None:
        item_id = event.get("item_id")
        if kind.endswith("speech_started"):
            assert self.speaking is None, "speech started twice"
            assert item_id not in self.added
            self.speaking = item_id
        elif kind.endswith("speech_stopped"):
            assert item_id == self.speaking, "another item's speech stopped"
            self.speaking, self.stopped = None, item_id
        elif kind.endswith("committed"):
            assert self.stopped in (None, item_id), "another item was committed than was spoken"
            assert item_id not in self.committed
            self.stopped = None
            self.committed[str(item_id)] = event.get("previous_item_id")
        elif kind.endswith("cleared"):
            assert self.speaking is None, "cleared while somebody speaks"
            self.stopped = None

    def _transcription_event(self, kind: str, event: Json) -> None:
        item_id, index = event["item_id"], event["content_index"]
        assert (item_id, index) not in self.completed, "transcription goes on after its end"
        if kind.endswith(".delta"):
            self.transcribed[item_id] = self.transcribed.get(item_id, "") + event["delta"]
        elif kind.endswith((".completed", ".failed")):
            assert item_id in self.done, "transcription completed before the item"
            self.completed.add((item_id, index))

    # items

    def _item_event(self, kind: str, event: Json) -> None:
        if kind.endswith((".added", ".done")):
            self._item_added_or_done(kind, event["item"]["id"], event)
        elif kind.endswith((".truncated", ".deleted")):
            assert event["item_id"] in self.done, f"{kind} of an item that is not done"
            if kind.endswith(".deleted"):
                assert event["item_id"] not in self.deleted, "deleted twice"
                self.deleted.add(event["item_id"])

    def _item_added_or_done(self, kind: str, item_id: str, event: Json) -> None:
        output = self._output_of(item_id)
        if kind.endswith(".added"):
            if item_id in self.deleted:
                self._forget(item_id)  # clients put a changed item back under its old id
            assert item_id not in self.added, "item added twice"
            assert output is None or not output.announced
            if output is not None:
                assert event["item"]["status"] == "in_progress"
                output.announced = True
            if item_id in self.committed:
                assert event.get("previous_item_id") == self.committed[item_id]
            self.added.append(item_id)
            self.previous[item_id] = event.get("previous_item_id")
            return
        assert item_id in self.added, "item done before it was added"
        assert item_id not in self.done, "item done twice"
        self.done.add(item_id)
        if output is not None:
            assert event["item"]["status"] in ("completed", "incomplete")
            output.closing.append(kind)

    def _forget(self, item_id: str) -> None:
        self.added.remove(item_id)
        self.committed.pop(item_id, None)
        self.transcribed.pop(item_id, None)
        self.completed = {part for part in self.completed if part[0] != item_id}
        self.deleted.remove(item_id)
        self.done.discard(item_id)

    def _output_of(self, item_id: str) -> _Output | None:
        outputs = (output for response in self.responses.values() for output in response.outputs)
        return next((output for output in outputs if output.item_id == item_id), None)

    # responses

    def _response_event(self, kind: str, event: Json) -> None:
        if kind == "response.created":
            self._created(event["response"])
            return
        response_id = event["response"]["id"] if kind == "response.done" else event["response_id"]
        assert response_id not in self.ended, f"{kind} after response.done"
        response = self.responses[response_id]
        if kind == "response.done":
            self._ended(response_id, response, event["response"])
        elif kind == "response.output_item.added":
            self._output_added(response, event)
        else:
            self._output_event(kind, response, event)

    def _created(self, response: Json) -> None:
        assert response["id"] not in self.responses
        assert response["id"] not in self.ended
        assert response["status"] == "in_progress"
        in_conversation = response["conversation_id"] is not None
        if in_conversation:
            assert not any(other.in_conversation for other in self.responses.values()), "two active responses"
        self.responses[response["id"]] = _Response(in_conversation)

    def _ended(self, response_id: str, response: _Response, wire: Json) -> None:
        assert all(output.done for output in response.outputs), "response done before its items"
        assert [item["id"] for item in wire["output"]] == [output.item_id for output in response.outputs]
        assert wire["status"] in ("completed", "cancelled", "incomplete", "failed")
        assert (wire["status_details"] is None) == (wire["status"] == "completed")
        assert (wire["conversation_id"] is not None) == response.in_conversation
        del self.responses[response_id]
        self.ended.add(response_id)
        self.expects_limits = True

    def _output_added(self, response: _Response, event: Json) -> None:
        assert event["output_index"] == len(response.outputs), "output index"
        assert event["item"]["status"] == "in_progress"
        assert all(output.done for output in response.outputs), "one item at a time"
        response.outputs.append(_Output(event["item"]["id"]))
        if event["item"]["type"] == "function_call":
            response.outputs[-1].kind = "call"

    def _output_event(self, kind: str, response: _Response, event: Json) -> None:
        output = response.outputs[event["output_index"]]
        item_id = event["item"]["id"] if "item" in event else event["item_id"]
        assert item_id == output.item_id, "wrong item"
        assert output.announced == response.in_conversation, "conversation.item.added missing, or out of place"
        if kind == "response.content_part.added":
            assert output.kind is None, "a second content part"
            output.kind = event["part"]["type"]
        elif kind.endswith(".delta"):
            assert not output.closing, "delta after its end"
            assert output.kind is not None
            self._delta(kind, output, event)
        else:
            self._closing(kind, response, output, event)

    def _delta(self, kind: str, output: _Output, event: Json) -> None:
        if kind == "response.output_audio.delta":
            assert output.kind == "audio"
            return
        expected = {
            "response.output_audio_transcript.delta": "audio",
            "response.output_text.delta": "text",
            "response.function_call_arguments.delta": "call",
        }[kind]
        assert output.kind == expected, f"{kind} in a part of {output.kind}"
        output.text += event["delta"]

    def _closing(self, kind: str, response: _Response, output: _Output, event: Json) -> None:
        assert output.kind is not None, f"{kind} before its content"
        output.closing.append(kind)
        wanted = CLOSING[output.kind]
        if not response.in_conversation:
            wanted = [name for name in wanted if not name.startswith("conversation.")]
        assert output.closing == wanted[: len(output.closing)], f"closed in the order {output.closing}"
        for name in ("transcript", "text", "arguments"):
            if name in event:
                assert event[name] == output.text, "the whole is not the sum of its deltas"


def check_order(events: list[Json]) -> None:
    """All events of one conversation."""
    checker = OrderChecker()
    for event in events:
        checker.feed(event)
    checker.finish()
