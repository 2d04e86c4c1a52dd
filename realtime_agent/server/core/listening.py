"""The person's side of a session: audio in, turns, commits, transcripts, and what a new turn does to the agent's.

Joins the input buffer, the turns, the ear and the idle timer. With turn detection the server commits at the end of
speech and may begin a response; without it (`turn_detection: null`) the client commits, and asks for responses
itself.
"""

from __future__ import annotations

from typing import Protocol

from realtime_agent.engine.parts import IDLE_HINT
from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import (
    ConversationItemAdded,
    ConversationItemDone,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
)
from realtime_agent.server.core.actions import Heard, HearingFailed, JudgeTurnEnd, TurnJudged
from realtime_agent.server.core.conversation import Conversation, Entry, Part
from realtime_agent.server.core.errors import error_event, refusal
from realtime_agent.server.core.hearing import Hearing
from realtime_agent.server.core.idle import IdleTimer
from realtime_agent.server.core.input_buffer import MIN_COMMIT_MS, TICKS_PER_MS, InputBuffer, from_pcm
from realtime_agent.server.core.outbox import Outbox
from realtime_agent.server.core.settings import Settings, TurnSettings
from realtime_agent.server.core.transcripts import Transcripts
from realtime_agent.server.core.turn_end import silence_needed_ms
from realtime_agent.server.core.vad_turns import (
    MakeDetector,
    SpeechDetector,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
    TurnEvent,
    VadTurns,
)

JUDGED_MS = 8_000  # of a turn, for the judge of its end


class Answering(Protocol):
    """Who answers what is heard."""

    @property
    def heard_until(self) -> float | None:
        """When the person will have heard all that was said."""

    def create(self, settings: Settings) -> object:
        """Answer."""

    def interrupt(self) -> object:
        """The person speaks."""


