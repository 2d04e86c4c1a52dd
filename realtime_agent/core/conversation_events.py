"""What the server's other events do to the machines: the user's speech, the conversation's items, transcriptions."""

from __future__ import annotations

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
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
)


class ConversationEvents:
    """Reads them. Nothing here raises."""

    __slots__ = ("_answered_by_server", "_m")

    def __init__(self, machines: Machines) -> None:
        self._m = machines
        self._answered_by_server: str | None = None  # the turn that its VAD found, which it answers by itself

    def speech_started(self, event: InputAudioBufferSpeechStarted) -> None:
        """The server hears the user."""
        m = self._m
        if m.user_turns.server_started(event.item_id):
            self._answered_by_server = event.item_id
            m.conversation.touch(event.item_id)
            m.user_began(interrupts=m.user_turns.interrupts, cancel=False)

    def speech_stopped(self, event: InputAudioBufferSpeechStopped) -> None:
        """The server does not hear the user any more."""
        self._stopped()

    def timeout_triggered(self, event: InputAudioBufferTimeoutTriggered) -> None:
        """The user said nothing for long; the server makes a turn of that, and answers it."""
        self._answered_by_server = event.item_id

    def committed(self, event: InputAudioBufferCommitted) -> None:
        """What the user said is an item now."""
        m = self._m
        self._stopped()
        m.uncommitted_samples = 0
        record = m.conversation.place(event.item_id, event.previous_item_id)
        if record is not None:
            record.role = record.role or "user"
        if m.user_turns.mode == "server" and m.creates_responses and event.item_id == self._answered_by_server:
            self._answered_by_server = None
            m.responses.expect_automatic()

    def cleared(self, event: InputAudioBufferCleared) -> None:
        """What the user said is forgotten."""
        if self._m.user_turns.mode == "server":
            self._m.user_turns.cleared()

    def item_added(self, event: ConversationItemAdded | ConversationItemCreated) -> None:
        """The conversation has a new item."""
        self._item(event)

    def item_done(self, event: ConversationItemDone) -> None:
        """An item is final."""
        self._item(event)

    def item_retrieved(self, event: ConversationItemRetrieved) -> None:
        """The item that was asked for."""
        self._m.conversation.fill(event.item)

    def item_truncated(self, event: ConversationItemTruncated) -> None:
        """An item was cut: at our word, or by a server that plays the audio itself."""
        record = self._m.conversation.get(event.item_id)
        if record is not None and record.heard_text is None:
            record.heard_ms = event.audio_end_ms

    def item_deleted(self, event: ConversationItemDeleted) -> None:
        """An item is gone."""
        self._m.transcripts.agent_done(event.item_id)
        self._m.conversation.remove(event.item_id)

    def transcription_delta(self, event: ConversationItemInputAudioTranscriptionDelta) -> None:
        """More of what the user said."""
        self._m.transcripts.user_said(event.item_id, event.content_index or 0, event.delta or "")

    def transcription_completed(self, event: ConversationItemInputAudioTranscriptionCompleted) -> None:
        """All that the user said."""
        self._m.transcripts.user_completed(event.item_id, event.content_index, event.transcript)
        self._m.usage.add_transcription(event.usage)

    def transcription_failed(self, event: ConversationItemInputAudioTranscriptionFailed) -> None:
        """What the user said could not be written down."""
        self._m.transcripts.user_failed(event.item_id, event.content_index, event.error)

    def _stopped(self) -> None:
        m = self._m
        if m.user_turns.server_stopped():
            m.agent_turns.question_ended()
            m.responses.spare_request()
            if m.creates_responses:
                m.responses.expect_automatic()

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
