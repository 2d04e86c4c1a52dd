"""What the server says of the conversation's items, and of the transcription of what the user said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from realtime_agent.core.machines import Machines
from realtime_agent.protocol import (
    ConversationItemAdded,
    ConversationItemCreated,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    ConversationItemRetrieved,
    ConversationItemTruncated,
    FunctionCallOutputItem,
)


class ConversationEvents:
    """Reads them. Nothing here raises."""

    __slots__ = ("_m",)

    def __init__(self, machines: Machines) -> None:
        self._m = machines

    def table(self) -> dict[type[Any], Callable[[Any], None]]:
        """Which event goes where."""
        return {
            ConversationItemCreated: self._item,
            ConversationItemAdded: self._item,
            ConversationItemDone: self._item,
            ConversationItemRetrieved: self._item_retrieved,
            ConversationItemTruncated: self._item_truncated,
            ConversationItemDeleted: self._item_deleted,
            ConversationItemInputAudioTranscriptionDelta: self._transcription_delta,
            ConversationItemInputAudioTranscriptionCompleted: self._transcription_completed,
            ConversationItemInputAudioTranscriptionFailed: self._transcription_failed,
        }

    def _item_retrieved(self, event: ConversationItemRetrieved) -> None:
        """The item that was asked for."""
        self._m.conversation.fill(event.item)

    def _item_truncated(self, event: ConversationItemTruncated) -> None:
        """An item was cut: at our word, or by a server that plays the audio itself."""
        record = self._m.conversation.get(event.item_id)
        if record is not None and record.heard_text is None:
            record.heard_ms = event.audio_end_ms

    def _item_deleted(self, event: ConversationItemDeleted) -> None:
        """An item is gone."""
        self._m.transcripts.agent_done(event.item_id)
        self._m.conversation.remove(event.item_id)

    def _transcription_delta(self, event: ConversationItemInputAudioTranscriptionDelta) -> None:
        """More of what the user said."""
        self._m.transcripts.user_said(event.item_id, event.content_index or 0, event.delta or "")

    def _transcription_completed(self, event: ConversationItemInputAudioTranscriptionCompleted) -> None:
        """All that the user said."""
        self._m.transcripts.user_completed(event.item_id, event.content_index, event.transcript)
        self._m.usage.add_transcription(event.usage)

    def _transcription_failed(self, event: ConversationItemInputAudioTranscriptionFailed) -> None:
        """What the user said could not be written down."""
        self._m.transcripts.user_failed(event.item_id, event.content_index, event.error)

    def _item(self, event: ConversationItemAdded | ConversationItemCreated | ConversationItemDone) -> None:
        m = self._m
        record = m.conversation.fill(event.item)
        if record is None:
            m.out.count("late_item")
            return
        m.conversation.place(record.id, event.previous_item_id)
        m.transcripts.user_wrote(event.item)
        if isinstance(event.item, FunctionCallOutputItem):
            m.tools.acknowledged(event.item.call_id)
