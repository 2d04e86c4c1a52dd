"""Transcripts in the order of the conversation.

The server writes items down side by side: the short second one may be finished before the long first one, and only
`previous_item_id` says which was said first. What is told here is told in that order. The first item that is not final
is *current*: it is told as it grows; those after it wait.

| event     | item                         | effect                                                               |
|-----------|------------------------------|----------------------------------------------------------------------|
| begin     | new                          | comes last                                                           |
| place     | new or known                 | comes after the one before it, and is committed                      |
| grow      | current / later              | its text so far is told / kept                                       |
| finish    | current                      | told as final, and those after it too; then the new current so far   |
| finish    | later                        | kept                                                                 |
| clear     | all that are not committed   | forgotten                                                            |
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Told:
    """What an item says so far, or says."""

    item_id: str
    text: str
    final: bool


@dataclass(slots=True)
class _Item:
    text: str = ""
    told: bool = False
    committed: bool = False
    final: bool = False


@dataclass(slots=True)
class TranscriptOrder:
    """The items under way."""

    _order: list[str] = field(default_factory=list)
    _items: dict[str, _Item] = field(default_factory=dict)
    _done: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    @property
    def waiting(self) -> bool:
        """Whether the transcript of a committed item is still to come."""
        return any(item.committed and not item.final for item in self._items.values())

    def begin(self, item_id: str) -> None:
        """Somebody speaks, or text of it came."""
        if item_id not in self._items and item_id not in self._done:
            self._order.append(item_id)
            self._items[item_id] = _Item()

    def place(self, item_id: str, previous_id: str | None) -> None:
        """The item is committed, after this one."""
        self.begin(item_id)
        item = self._items.get(item_id)
        if item is None:
            return
        item.committed = True
        if previous_id in self._items:
            self._order.remove(item_id)
            self._order.insert(self._order.index(previous_id) + 1, item_id)

    def grow(self, item_id: str, delta: str) -> list[Told]:
        """More text."""
        self.begin(item_id)
        item = self._items.get(item_id)
        if item is None or item.final or not delta:
            return []
        item.text += delta
        return self._tell_current() if self._order[0] == item_id else []

    def finish(self, item_id: str, text: str | None) -> list[Told]:
        """All of its text; None where there will be none."""
        self.begin(item_id)
        item = self._items.get(item_id)
        if item is None or item.final:
            return []
        item.final = True
        item.text = "" if text is None else text
        told = []
        while self._order and self._items[self._order[0]].final:
            told += self._tell_final(self._order[0])
            self._forget(self._order[0])
        return told if item_id in self._items else [*told, *self._tell_current()]

    def clear(self) -> list[Told]:
        """What was not committed will never be."""
        for item_id in [item_id for item_id in self._order if not self._items[item_id].committed]:
            self._forget(item_id)
        return self._tell_current()

    def _tell_final(self, item_id: str) -> list[Told]:
        item = self._items[item_id]
        # Silence that was committed says nothing, unless something was told of it.
        return [Told(item_id, item.text, True)] if item.text or item.told else []

    def _tell_current(self) -> list[Told]:
        if not self._order:
            return []
        item = self._items[self._order[0]]
        if not item.text:
            return []
        item.told = True
        return [Told(self._order[0], item.text, False)]

    def _forget(self, item_id: str) -> None:
        self._order.remove(item_id)
        del self._items[item_id]
        self._done.append(item_id)
