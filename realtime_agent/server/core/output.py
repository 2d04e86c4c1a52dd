"""What one response puts out: its items, their content, their deltas, in OpenAI's order.

A message is opened by the first text or speech and closed by a function call, or by the end of the response. Text and
calls follow each other; they never interleave.

    open     output_item.added, item.added, content_part.added
    speech   output_audio_transcript.delta, output_audio.delta …
    text     output_text.delta …
    close    output_audio.done, output_audio_transcript.done (or output_text.done), content_part.done,
             item.done, output_item.done
    call     output_item.added, item.added, arguments.delta, arguments.done, item.done, output_item.done

`item.*` only where the response belongs to the conversation.
"""

from __future__ import annotations

from typing import Any

from realtime_agent.engine.alignment import Alignment
from realtime_agent.protocol import (
    ConversationItemAdded,
    ConversationItemDone,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
)
from realtime_agent.server.core.conversation import Conversation, Entry, Part, Status
from realtime_agent.server.core.outbox import Outbox
from realtime_agent.server.core.settings import Settings
from realtime_agent.server.core.usage import Tokens, spoken_tokens, text_tokens

DELTA_MS = 100


class ResponseOutput:
    """The output of one response. `conversation` is None where it is out-of-band."""

    def __init__(self, outbox: Outbox, response_id: str, settings: Settings, conversation: Conversation | None) -> None:
        self._outbox = outbox
        self._response_id = response_id
        self._settings = settings
        self._conversation = conversation
        self._open: Entry | None = None
        self._alignment = Alignment()
        self.entries: list[Entry] = []
        self.tokens = Tokens()

    @property
    def played_ms(self) -> float:
        """How long all its audio lasts."""
        return sum(part.duration_ms for entry in self.entries for part in entry.content)

    def add_text(self, text: str) -> bool:
        """More text. False where the limit of tokens cut it."""
        if not text:
            return True
        kept = _first_tokens(text, self._tokens_left)
        if kept:
            part = self._message_part()
            part.text += kept
            self.tokens.text += text_tokens(kept)
            self._emit_content(ResponseOutputTextDelta, delta=kept)
        return len(kept) == len(text)

    def add_speech(self, text: str, audio: bytes) -> bool:
        """A clause and its sound. False where the limit of tokens cut it."""
        if not text and not audio:
            return True
        samples = self._settings.output_format.samples(len(audio))
        cut_text, cut_samples = self._fitting(text, samples)
        if cut_text or cut_samples:
            part = self._message_part()
            part.samples += cut_samples
            part.transcript = (part.transcript or "") + cut_text
            self._alignment.add(cut_text, cut_samples)
            self.tokens.text += text_tokens(cut_text)
            self.tokens.audio += spoken_tokens(self._duration_ms(cut_samples))
            if cut_text:
                self._emit_content(ResponseOutputAudioTranscriptDelta, delta=cut_text)
            self._send_audio(part, audio[: cut_samples * self._settings.output_format.bytes_per_sample])
        return (cut_text, cut_samples) == (text, samples)

    def add_call(self, name: str, arguments: str) -> bool:
        """A function call, whole. False where the limit of tokens does not allow it."""
        cost = text_tokens(name) + text_tokens(arguments)
        left = self._tokens_left
        if left is not None and cost > left:
            return False
        self.close("completed")
        self.tokens.text += cost
        entry = Entry(
            self._outbox.new_id("item"),
            "function_call",
            "in_progress",
            call_id=self._outbox.new_id("call"),
            name=name,
        )
        self._add_entry(entry)
        call: dict[str, Any] = {"item_id": entry.id, "call_id": entry.call_id}
        index = len(self.entries) - 1
        entry.arguments = arguments
        self._emit(ResponseFunctionCallArgumentsDelta, output_index=index, delta=arguments, **call)
        self._emit(ResponseFunctionCallArgumentsDone, output_index=index, name=name, arguments=arguments, **call)
        entry.status = "completed"
        self._end_entry(entry)
        return True

    def close(self, status: Status) -> None:
        """End the message that is open, if there is one."""
        entry, self._open = self._open, None
        if entry is None:
            return
        part = entry.content[0]
        place = {"item_id": entry.id, "output_index": len(self.entries) - 1, "content_index": 0}
        if part.type == "output_audio":
            self._emit(ResponseOutputAudioDone, **place)
            self._emit(ResponseOutputAudioTranscriptDone, transcript=part.transcript or "", **place)
            wire = {"type": "audio", "transcript": part.transcript or ""}
        else:
            self._emit(ResponseOutputTextDone, text=part.text, **place)
            wire = {"type": "text", "text": part.text}
        self._emit(ResponseContentPartDone, part=wire, **place)
        entry.status = status
        if self._conversation is not None:
            self._conversation.keep_audio_of(entry)
        self._end_entry(entry)

    def _message_part(self) -> Part:
        if self._open is not None:
            return self._open.content[0]
        speaks = self._settings.speaks
        entry = Entry(self._outbox.new_id("item"), "message", "in_progress", role="assistant")
        self._add_entry(entry)
        self._open = entry
        if speaks:
            self._alignment = Alignment()
            part = Part("output_audio", transcript="", format=self._settings.output_format, alignment=self._alignment)
        else:
            part = Part("output_text")
        entry.content.append(part)
        wire = {"type": "audio", "transcript": ""} if speaks else {"type": "text", "text": ""}
        self._emit_content(ResponseContentPartAdded, part=wire)
        return part

    def _send_audio(self, part: Part, audio: bytes) -> None:
        step = self._settings.output_format.size_bytes(DELTA_MS)
        index = len(self.entries) - 1
        item_id = self.entries[index].id
        if self._conversation is not None:
            part.audio += audio  # for `retrieve`
        for offset in range(0, len(audio), step):
            self._outbox.emit_event(
                ResponseOutputAudioDelta(
                    self._response_id,
                    item_id,
                    index,
                    0,
                    audio[offset : offset + step],
                    event_id=self._outbox.new_id("event"),
                )
            )

    def _add_entry(self, entry: Entry) -> None:
        self.entries.append(entry)
        wire = entry.wire()
        self._emit(ResponseOutputItemAdded, output_index=len(self.entries) - 1, item=wire)
        if self._conversation is not None:
            previous = self._conversation.insert(entry)
            self._outbox.emit(ConversationItemAdded, previous_item_id=previous, item=wire)

    def _end_entry(self, entry: Entry) -> None:
        wire = entry.wire()
        if self._conversation is not None:
            previous = self._conversation.previous_id(entry.id)
            self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=wire)
        self._emit(ResponseOutputItemDone, output_index=len(self.entries) - 1, item=wire)

    def _emit(self, event_class: Any, **fields: Any) -> None:
        self._outbox.emit(event_class, response_id=self._response_id, **fields)

    def _emit_content(self, event_class: Any, **fields: Any) -> None:
        index = len(self.entries) - 1
        item_id = self.entries[index].id
        self._emit(event_class, item_id=item_id, output_index=index, content_index=0, **fields)

    @property
    def _tokens_left(self) -> int | None:
        limit = self._settings.max_output_tokens
        return None if limit is None else max(0, limit - self.tokens.total)

    def _duration_ms(self, samples: int) -> float:
        return samples * 1000 / self._settings.output_format.rate_hz

    def _fitting(self, text: str, samples: int) -> tuple[str, int]:
        """How much of a clause the limit of tokens lets pass."""
        left = self._tokens_left
        cost = text_tokens(text) + spoken_tokens(self._duration_ms(samples))
        if left is None or cost <= left:
            return text, samples
        alignment = Alignment()
        alignment.add(text, samples)
        kept = samples * left // cost
        return alignment.text_until(kept), kept


def _first_tokens(text: str, limit: int | None) -> str:
    """The words of a text that fit."""
    if limit is None or text_tokens(text) <= limit:
        return text
    end = used = 0
    for index, character in enumerate(text):
        if character.isspace():
            used = text_tokens(text[:index])
            if used > limit:
                break
            end = index
    return text[:end]
