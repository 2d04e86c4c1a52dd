"""The conversation: its items in order, and what of each the person really heard.

Theory. The server names each item and the one before it (`previous_item_id`). Events may come twice, late, or before
the item that they lean on, and compatible servers leave some out; so every event that names an item makes a record,
and a record gets its place in the order once, by the first event that knows one:

| record         | event                                   | next     | effect                                         |
|----------------|-----------------------------------------|----------|-------------------------------------------------|
| none           | transcript, speech_started, output_item | floating | known, without a place                         |
| none, floating | committed, added, done                  | placed   | behind its predecessor; else at the end        |
| placed         | its unknown predecessor is placed       | placed   | moves behind it                                |
| any            | added, done, output_item                | same     | status and content are filled in               |
| any            | deleted (by us, or reported)            | gone     | later events are counted and change nothing    |

`previous_item_id: null` means the end here, although OpenAI also says it of an item at the very front: xAI says it of
every item that the client creates, and we never create one at the front.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from realtime_agent.core.outbox import Outbox
from realtime_agent.protocol import (
    AnyItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    MessageItem,
)

_MOST_FLOATING = 256
_REMEMBERED_GONE = 1024


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One item as a user of the session sees it.

    Attributes:
        kind: the wire's item type, such as `message`, `function_call` or `function_call_output`.
        role: `user`, `assistant` or `system`, of a message.
        text: what was said, written, or transcribed so far; of the agent all that it generated.
        status: `in_progress`, `completed` or `incomplete`, where the server told.
        images: how many pictures a message holds.
        heard_ms: how much of the agent's audio the person heard so far; None where there is none.
        heard_text: what goes with it, where the agent was interrupted; else None.
    """

    item_id: str
    kind: str
    role: str | None
    text: str
    status: str | None
    images: int = 0
    heard_ms: int | None = None
    heard_text: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | None = None


@dataclass(slots=True)
class ItemRecord:
    """One item as the core knows it."""

    id: str
    kind: str = "message"
    role: str | None = None
    status: str | None = None
    texts: dict[int, str] = field(default_factory=dict)  # by content index
    final_parts: set[int] = field(default_factory=set)  # transcribed parts of a user's message
    final: bool = False  # the agent's transcript
    reported_chars: int = 0
    written: bool = False  # the agent wrote (output_text), it did not speak
    images: int = 0
    heard_ms: int | None = None
    heard_text: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | None = None
    placed: bool = False
    previous_id: str | None = None

    @property
    def text(self) -> str:
        """All parts, joined."""
        if len(self.texts) == 1:
            return next(iter(self.texts.values()))
        return "".join(self.texts[index] for index in sorted(self.texts))

    def snapshot(self) -> HistoryItem:
        """For the user of the session."""
        return HistoryItem(
            self.id,
            self.kind,
            self.role,
            self.text.strip(),
            self.status,
            self.images,
            self.heard_ms,
            self.heard_text,
            self.call_id,
            self.name,
            self.arguments,
            self.output,
        )


