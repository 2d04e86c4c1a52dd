"""What the ear makes of the person's speech: partial transcripts, the one that counts, and the deltas the client reads.

The ear decodes whole utterances, so it is asked again and again as one grows: every `PARTIAL_MS` of audio where
somebody reads partials, and at every pause, for most pauses become ends. If no speech follows, the transcript asked
for at the pause *is* the final one, and it is ready when the silence that ends the turn is over (a decode takes 60 to
90 ms, the silence is longer).

Deltas can only be appended. So a word is sent once two decodes in a row agree on it and all before it (local
agreement); `completed` carries the truth even where a sent word turned out wrong.

| state   | grow        | pause        | resume      | commit                             | heard               |
|---------|-------------|--------------|-------------|------------------------------------|---------------------|
| open    | ask, if due | ask for last | forget last | last known → closed; else ask anew | deltas              |
| closed  | –           | –            | –           | –                                  | the last: → settled |
| settled | –           | –            | –           | –                                  | –                   |

A pause whose transcript has already arrived settles at the commit itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from realtime_agent.protocol import (
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
)
from realtime_agent.server.actions import Heard, HearingFailed, StopTranscribing, Transcribe
from realtime_agent.server.input_buffer import TICKS_PER_MS
from realtime_agent.server.outbox import Outbox
from realtime_agent.server.settings import TranscriptionSettings

PARTIAL_MS = 400
PARTIAL_SHARE = 0.03  # of what was said so far: long speech is decoded less often
LONGEST_PARTIAL_MS = 120_000
_WORDS = re.compile(r"\s*\S+")


@dataclass(slots=True)
class _Utterance:
    content_index: int
    hints: TranscriptionSettings | None  # None: nobody reads along
    began: int = 0
    partial_due: int = 0
    asked: int = 0  # the newest revision asked for
    last: int | None = None  # the revision that will be final if no speech follows
    closed: bool = False
    audio_ms: float = 0.0
    texts: dict[int, str] = field(default_factory=dict)  # of `last`, if it came before the commit
    previous: str = ""  # the decode before, for agreement
    sent: str = ""  # all deltas so far


@dataclass(frozen=True, slots=True)
class Understood:
    """The transcript of an item is final; None where the ear failed."""

    item_id: str
    text: str | None
    code: str = ""
    message: str = ""


class Hearing:
    """The transcripts of one session."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._utterances: dict[str, _Utterance] = {}

    def waiting_for(self, item_id: str) -> bool:
        """Whether a transcript of this item is still to come."""
        return item_id in self._utterances

    def is_newest(self, answer: Heard) -> bool:
        """Whether this is the text before the pause that is going on."""
        utterance = self._utterances.get(answer.item_id)
        return utterance is not None and utterance.last == answer.revision

    def open(self, item_id: str, position: int, hints: TranscriptionSettings | None) -> None:
        """Somebody began to speak."""
        self._utterances[item_id] = _Utterance(0, hints, position, position + PARTIAL_MS * TICKS_PER_MS)

    def wants_partial(self, item_id: str, position: int) -> bool:
        """Whether it is time to ask for the text so far."""
        utterance = self._utterances.get(item_id)
        return (
            utterance is not None
            and utterance.hints is not None
            and utterance.last is None
            and position >= utterance.partial_due
            and position - utterance.began <= LONGEST_PARTIAL_MS * TICKS_PER_MS
        )

    def grow(self, item_id: str, pcm: bytes, rate_hz: int, position: int) -> None:
        """Ask for the text so far."""
        utterance = self._utterances[item_id]
        step = max(PARTIAL_MS * TICKS_PER_MS, round(PARTIAL_SHARE * (position - utterance.began)))
        utterance.partial_due = position + step
        self._ask(item_id, utterance, pcm, rate_hz)

    def pause(self, item_id: str, pcm: bytes, rate_hz: int) -> None:
        """Ask for what will be the final text, if this silence lasts."""
        utterance = self._utterances[item_id]
        self._ask(item_id, utterance, pcm, rate_hz, urgent=True)
        utterance.last = utterance.asked

    def resume(self, item_id: str) -> None:
        """It did not last."""
        utterance = self._utterances[item_id]
        utterance.last = None
        utterance.texts.clear()

    def commit(
        self, item_id: str, pcm: bytes, rate_hz: int, hints: TranscriptionSettings | None, content_index: int = 0
    ) -> Understood | None:
        """The item is committed: no speech will follow. Returns the transcript if it is there already."""
        utterance = self._utterances.setdefault(item_id, _Utterance(content_index, hints))
        utterance.closed = True
        utterance.hints = hints
        utterance.audio_ms = len(pcm) / 2 / rate_hz * 1000
        if utterance.last is None:
            self._ask(item_id, utterance, pcm, rate_hz, urgent=True)
            utterance.last = utterance.asked
        elif utterance.last in utterance.texts:
            return self._settle(item_id, utterance, utterance.texts[utterance.last])
        return None

    def discard(self, item_id: str) -> None:
        """Nobody wants to know any more."""
        if self._utterances.pop(item_id, None) is not None:
            self._outbox.do(StopTranscribing(item_id))

    def heard(self, answer: Heard) -> Understood | None:
        """The ear answered. Returns the transcript if it is the final one."""
        utterance = self._utterances.get(answer.item_id)
        if utterance is None:
            return None
        text = answer.text.strip()
        if answer.revision == utterance.last:
            if utterance.closed:
                return self._settle(answer.item_id, utterance, text)
            utterance.texts[answer.revision] = text
        if utterance.hints is not None:
            self._send_agreed(answer.item_id, utterance, text)
        return None

    def failed(self, answer: HearingFailed) -> Understood | None:
        """The ear failed; only the final transcript is missed."""
        utterance = self._utterances.get(answer.item_id)
        if utterance is None or answer.revision != utterance.last:
            return None
        if not utterance.closed:
            utterance.last = None  # the commit will ask again
            return None
        del self._utterances[answer.item_id]
        if utterance.hints is not None:
            self._outbox.emit(
                ConversationItemInputAudioTranscriptionFailed,
                item_id=answer.item_id,
                content_index=utterance.content_index,
                error={"type": "transcription_error", "code": answer.code, "message": answer.message},
            )
        return Understood(answer.item_id, None, answer.code, answer.message)

    def _ask(self, item_id: str, utterance: _Utterance, pcm: bytes, rate_hz: int, *, urgent: bool = False) -> None:
        utterance.asked += 1
        hints = utterance.hints or TranscriptionSettings()
        self._outbox.do(Transcribe(item_id, utterance.asked, pcm, rate_hz, hints.language, hints.prompt, urgent))

    def _settle(self, item_id: str, utterance: _Utterance, text: str) -> Understood:
        del self._utterances[item_id]
        if utterance.hints is not None:
            rest = text[len(utterance.sent) :] if text.startswith(utterance.sent) else ""
            self._send(item_id, utterance, rest)
            self._outbox.emit(
                ConversationItemInputAudioTranscriptionCompleted,
                item_id=item_id,
                content_index=utterance.content_index,
                transcript=text,
                usage={"type": "duration", "seconds": round(utterance.audio_ms / 1000, 3)},
            )
        return Understood(item_id, text)

    def _send_agreed(self, item_id: str, utterance: _Utterance, text: str) -> None:
        agreed = agreed_prefix(utterance.previous, text)
        utterance.previous = text
        if len(agreed) > len(utterance.sent) and agreed.startswith(utterance.sent):
            self._send(item_id, utterance, agreed[len(utterance.sent) :])

    def _send(self, item_id: str, utterance: _Utterance, delta: str) -> None:
        if not delta:
            return
        utterance.sent += delta
        self._outbox.emit(
            ConversationItemInputAudioTranscriptionDelta,
            item_id=item_id,
            content_index=utterance.content_index,
            delta=delta,
        )


def agreed_prefix(before: str, now: str) -> str:
    """The words with which both texts begin, but never the last of either: the next decode likes to change that."""
    words, agreed = _WORDS.findall(now), 0
    for old, new in zip(_WORDS.findall(before)[:-1], words[:-1], strict=False):
        if old != new:
            break
        agreed += 1
    return "".join(words[:agreed])
