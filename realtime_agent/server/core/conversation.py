"""The default conversation: its items in order, and what each of them says.

| event    | effect                                                                                              |
|----------|-----------------------------------------------------------------------------------------------------|
| create   | item at the end, after `previous_item_id`, or first (`"root"`)                                      |
| retrieve | the item as it stands, with the audio that the server kept                                          |
| truncate | audio of an assistant's message ends where it was heard, and its transcript with it (alignment)      |
| delete   | the item is gone; an output whose call was deleted is skipped by the brain                          |

Audio is kept for `retrieve`, newest first, up to `KEPT_AUDIO_BYTES` a session; older items lose their sound, not
their words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pybase64

from realtime_agent.engine.alignment import Alignment
from realtime_agent.protocol.formats import PCM, AudioFormat
from realtime_agent.server.core.errors import refusal

KEPT_AUDIO_BYTES = 16 * 1024 * 1024
MAX_ITEMS = 10_000
MAX_ITEM_BYTES = 64 * 1024 * 1024  # words and images of all that clients put in

ItemType = Literal["message", "function_call", "function_call_output"]
Role = Literal["system", "user", "assistant"]
Status = Literal["in_progress", "completed", "incomplete"]


@dataclass(slots=True, eq=False)
class Part:
    """A piece of a message's content. `type` is the wire's: `input_text`, `input_audio`, `output_audio`, …

    `audio` is in `format`, as it came or went; `samples` counts it also when the bytes were let go.
    """

    type: str
    text: str = ""
    transcript: str | None = None
    image_url: str | None = None
    detail: str | None = None
    audio: bytearray = field(default_factory=bytearray)
    format: AudioFormat = PCM
    samples: int = 0
    alignment: Alignment | None = None  # of speech that the engine made

    @property
    def duration_ms(self) -> float:
        return self.samples * 1000 / self.format.rate_hz


@dataclass(slots=True, eq=False)
class Entry:
    """An item of a conversation, or of the input of one response."""

    id: str
    type: ItemType
    status: Status = "completed"
    role: Role = "user"
    content: list[Part] = field(default_factory=list)
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""

    @property
    def size_bytes(self) -> int:
        """Words and images, about; sound is counted by the conversation."""
        parts = sum(len(part.text) + len(part.image_url or "") for part in self.content)
        return parts + len(self.arguments) + len(self.output)

    def wire(self, *, with_audio: bool = False) -> dict[str, Any]:
        """The item as events carry it; its audio only on request, as OpenAI does."""
        item: dict[str, Any] = {"id": self.id, "type": self.type}
        if self.type == "message":
            content = [_wire_part(part, with_audio) for part in self.content]
            return item | {"status": self.status, "role": self.role, "content": content}
        if self.type == "function_call":
            call = {"name": self.name, "call_id": self.call_id, "arguments": self.arguments}
            return item | {"status": self.status} | call
        return item | {"call_id": self.call_id, "output": self.output}


def _wire_part(part: Part, with_audio: bool) -> dict[str, Any]:
    if part.type in ("input_text", "output_text"):
        return {"type": part.type, "text": part.text}
    if part.type == "input_image":
        detail = {} if part.detail is None else {"detail": part.detail}
        return {"type": part.type, "image_url": part.image_url, **detail}
    audio = {"audio": pybase64.b64encode(part.audio).decode()} if with_audio and part.audio else {}
    return {"type": part.type, "transcript": part.transcript, **audio}


class Conversation:
    """The items of the default conversation. What cannot be done raises `RemoteProtocolError` and changes nothing."""

    def __init__(self, conversation_id: str, *, kept_audio_bytes: int = KEPT_AUDIO_BYTES) -> None:
        self.id = conversation_id
        self._order: list[str] = []
        self._entries: dict[str, Entry] = {}
        self._sizes_bytes: dict[str, int] = {}  # of items that the client put in
        self._kept_audio_bytes = kept_audio_bytes
        self._with_audio: deque[Entry] = deque()
        self._audio_bytes = 0

    def __iter__(self) -> Iterator[Entry]:
        return (self._entries[item_id] for item_id in self._order)

    def __len__(self) -> int:
        return len(self._order)

    def get(self, item_id: str) -> Entry | None:
        return self._entries.get(item_id)

    @property
    def last_id(self) -> str | None:
        return self._order[-1] if self._order else None

    def previous_id(self, item_id: str) -> str | None:
        """The item before this one; None for the first."""
        index = self._order.index(item_id)
        return self._order[index - 1] if index else None

    def has_call(self, call_id: str) -> bool:
        return any(entry.type == "function_call" and entry.call_id == call_id for entry in self._entries.values())

    def insert_from_client(self, entry: Entry, previous_item_id: str | None) -> str | None:
        """Add a client's item, if there is room; returns the id of the one before it."""
        size_bytes = entry.size_bytes
        if len(self._order) >= MAX_ITEMS or sum(self._sizes_bytes.values()) + size_bytes > MAX_ITEM_BYTES:
            raise refusal(
                f"The conversation holds {MAX_ITEMS} items and {MAX_ITEM_BYTES >> 20} MiB at most; delete some first.",
                code="conversation_full",
            )
        previous = self.insert(entry, previous_item_id)
        self._sizes_bytes[entry.id] = size_bytes
        self.keep_audio_of(entry)
        return previous

    def insert(self, entry: Entry, previous_item_id: str | None = None) -> str | None:
        """Add an item; returns the id of the one before it."""
        if entry.id in self._entries:
            raise refusal(
                f"Error adding item: an item with id '{entry.id}' already exists in the conversation.",
                code="item_create_duplicate_item_id",
                param="item.id",
            )
        if previous_item_id is None:
            index = len(self._order)
        elif previous_item_id == "root":
            index = 0
        elif previous_item_id in self._entries:
            index = self._order.index(previous_item_id) + 1
        else:
            raise refusal(
                f"Error adding item: the previous item with id '{previous_item_id}' does not exist.",
                code="item_create_invalid_previous_item_id",
                param="previous_item_id",
            )
        self._order.insert(index, entry.id)
        self._entries[entry.id] = entry
        return self._order[index - 1] if index else None

    def retrieve(self, item_id: str) -> Entry:
        return self._existing(item_id, "retrieve")

    def delete(self, item_id: str) -> Entry:
        entry = self._existing(item_id, "delete")
        if entry.status == "in_progress":
            raise refusal(
                f"Error deleting item: '{item_id}' is still being generated.",
                code="item_delete_invalid_item_id",
                param="item_id",
            )
        self._order.remove(item_id)
        del self._entries[item_id]
        self._sizes_bytes.pop(item_id, None)
        self._forget_audio_of(entry)
        return entry

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """End an assistant's audio at `audio_end_ms`, and its transcript with what had been said by then."""
        entry = self._existing(item_id, "truncate")
        part = _truncatable(entry, content_index)
        if entry.status == "in_progress":
            raise refusal(
                f"Error truncating item: '{item_id}' is still being generated; cancel the response first.",
                code="item_truncate_invalid_item_id",
                param="item_id",
            )
        if audio_end_ms < 0:
            raise refusal("Invalid 'audio_end_ms': expected a value >= 0.", param="audio_end_ms")
        if audio_end_ms > part.duration_ms:
            raise refusal(
                f"Audio content of {int(part.duration_ms)}ms is already shorter than {audio_end_ms}ms",
                param="audio_end_ms",
            )
        samples = min(part.samples, audio_end_ms * part.format.rate_hz // 1000)
        assert part.alignment is not None
        part.transcript = part.alignment.text_until(samples)
        alignment = Alignment()
        alignment.add(part.transcript, samples)
        part.alignment, part.samples = alignment, samples
        kept = min(len(part.audio), samples * part.format.bytes_per_sample)
        self._audio_bytes -= len(part.audio) - kept if entry in self._with_audio else 0
        del part.audio[kept:]

    def keep_audio_of(self, entry: Entry) -> None:
        """Count the audio of a finished item, and let go of the oldest where there is too much."""
        size = sum(len(part.audio) for part in entry.content)
        if not size:
            return
        self._with_audio.append(entry)
        self._audio_bytes += size
        while self._audio_bytes > self._kept_audio_bytes:
            self._forget_audio_of(self._with_audio[0])

    def _forget_audio_of(self, entry: Entry) -> None:
        if entry not in self._with_audio:
            return
        self._with_audio.remove(entry)
        for part in entry.content:
            self._audio_bytes -= len(part.audio)
            part.audio = bytearray()

    def _existing(self, item_id: str, verb: str) -> Entry:
        entry = self._entries.get(item_id)
        if entry is None:
            doing = {"retrieve": "retrieving", "delete": "deleting", "truncate": "truncating"}[verb]
            raise refusal(
                f"Error {doing} item: the item with id '{item_id}' does not exist.",
                code=f"item_{verb}_invalid_item_id",
                param="item_id",
            )
        return entry


def _truncatable(entry: Entry, content_index: int) -> Part:
    if entry.type == "message" and entry.role == "assistant" and 0 <= content_index < len(entry.content):
        part = entry.content[content_index]
        if part.type == "output_audio" and part.alignment is not None:
            return part
    if entry.type == "message" and entry.role == "assistant" and entry.content and content_index != 0:
        raise refusal("Invalid 'content_index': there is no such content.", param="content_index")
    raise refusal("Only model output audio messages can be truncated", code="unsupported_content_type", param="item_id")