class Conversation:
    """The items. Never raises: what cannot be is counted."""

    def __init__(self, out: Outbox, max_items: int) -> None:
        self._out = out
        self._max_items = max_items
        self._records: dict[str, ItemRecord] = {}
        self._order: list[str] = []
        self._orphans: dict[str, list[str]] = {}  # unknown predecessor -> those that wait for it
        self._floating: dict[str, None] = {}
        self._gone: dict[str, None] = {}

    @property
    def items(self) -> tuple[HistoryItem, ...]:
        """The items in order."""
        return tuple(self._records[item_id].snapshot() for item_id in self._order)

    def get(self, item_id: str) -> ItemRecord | None:
        """The record; None where it is unknown or gone."""
        return self._records.get(item_id)

    def touch(self, item_id: str) -> ItemRecord | None:
        """The record, floating where it is new; None where the item is gone."""
        record = self._records.get(item_id)
        if record is not None:
            return record
        if item_id in self._gone:
            return None
        record = self._records[item_id] = ItemRecord(item_id)
        self._floating[item_id] = None
        if len(self._floating) > _MOST_FLOATING:
            oldest = next(iter(self._floating))
            del self._floating[oldest], self._records[oldest]
            self._out.count("floating_item_dropped")
        return record

    def place(self, item_id: str, previous_item_id: str | None) -> ItemRecord | None:
        """The item has a place in the order. None where it is gone."""
        record = self.touch(item_id)
        if record is None or record.placed:
            return record
        record.placed = True
        record.previous_id = previous_item_id
        self._floating.pop(item_id, None)
        self._insert(item_id, previous_item_id)
        for orphan in self._orphans.pop(item_id, ()):
            if orphan in self._records:
                self._move_behind(orphan, item_id)
        if len(self._order) > self._max_items:
            oldest = self._order.pop(0)
            del self._records[oldest]
            self._out.count("item_pruned")
        return record

    def fill(self, item: AnyItem) -> ItemRecord | None:
        """Take over what the server tells of an item. None where it has no id, or is gone."""
        item_id = getattr(item, "id", None)
        record = self.touch(item_id) if item_id else None
        if record is None:
            return None
        record.kind = item.type or record.kind
        if isinstance(item, MessageItem):
            self._fill_message(record, item)
        elif isinstance(item, FunctionCallItem):
            record.call_id = item.call_id or record.call_id
            record.name, record.arguments = item.name, item.arguments or record.arguments
        elif isinstance(item, FunctionCallOutputItem):
            record.call_id, record.output = item.call_id, item.output
        status = getattr(item, "status", None)
        if status is not None and record.status != "completed":
            record.status = status
        return record

    def heard(self, item_id: str, heard_ms: int, heard_text: str | None = None) -> None:
        """So much of the item's audio was heard; `heard_text` where it ended there."""
        record = self._records.get(item_id)
        if record is not None:
            record.heard_ms = max(heard_ms, record.heard_ms or 0)
            if heard_text is not None:
                record.heard_text = heard_text

    def remove(self, item_id: str) -> bool:
        """The item is gone. False where it was already."""
        if item_id in self._gone:
            return False
        self._gone[item_id] = None
        if len(self._gone) > _REMEMBERED_GONE:
            del self._gone[next(iter(self._gone))]
        record = self._records.pop(item_id, None)
        self._floating.pop(item_id, None)
        if record is not None and record.placed:
            self._order.remove(item_id)
        return True

    def _insert(self, item_id: str, previous_item_id: str | None) -> None:
        order = self._order
        if previous_item_id is None or (order and order[-1] == previous_item_id) or previous_item_id == item_id:
            order.append(item_id)
            return
        previous = self._records.get(previous_item_id)
        if previous is not None and previous.placed:
            order.insert(order.index(previous_item_id) + 1, item_id)
            return
        order.append(item_id)
        if previous_item_id not in self._gone:
            self._orphans.setdefault(previous_item_id, []).append(item_id)
            if len(self._orphans) > _MOST_FLOATING:
                del self._orphans[next(iter(self._orphans))]

    def _move_behind(self, item_id: str, previous_id: str) -> None:
        """Move an item, and the row of those that follow it because they said so."""
        order = self._order
        first = order.index(item_id)
        last = first + 1
        while last < len(order) and self._records[order[last]].previous_id == order[last - 1]:
            last += 1
        row = order[first:last]
        if previous_id in row:  # a circle of predecessors
            return
        del order[first:last]
        behind = order.index(previous_id) + 1
        order[behind:behind] = row

    def _fill_message(self, record: ItemRecord, item: MessageItem) -> None:
        record.role = item.role
        images = 0
        for index, part in enumerate(item.content):
            images += part.type == "input_image"
            text = part.text if part.text is not None else part.transcript
            if not text or record.final or index in record.final_parts:
                continue
            if len(text) >= len(record.texts.get(index, "")):  # a transcript grows beside: ours may be the newer
                record.texts[index] = text
        record.images = max(images, record.images)
