"""A session that writes down what is said and does nothing else: pure, with the time as an argument.

The person's side of a voice-agent session, with the same machines (input buffer, turns, hearing, conversation) and
nobody who answers:

    [speech_started → speech_stopped →] committed → item.added → item.done → delta* → completed | failed

Deltas may come before `committed`, as soon as text is stable enough for the session's `delay`.

| client's event             | answer                                                                  |
|----------------------------|-------------------------------------------------------------------------|
| session.update             | session.updated; of another type, or with anything of an answer: error  |
| input_audio_buffer.append  | (what is heard)                                                         |
| input_audio_buffer.commit  | committed, item.added, item.done; nothing there: error                  |
| input_audio_buffer.clear   | cleared                                                                 |
| any other                  | error `unsupported_value`: it does not belong to a transcription session|
"""

from __future__ import annotations

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import (
    ClientEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    UnknownEvent,
    decode_client,
)
from realtime_agent.server.core.actions import Action, EngineOutput, Heard, HearingFailed, TurnJudged
from realtime_agent.server.core.conversation import Conversation
from realtime_agent.server.core.errors import error_event, refusal
from realtime_agent.server.core.hearing import Hearing, Understood
from realtime_agent.server.core.listening import Listening
from realtime_agent.server.core.outbox import NewId, Outbox
from realtime_agent.server.core.settings import Capabilities, Settings
from realtime_agent.server.core.transcription.configuration import TranscriptionConfiguration
from realtime_agent.server.core.transcripts import Transcripts
from realtime_agent.server.core.vad_turns import MakeDetector


class NobodyAnswers:
    """Stands where responses are in a voice-agent session."""

    heard_until: float | None = None

    def create(self, settings: Settings) -> None:
        """Does nothing."""

    def interrupt(self) -> None:
        """Does nothing."""


class TranscriptionSession:
    """A transcription session. Implements `SessionCore`."""

    decode = staticmethod(decode_client)

    def __init__(
        self,
        *,
        model: str,
        expires_at: int,
        new_id: NewId,
        make_detector: MakeDetector,
        capabilities: Capabilities | None = None,
        session_id: str | None = None,
    ) -> None:
        """
        Args:
            model: what the session calls its ear where the client names none.
            expires_at: Unix time that the client is told.
            new_id: makes unique ids of a kind.
            make_detector: makes the speech detector for a rate and threshold.
            capabilities: what the engine can do.
            session_id: of the session that became this one; a new one otherwise.
        """
        self._outbox = Outbox(new_id)
        self._configuration = TranscriptionConfiguration(
            session_id=session_id or new_id("sess"), model=model, expires_at=expires_at, capabilities=capabilities
        )
        self._conversation = Conversation(new_id("conv"), kept_audio_bytes=0)  # nobody can ask for it
        self._hearing = Hearing(self._outbox)
        self._transcripts = Transcripts(self._hearing)
        self._listening = Listening(
            self._outbox,
            self._conversation,
            self._hearing,
            self._transcripts,
            NobodyAnswers(),
            make_detector,
            self._configuration.settings,
        )

    @property
    def heard_ms(self) -> int:
        """How much audio has come."""
        return self._listening.heard_ms

    @property
    def hears_speech(self) -> bool:
        """Whether somebody speaks, as far as turn detection can tell."""
        return self._listening.turn_id is not None

    def start(self, now: float) -> None:
        """The client is there: `session.created`."""
        self._outbox.emit(SessionCreated, session=self._configuration.payload)

    def receive(self, event: ClientEvent | UnknownEvent, now: float) -> None:
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
        """Take in what the ear said."""
        match output:
            case Heard():
                self._listening.consider_turn_end(output)
                self._note(self._hearing.heard(output))
            case TurnJudged():
                self._listening.end_turn_after(output)
            case HearingFailed():
                self._listening.consider_turn_end(output)
                self._note(self._hearing.failed(output))

    def actions(self) -> list[Action]:
        """What is to be done, in this order; each is given once."""
        return self._outbox.drain()

    def next_timer(self) -> float | None:
        """Never: all time here is the audio's."""
        return None

    def handle_timer(self, now: float) -> None:
        """Time has passed."""

    def close(self) -> None:
        """The client is gone: the ear stops, no event follows."""
        self._listening.stop()

    def _obey(self, event: ClientEvent | UnknownEvent, now: float) -> None:
        match event:
            case InputAudioBufferAppend(audio=audio):
                self._listening.append(audio, now)
            case InputAudioBufferCommit():
                self._listening.commit(now)
            case InputAudioBufferClear():
                self._listening.clear()
            case SessionUpdate(session=update):
                payload = self._configuration.check(update)
                self._listening.check(self._configuration.read(payload))
                self._configuration.adopt(payload)
                self._listening.adopt(self._configuration.settings)
                self._outbox.emit(SessionUpdated, session=self._configuration.payload)
            case UnknownEvent(type=kind):
                raise refusal(f"Invalid value: '{kind}'. This is no event of a client.", param="type")
            case _:
                raise refusal(
                    f"'{event.type}' does not belong to a transcription session; it takes session.update and "
                    "input_audio_buffer.append, .commit and .clear.",
                    code="unsupported_value",
                    param="type",
                )

    def _note(self, news: Understood | None) -> None:
        if news is not None:
            self._transcripts.note(news)
