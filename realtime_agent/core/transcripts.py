"""Transcripts: what the user said, as it is written down beside the conversation, and what the agent says.

Theory. The user's transcription runs apart from everything else: its events may come before the item they speak of,
during the response or after it. The agent's transcript runs ahead of its voice. Each text is a *partial* until it is
*final*, exactly once:

| speaker | state   | event                                   | next    | effect                                |
|---------|---------|-----------------------------------------|---------|---------------------------------------|
| user    | partial | delta                                   | partial | the text grows                        |
| user    | partial | completed                               | final   | the text is replaced                  |
| user    | none    | item with written text                  | final   |                                       |
| user    | partial | failed                                  | final   | an error is reported, the text stays  |
| agent   | partial | delta                                   | partial | the text grows                        |
| agent   | partial | done (of one content part)              | partial | the text is replaced, not reported    |
| agent   | partial | item done, response done, item deleted  | final   |                                       |
| either  | final   | anything                                | final   | counted                               |
"""

from __future__ import annotations

from realtime_agent.core.conversation import Conversation, ItemRecord
from realtime_agent.core.outbox import Outbox
from realtime_agent.errors import ServerError
from realtime_agent.events import AgentTranscript, UserTranscript
from realtime_agent.protocol import AnyItem, MessageItem, TranscriptionError


class Transcripts:
    """The texts of the items, and the events that report them."""

    def __init__(self, out: Outbox, conversation: Conversation, max_chars: int) -> None:
        self._out = out
        self._conversation = conversation
        self._max_chars = max_chars

    def user_said(self, item_id: str, content_index: int, delta: str) -> None:
        """More of what the user said."""
        record = self._open(item_id, content_index)
        if record is None or not delta:
            return
        self._extend(record, content_index, delta)
        self._out.emit(UserTranscript(item_id, record.text.lstrip(), final=False, time_s=self._out.time_s))

    def user_completed(self, item_id: str, content_index: int, transcript: str) -> None:
        """All that the user said."""
        record = self._open(item_id, content_index)
        if record is None:
            return
        record.final_parts.add(content_index)
        record.texts[content_index] = transcript[: self._max_chars]
        self._out.emit(UserTranscript(item_id, record.text.strip(), final=True, time_s=self._out.time_s))

    def user_wrote(self, item: AnyItem) -> None:
        """An item of the conversation; where the user wrote it, its text is final."""
        if not isinstance(item, MessageItem) or item.role != "user" or item.id is None:
            return
        record = self._conversation.get(item.id)
        for index, part in enumerate(item.content or ()):
            if record is not None and part.type == "input_text" and index not in record.final_parts:
                record.final_parts.add(index)
                self._out.emit(UserTranscript(item.id, record.text.strip(), final=True, time_s=self._out.time_s))

    def user_failed(self, item_id: str, content_index: int, error: TranscriptionError) -> None:
        """The user's speech could not be written down."""
        record = self._open(item_id, content_index)
        if record is None:
            return
        record.final_parts.add(content_index)
        self._out.raise_error(
            ServerError(
                error.message or "The user's speech could not be written down.",
                code=error.code or "transcription_failed",
                type=error.type,
                param=error.param,
            )
        )

    def agent_says(self, item_id: str, content_index: int, delta: str) -> ItemRecord | None:
        """More of what the agent says. Returns the item; None where it was final already, or is deleted."""
        record = self._conversation.touch(item_id)
        if record is None or record.final:
            self._out.count("late_transcript")
            return None
        if delta:
            self._extend(record, content_index, delta)
            self._out.emit(AgentTranscript(item_id, record.text, delta, final=False, time_s=self._out.time_s))
            record.reported_chars = len(record.text)
        return record

    def agent_part_done(self, item_id: str, content_index: int, text: str) -> None:
        """All that the agent says in this part."""
        record = self._conversation.touch(item_id)
        if record is not None and not record.final and text:
            record.texts[content_index] = text[: self._max_chars]

    def agent_done(self, item_id: str) -> None:
        """The agent says no more in this item."""
        record = self._conversation.get(item_id)
        if record is None or record.final:
            return
        record.final = True
        if record.role != "user" and record.texts:
            text = record.text
            self._out.emit(
                AgentTranscript(item_id, text, text[record.reported_chars :], final=True, time_s=self._out.time_s)
            )

    def _open(self, item_id: str, content_index: int) -> ItemRecord | None:
        record = self._conversation.touch(item_id)
        if record is None or content_index in record.final_parts:
            self._out.count("late_transcript")
            return None
        record.role = record.role or "user"
        return record

    def _extend(self, record: ItemRecord, content_index: int, delta: str) -> None:
        text = record.texts.get(content_index, "") + delta
        if len(text) > self._max_chars:
            self._out.count("transcript_overflow")
            text = text[: self._max_chars]
        record.texts[content_index] = text
