"""What a response says, as it is made: audio to the speaker, words to the transcripts. Nothing here raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from realtime_agent.core.actions import Play
from realtime_agent.core.machines import Machines
from realtime_agent.core.playback import Part
from realtime_agent.core.responses import ResponseRecord
from realtime_agent.protocol import (
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
)


class ContentEvents:
    """Reads the events of content parts. `*.done` also come when a response is cut short."""

    __slots__ = ("_m", "_part")

    def __init__(self, machines: Machines) -> None:
        self._m = machines
        self._part: Part | None = None  # of the last audio delta: the next one is nearly always of the same

    def table(self) -> dict[type[Any], Callable[[Any], None]]:
        """Which event goes where."""
        return {
            ResponseContentPartAdded: self._part_added,
            ResponseContentPartDone: self._part_done,
            ResponseOutputTextDelta: self._text_delta,
            ResponseOutputTextDone: self._text_done,
            ResponseOutputAudioTranscriptDelta: self._transcript_delta,
            ResponseOutputAudioTranscriptDone: self._transcript_done,
            ResponseOutputAudioDone: self._audio_done,
        }

    def audio_delta(self, event: ResponseOutputAudioDelta) -> None:
        """The hot path: from the socket to the speaker."""
        m = self._m
        response = m.responses.accept(event.response_id)
        if response is None:
            return
        part = self._part
        if part is None or part.item_id != event.item_id or part.content_index != event.content_index:
            part = self._part = self._new_part(response, event.item_id, event.content_index)
        ledger = m.ledger
        was_audible = ledger.queued_samples > 0
        audio = ledger.queue(part, event.audio)
        if not audio:
            return
        m.out.actions.append(Play(audio))
        if not was_audible:
            m.user_turns.agent_audible()

    def _part_added(self, event: ResponseContentPartAdded) -> None:
        """An item begins a content part."""
        if event.part is not None and event.part.type == "text":
            record = self._m.conversation.get(event.item_id)
            if record is not None:
                record.written = True

    def _text_delta(self, event: ResponseOutputTextDelta) -> None:
        """The agent writes."""
        response = self._m.responses.accept(event.response_id)
        if response is None:
            return
        record = self._m.transcripts.agent_says(event.item_id, event.content_index, event.delta)
        if record is not None:
            record.written = True
            response.items.setdefault(event.item_id, True)
            self._m.agent_turns.begin(response, event.item_id)

    def _transcript_delta(self, event: ResponseOutputAudioTranscriptDelta) -> None:
        """What the agent's voice says, or is going to say."""
        m = self._m
        response = m.responses.accept(event.response_id)
        if response is None:
            return
        response.items.setdefault(event.item_id, True)
        record = m.conversation.touch(event.item_id)
        chars = len(record.texts.get(event.content_index, "")) if record is not None else 0
        if m.transcripts.agent_says(event.item_id, event.content_index, event.delta) is None:
            return
        part = m.ledger.part(event.response_id, event.item_id, event.content_index)
        part.alignment.text_arrived(part.received_samples, chars)
        start_time = (event.model_extra or {}).get("start_time")
        if isinstance(start_time, int | float) and 0 <= start_time < 86_400:
            part.alignment.text_begins(int(start_time * m.config.audio_format.rate_hz), chars)

    def _audio_done(self, event: ResponseOutputAudioDone) -> None:
        """The audio of a part is complete."""
        self._m.ledger.complete(event.item_id, event.content_index)

    def _text_done(self, event: ResponseOutputTextDone) -> None:
        """All that the agent writes in a part."""
        self._part_text(event.response_id, event.item_id, event.content_index, event.text)

    def _transcript_done(self, event: ResponseOutputAudioTranscriptDone) -> None:
        """All that the agent's voice says in a part."""
        self._part_text(event.response_id, event.item_id, event.content_index, event.transcript)

    def _part_done(self, event: ResponseContentPartDone) -> None:
        """A part is complete."""
        self._m.ledger.complete(event.item_id, event.content_index)
        if event.part is not None:
            text = event.part.transcript or event.part.text or ""
            self._part_text(event.response_id, event.item_id, event.content_index, text)

    def _new_part(self, response: ResponseRecord, item_id: str, content_index: int) -> Part:
        response.items.setdefault(item_id, True)
        part = self._m.ledger.part(response.id, item_id, content_index)
        self._m.time_playback()
        return part

    def _part_text(self, response_id: str, item_id: str, content_index: int, text: str) -> None:
        response = self._m.responses.get(response_id)
        if response is None or not response.cut:
            self._m.transcripts.agent_part_done(item_id, content_index, text)
