"""A session that says in another language what it hears, while it is being said: pure, with the time as an argument.

    audio ─▶ an inner transcription session ─▶ running text ─▶ clauses ─▶ translator ─▶ voice
                                                   │                          │           │
                             session.input_transcript.delta  …output_transcript.delta  …output_audio.delta

There are no turns, items or responses on the wire. Inside, a transcription session with turn detection listens; its
deltas are rather patient ones (`delay`), for what was spoken cannot be taken back. A clause is cut off as soon as it is
complete (a stop, or too long to wait for one) and goes to the engine, one at a time, so that the speech comes in order.
One that fails is told by an `error` event and left out. Clauses wait in a queue of `MAX_CLAUSES`; beyond, the newest is
left out and an `error` says so.

| state   | append | session.close                             | all was heard, translated and spoken |
|---------|--------|-------------------------------------------|--------------------------------------|
| open    | heard  | the speech going on ends → closing        | –                                    |
| closing | error  | error                                     | session.closed → closed              |
| closed  | error  | error                                     | –                                    |
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Literal

from realtime_agent.engine.segment import ClauseSplitter
from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import (
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    ErrorEvent,
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    SessionUpdate,
    TranscriptionSessionConfig,
    UnknownEvent,
)
from realtime_agent.protocol.translation import (
    TranslationClientEvent,
    TranslationInputAudioAppend,
    TranslationInputTranscriptDelta,
    TranslationOutputAudioDelta,
    TranslationOutputTranscriptDelta,
    TranslationSessionClose,
    TranslationSessionClosed,
    TranslationSessionCreated,
    TranslationSessionUpdate,
    TranslationSessionUpdated,
    decode_translation_client,
)
from realtime_agent.server.core.actions import (
    Action,
    ClauseEnded,
    ClauseSpoken,
    ClauseTranslated,
    Emit,
    EndSession,
    EngineOutput,
    Heard,
    HearingFailed,
    Interpret,
)
from realtime_agent.server.core.errors import error_event, refusal
from realtime_agent.server.core.outbox import NewId, Outbox
from realtime_agent.server.core.settings import Capabilities
from realtime_agent.server.core.transcription.session import TranscriptionSession
from realtime_agent.server.core.translation.configuration import TranslationConfiguration
from realtime_agent.server.core.translation.languages import Translation
from realtime_agent.server.core.translation.source_text import Grown, SourceText
from realtime_agent.server.core.vad_turns import MakeDetector

MAX_CLAUSES = 64
FRAME_MS = 200  # what one piece of speech holds at most
_FRAME_BYTES = 24 * 2 * FRAME_MS
_PATIENT: Mapping[str, Any] = {"transcription": {"delay": "medium"}, "turn_detection": {"type": "server_vad"}}


class TranslationSession:
    """A translation session. Implements `SessionCore`."""

    decode = staticmethod(decode_translation_client)

    def __init__(
        self,
        *,
        model: str,
        expires_at: int,
        new_id: NewId,
        make_detector: MakeDetector,
        capabilities: Capabilities | None = None,
        available: Mapping[str, Translation],
    ) -> None:
        """
        Args:
            model: what the session calls its model.
            expires_at: Unix time that the client is told.
            new_id: makes unique ids of a kind.
            make_detector: makes the speech detector for a rate and threshold.
            capabilities: what the engine can do.
            available: the translations there are, by target language.
        """
        self._outbox = Outbox(new_id)
        self._configuration = TranslationConfiguration(
            session_id=new_id("sess"), model=model, expires_at=expires_at, available=available
        )
        self._listener = TranscriptionSession(
            model=model,
            expires_at=expires_at,
            new_id=new_id,
            make_detector=make_detector,
            capabilities=capabilities,
        )
        self._listen_as(_PATIENT)
        self._source = SourceText()
        self._splitter = ClauseSplitter()
        self._clauses: deque[Interpret] = deque()
        self._speaking: Interpret | None = None  # the clause that the engine has
        self._said_anything = False
        self._state: Literal["open", "closing", "closed"] = "open"

    def start(self, now: float) -> None:
        """The client is there: `session.created`."""
        self._outbox.emit(TranslationSessionCreated, session=self._configuration.payload)

    def receive(self, event: TranslationClientEvent | UnknownEvent, now: float) -> None:
        """Obey a client's event, or refuse it with an `error` event."""
        try:
            self._obey(event, now)
        except RemoteProtocolError as error:
            self.refuse(error, event.event_id)

    def refuse(self, error: RemoteProtocolError, client_event_id: str | None = None) -> None:
        """Tell the client what was wrong."""
        event_id = self._outbox.new_id("event")
        self._outbox.emit_event(error_event(error, event_id=event_id, client_event_id=client_event_id))

    def answer(self, output: EngineOutput, now: float) -> None:
        """Take in what the engine said."""
        match output:
            case Heard() | HearingFailed():
                self._listener.answer(output, now)
                self._overhear()
            case ClauseTranslated(clause_id=clause_id, text=text) if self._is_current(clause_id):
                self._say(text)
            case ClauseSpoken(clause_id=clause_id, pcm=pcm) if self._is_current(clause_id):
                self._sound(pcm)
            case ClauseEnded(clause_id=clause_id) if self._is_current(clause_id):
                self._finish_clause(output)
        self._close_if_done()

    def actions(self) -> list[Action]:
        """What is to be done, in this order; each is given once."""
        return self._outbox.drain()

    def next_timer(self) -> float | None:
        """Never: all time here is the audio's."""
        return None

    def handle_timer(self, now: float) -> None:
        """Time has passed."""

    def close(self) -> None:
        """The client is gone: the engine stops, no event follows."""
        self._listener.close()
        self._clauses.clear()

    # the client

    def _obey(self, event: TranslationClientEvent | UnknownEvent, now: float) -> None:
        if isinstance(event, UnknownEvent):
            raise refusal(
                f"Invalid value: '{event.type}'. A translation session takes session.update, "
                "session.input_audio_buffer.append and session.close.",
                param="type",
            )
        if self._state != "open":
            raise refusal("The session is closing.", code="session_closing", param="type")
        match event:
            case TranslationInputAudioAppend(audio=audio, event_id=event_id):
                self._configuration.require()
                self._listener.receive(InputAudioBufferAppend(audio, event_id), now)
                self._overhear()
            case TranslationSessionUpdate(session=update):
                before = self._configuration.noise_reduction
                self._configuration.update(update)
                if self._configuration.noise_reduction != before:
                    self._listen_as({"noise_reduction": self._configuration.noise_reduction})
                self._outbox.emit(TranslationSessionUpdated, session=self._configuration.payload)
            case TranslationSessionClose():
                self._state = "closing"
                if self._listener.hears_speech:  # else it would write down the silence
                    self._listener.receive(InputAudioBufferCommit(), now)
                    self._overhear()
                self._close_if_done()

    def _close_if_done(self) -> None:
        if self._state == "closing" and not self._source.waiting and self._speaking is None:
            self._state = "closed"
            self._outbox.emit(TranslationSessionClosed)
            self._outbox.do(EndSession())

    # what is heard

    def _listen_as(self, sound: Mapping[str, Any]) -> None:
        """Change the inner session's input; nobody needs to know."""
        config = TranscriptionSessionConfig.model_validate({"audio": {"input": sound}})
        self._listener.receive(SessionUpdate(session=config), 0.0)
        self._listener.actions()

    def _overhear(self) -> None:
        """Take what the inner session would tell its client."""
        for action in self._listener.actions():
            if not isinstance(action, Emit):
                self._outbox.do(action)
                continue
            match action.event:
                case InputAudioBufferSpeechStarted(item_id=item_id) | InputAudioBufferCommitted(item_id=item_id):
                    self._source.begin(item_id)
                case ConversationItemInputAudioTranscriptionDelta(item_id=item_id, delta=delta):
                    self._grow(self._source.add(item_id, delta or ""))
                case ConversationItemInputAudioTranscriptionCompleted(item_id=item_id):
                    self._grow(self._source.end(item_id))
                case ConversationItemInputAudioTranscriptionFailed(item_id=item_id, error=error):
                    self._fail(f"Some speech was not understood: {error.message}", error.code or "engine")
                    self._grow(self._source.end(item_id))
                case ErrorEvent() as refused:
                    self._outbox.emit_event(refused)

    def _grow(self, grown: list[Grown]) -> None:
        for piece in grown:
            if piece.text and self._configuration.shows_source:
                self._outbox.emit(TranslationInputTranscriptDelta, delta=piece.text, elapsed_ms=self._elapsed_ms)
            for clause in self._split(piece):
                self._queue(clause)

    def _split(self, piece: Grown) -> list[str]:
        clauses = self._splitter.feed(piece.text)
        if piece.ends_clause:
            clauses += self._splitter.flush()
        if clauses:
            # A new one cuts its first clause early: here each clause is somebody's first.
            rest, self._splitter = self._splitter.flush(), ClauseSplitter()
            for text in rest:
                clauses += self._splitter.feed(text)
        return clauses

    # what is said

    def _queue(self, clause: str) -> None:
        translation = self._configuration.translation
        if translation is None or not any(character.isalnum() for character in clause):
            return
        if len(self._clauses) >= MAX_CLAUSES:
            self._fail("Too much waits to be translated; a clause was left out.", "overloaded")
            return
        wanted = Interpret(
            self._outbox.new_id("clause"), clause.strip(), translation.source, translation.target, translation.voice
        )
        self._clauses.append(wanted)
        self._next_clause()

    def _next_clause(self) -> None:
        if self._speaking is None and self._clauses:
            self._speaking = self._clauses.popleft()
            self._outbox.do(self._speaking)

    def _is_current(self, clause_id: str) -> bool:
        return self._speaking is not None and self._speaking.clause_id == clause_id

    def _say(self, text: str) -> None:
        if not text:
            return
        delta = f" {text}" if self._said_anything else text
        self._said_anything = True
        self._outbox.emit(TranslationOutputTranscriptDelta, delta=delta, elapsed_ms=self._elapsed_ms)

    def _sound(self, pcm: bytes) -> None:
        for offset in range(0, len(pcm), _FRAME_BYTES):
            self._outbox.emit(
                TranslationOutputAudioDelta,
                delta=pcm[offset : offset + _FRAME_BYTES],
                format="pcm16",
                sample_rate=24_000,
                channels=1,
                elapsed_ms=self._elapsed_ms,
            )

    def _finish_clause(self, ended: ClauseEnded) -> None:
        self._speaking = None
        if ended.message is not None:
            self._fail(f"A clause was not translated: {ended.message}", ended.code)
        self._next_clause()

    def _fail(self, message: str, code: str) -> None:
        error = {"type": "server_error", "code": code, "message": message, "param": None, "event_id": None}
        self._outbox.emit(ErrorEvent, error=error)

    @property
    def _elapsed_ms(self) -> int:
        """How far into the audio this is, in whole frames, as OpenAI counts it."""
        return self._listener.heard_ms // FRAME_MS * FRAME_MS