class Listening:
    """What one session hears."""

    def __init__(
        self,
        outbox: Outbox,
        conversation: Conversation,
        hearing: Hearing,
        transcripts: Transcripts,
        responses: Answering,
        make_detector: MakeDetector,
        settings: Settings,
    ) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._hearing = hearing
        self._transcripts = transcripts
        self._responses = responses
        self._make_detector = make_detector
        self._settings = settings
        self._buffer = InputBuffer(settings.input_format)
        self._clean_input()
        self._turns = self._new_turns()
        self._turn_start = 0
        self._paused_at = 0
        self._turn_id: str | None = None  # the item that the speech going on will be
        self.idle = IdleTimer()

    @property
    def heard_ms(self) -> int:
        """How much audio has come."""
        return self._buffer.end // TICKS_PER_MS

    @property
    def turn_id(self) -> str | None:
        """The item that the speech going on will be."""
        return self._turn_id

    def append(self, audio: bytes, now: float) -> None:
        """Audio from the client."""
        pcm = self._buffer.append(audio)
        if self._turns is None:
            if self._turn_id is None:
                self._begin_turn(self._buffer.start)
            self._want_partial()
            return
        for event in self._turns.feed(pcm):
            self._follow(event, now)
        self._want_partial()
        if not self._turns.speaking:
            self._buffer.trim(min(self._turns.padding_start, self._idle_start()))

    def commit(self, now: float) -> None:
        """The client ends the turn; this starts no response."""
        if self._buffer.duration_ms < MIN_COMMIT_MS:
            raise refusal(
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has {self._buffer.duration_ms:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        end = self._buffer.end
        if self._turns is not None and self._turns.speaking:
            self._stop_speech(end)
        self._commit(self._buffer.start if self._turn_id is None else self._turn_start, end)

    def clear(self) -> None:
        """The client throws away what was not committed."""
        if self._turns is not None:
            if self._turns.speaking:
                self._stop_speech(self._buffer.end)
            self._turns.reset(self._buffer.end)
        self._buffer.clear()
        self._drop_turn()
        self._outbox.emit(InputAudioBufferCleared)

    def check(self, settings: Settings) -> None:
        """Refuse settings that would tear what is being heard.

        Raises:
            RemoteProtocolError: another format while there is audio that somebody will want.
        """
        waiting = self._turn_id is not None or (self._settings.turns is None and self._buffer.duration_ms > 0)
        if settings.input_format != self._settings.input_format and waiting:
            raise refusal(
                "The input format cannot change while the input audio buffer holds audio; commit or clear it first.",
                param="session.audio.input.format",
            )

    def adopt(self, settings: Settings) -> None:
        """Hear under these settings from now on."""
        before, self._settings = self._settings, settings
        turns = settings.turns
        if turns is None or turns.idle_timeout_ms is None:
            self.idle.stop()
        if settings.noise != before.noise:
            self._clean_input()
        if settings.input_format != before.input_format:
            self._buffer.change_format(settings.input_format)
            self._clean_input()
            self._turns = self._new_turns()
        elif turns == before.turns:
            return
        elif turns is None:
            self._leave_turn_to_client()
        elif self._turns is None:
            self._drop_turn()
            self._turns = self._new_turns()
        else:
            self._turns.adopt(turns, lambda: self._new_detector(turns))

    def consider_turn_end(self, answer: Heard | HearingFailed) -> None:
        """The words before a pause are known, or never will be: with semantic VAD, ask whether the turn is over."""
        turns = self._settings.turns
        if turns is None or turns.eagerness is None or answer.item_id != self._turn_id:
            return
        if self._hearing.is_newest(answer):
            text = answer.text if isinstance(answer, Heard) else ""
            start = max(self._turn_start, self._paused_at - JUDGED_MS * TICKS_PER_MS)
            pcm = self._buffer.read(start, self._paused_at)
            rate_hz = self._settings.input_format.rate_hz
            self._outbox.do(JudgeTurnEnd(answer.item_id, answer.revision, pcm, rate_hz, text))

    def end_turn_after(self, verdict: TurnJudged) -> None:
        """It was judged: the silence that ends the turn is as long as the doubt is big."""
        turns = self._settings.turns
        if turns is None or turns.eagerness is None or self._turns is None or verdict.item_id != self._turn_id:
            return
        if self._hearing.is_newest(verdict):
            self._turns.require_silence(silence_needed_ms(verdict.complete, turns.eagerness))

    def start_idle(self, now: float) -> None:
        """The agent has finished: measure the silence, if that is wanted."""
        turns = self._settings.turns
        if turns is not None and turns.idle_timeout_ms is not None and self._turn_id is None:
            heard_until = max(now, self._responses.heard_until or now)
            self.idle.start(heard_until, turns.idle_timeout_ms)

    def time_out(self, now: float) -> None:
        """The person has said nothing for too long: commit the silence and let the agent speak."""
        end = self._buffer.end
        start = max(self._buffer.start, end - round((now - self.idle.since) * 1000) * TICKS_PER_MS)
        item_id = self._outbox.new_id("item")
        self._outbox.emit(
            InputAudioBufferTimeoutTriggered,
            item_id=item_id,
            audio_start_ms=start // TICKS_PER_MS,
            audio_end_ms=end // TICKS_PER_MS,
        )
        hint = Entry(
            self._outbox.new_id("item"), "message", role="system", content=[Part("input_text", text=IDLE_HINT)]
        )
        self._add(hint)
        self._turn_id = item_id
        self._commit(start, end)
        self._respond()

    def stop(self) -> None:
        """The session is over."""
        self.idle.stop()
        self._drop_turn()

    def _clean_input(self) -> None:
        noise = self._settings.noise
        if noise is None:
            self._buffer.clean_with(None)
            return
        from realtime_agent.audio.noise import NoiseSuppressor  # numpy: only who wants it needs it

        rate_hz = self._settings.input_format.rate_hz
        self._buffer.clean_with(NoiseSuppressor(rate_hz, noise.field, strength=noise.strength).process)

    def _new_turns(self) -> VadTurns | None:
        turns, format = self._settings.turns, self._settings.input_format
        if turns is None:
            return None
        return VadTurns(turns, self._new_detector(turns), rate_hz=format.rate_hz, position=self._buffer.end)

    def _new_detector(self, turns: TurnSettings) -> SpeechDetector:
        return self._make_detector(self._settings.input_format.rate_hz, turns.threshold)

    def _leave_turn_to_client(self) -> None:
        """Turn detection is switched off. Speech that is going on ends, and its item waits for the client's commit."""
        if self._turns is not None and self._turns.speaking:
            self._stop_speech(self._buffer.end)
        self._turns = None

    def _follow(self, event: TurnEvent, now: float) -> None:
        rate_hz = self._settings.input_format.rate_hz
        match event:
            case SpeechStarted(start=start):
                self._start_speech(start)
            case SpeechPaused(at=at) if self._turn_id is not None:
                self._paused_at = at
                self._hearing.pause(self._turn_id, self._buffer.read(self._turn_start, at), rate_hz)
            case SpeechResumed() if self._turn_id is not None:
                self._hearing.resume(self._turn_id)
            case SpeechStopped(end=end):
                self._stop_speech(end)
                self._commit(self._turn_start, end)
                if self._settings.turns is not None and self._settings.turns.create_response:
                    self._respond()

    def _begin_turn(self, start: int) -> str:
        """From here on, what is heard is for one item."""
        self._turn_id = self._outbox.new_id("item")
        self._turn_start = max(start, self._buffer.start)
        self._hearing.open(self._turn_id, self._turn_start, self._settings.transcription)
        return self._turn_id

    def _start_speech(self, start: int) -> None:
        self.idle.stop()
        item_id = self._begin_turn(start)
        self._outbox.emit(
            InputAudioBufferSpeechStarted, item_id=item_id, audio_start_ms=self._turn_start // TICKS_PER_MS
        )
        if self._settings.turns is not None and self._settings.turns.interrupt_response:
            self._responses.interrupt()

    def _stop_speech(self, end: int) -> None:
        self._outbox.emit(InputAudioBufferSpeechStopped, item_id=self._turn_id, audio_end_ms=end // TICKS_PER_MS)

    def _want_partial(self) -> None:
        end = self._buffer.end
        if self._turn_id is not None and self._hearing.wants_partial(self._turn_id, end):
            pcm = self._buffer.read(self._turn_start, end)
            self._hearing.grow(self._turn_id, pcm, self._settings.input_format.rate_hz, end)

    def _commit(self, start: int, end: int) -> None:
        """What was said becomes an item of the conversation."""
        format = self._settings.input_format
        item_id, self._turn_id = self._turn_id or self._outbox.new_id("item"), None
        pcm = self._buffer.read(start, end)
        self._buffer.trim(end)
        if self._turns is not None and self._turns.speaking:
            self._turns.reset(end)
        part = Part("input_audio", audio=bytearray(from_pcm(pcm, format)), format=format, samples=len(pcm) // 2)
        entry = Entry(item_id, "message", role="user", content=[part])
        previous = self._conversation.last_id
        self._outbox.emit(InputAudioBufferCommitted, item_id=item_id, previous_item_id=previous)
        self._add(entry)
        self._conversation.keep_audio_of(entry)
        self._transcripts.want(entry, self._settings.transcription, pcm)

    def _add(self, entry: Entry) -> None:
        previous = self._conversation.insert(entry)
        self._outbox.emit(ConversationItemAdded, previous_item_id=previous, item=entry.wire())
        self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=entry.wire())

    def _respond(self) -> None:
        try:
            self._responses.create(self._settings)
        except RemoteProtocolError as error:
            # With interrupt_response off, the agent may still be speaking: the documented way to fail.
            self._outbox.emit_event(error_event(error, event_id=self._outbox.new_id("event"), client_event_id=None))

    def _drop_turn(self) -> None:
        if self._turn_id is not None:
            self._hearing.discard(self._turn_id)
            self._turn_id = None

    def _idle_start(self) -> int:
        """The tick from which audio is kept for an idle timeout; the end of the buffer where there is none."""
        turns = self._settings.turns
        if turns is None or turns.idle_timeout_ms is None:
            return self._buffer.end
        return self._buffer.end - turns.idle_timeout_ms * TICKS_PER_MS
