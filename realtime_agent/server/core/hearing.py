"""What the ear makes of the person's speech: partial transcripts, the one that counts, and the deltas the client reads.

The ear decodes whole utterances, so it is asked again and again as one grows: every 240 to 400 ms of audio where
somebody reads partials, and at every pause, for most pauses become ends. If no speech follows, the transcript asked
for at the pause *is* the final one, and it is ready when the silence that ends the turn is over (a decode takes 60 to
90 ms, the silence is longer).

Deltas can only be appended. So a word is sent once it has stood for a while (`agreement.py`: the client's `delay`);
`completed` carries the truth even where a sent word turned out wrong.

| state   | grow        | pause        | resume      | commit                             | heard               |
|---------|-------------|--------------|-------------|------------------------------------|---------------------|
| open    | ask, if due | ask for last | forget last | last known → closed; else ask anew | deltas              |
| closed  | –           | –            | –           | –                                  | the last: → settled |
| settled | –           | –            | –           | –                                  | –                   |

A pause whose transcript has already arrived settles at the commit itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from realtime_agent.protocol import (
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
)
from realtime_agent.server.core.actions import Heard, HearingFailed, StopTranscribing, Transcribe, TurnJudged
from realtime_agent.server.core.input_buffer import TICKS_PER_MS
from realtime_agent.server.core.outbox import Outbox
from realtime_agent.server.core.settings import TranscriptionSettings
from realtime_agent.server.core.transcription.agreement import PATIENCE, Agreement, Delay

DEFAULT_DELAY: Delay = "medium"
PARTIAL_SHARE = 0.03  # of what was said so far: long speech is decoded less often
LONGEST_PARTIAL_MS = 120_000


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
    reach_ms: dict[int, float] = field(default_factory=dict)  # of each revision under way, how much it covers
    shown: Agreement | None = None  # what of the text was sent, where somebody reads along

    def shown_to(self, hints: TranscriptionSettings) -> Agreement:
        if self.shown is None:
            self.shown = Agreement(PATIENCE[hints.delay or DEFAULT_DELAY])
        return self.shown


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

    def is_newest(self, answer: Heard | HearingFailed | TurnJudged) -> bool:
        """Whether this is about the pause that is going on."""
        utterance = self._utterances.get(answer.item_id)
        return utterance is not None and utterance.last == answer.revision

    def open(self, item_id: str, position: int, hints: TranscriptionSettings | None) -> None:
        """Somebody began to speak."""
        self._utterances[item_id] = _Utterance(0, hints, position, position + _every_ticks(hints))

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
        step = max(_every_ticks(utterance.hints), round(PARTIAL_SHARE * (position - utterance.began)))
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
        at_ms = utterance.reach_ms.pop(answer.revision, 0.0)
        if answer.revision == utterance.last:
            if utterance.closed:
                return self._settle(answer.item_id, utterance, text)
            utterance.texts[answer.revision] = text
        if utterance.hints is not None:
            self._send(answer.item_id, utterance, utterance.shown_to(utterance.hints).decode(text, at_ms))
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
        utterance.reach_ms[utterance.asked] = len(pcm) / 2 / rate_hz * 1000
        hints = utterance.hints or TranscriptionSettings()
        self._outbox.do(Transcribe(item_id, utterance.asked, pcm, rate_hz, hints.language, hints.prompt, urgent))

    def _settle(self, item_id: str, utterance: _Utterance, text: str) -> Understood:
        del self._utterances[item_id]
        if utterance.hints is not None:
            self._send(item_id, utterance, utterance.shown_to(utterance.hints).finish(text))
            self._outbox.emit(
                ConversationItemInputAudioTranscriptionCompleted,
                item_id=item_id,
                content_index=utterance.content_index,
                transcript=text,
                usage={"type": "duration", "seconds": round(utterance.audio_ms / 1000, 3)},
            )
        return Understood(item_id, text)

    def _send(self, item_id: str, utterance: _Utterance, delta: str) -> None:
        if not delta:
            return
        self._outbox.emit(
            ConversationItemInputAudioTranscriptionDelta,
            item_id=item_id,
            content_index=utterance.content_index,
            delta=delta,
        )


def _every_ticks(hints: TranscriptionSettings | None) -> int:
    """How often a growing utterance is decoded, in audio time."""
    delay = DEFAULT_DELAY if hints is None or hints.delay is None else hints.delay
    return PATIENCE[delay].every_ms * TICKS_PER_MS
