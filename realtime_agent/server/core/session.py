"""One Realtime session, server side: pure, with the time as an argument.

    session = ServerSession(model="embedded", expires_at=…, new_id=…, make_detector=…)
    session.start(now)                      # session.created
    session.receive(client_event, now)      # what the client sent
    session.answer(engine_output, now)      # what the ear and the brain said
    for action in session.actions(): …      # Emit, Transcribe, StartResponse, …
    session.next_timer(), session.handle_timer(now)

It is made of small machines: configuration, input buffer, turns, hearing, conversation, responses, idle timer. Each
says in its own file what it decides; this one joins them in OpenAI's order of events:

    speech_started → speech_stopped → committed → item.added → item.done → response.created → …

A client's event either happens whole or is answered by one `error` event that names it. Nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemDeleted,
    ConversationItemRetrieve,
    ConversationItemRetrieved,
    ConversationItemTruncate,
    ConversationItemTruncated,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    OutputAudioBufferClear,
    ResponseCancel,
    ResponseCreate,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    UnknownEvent,
    decode_client,
)
from realtime_agent.server.core.actions import Action, EngineOutput, Heard, HearingFailed, TurnJudged
from realtime_agent.server.core.configuration import Configuration
from realtime_agent.server.core.conversation import Conversation
from realtime_agent.server.core.errors import error_event, refusal, unsupported
from realtime_agent.server.core.hearing import Hearing, Understood
from realtime_agent.server.core.listening import Listening
from realtime_agent.server.core.outbox import NewId, Outbox
from realtime_agent.server.core.requests import Requests
from realtime_agent.server.core.responses import ReportLimits, Responses
from realtime_agent.server.core.settings import Capabilities
from realtime_agent.server.core.transcripts import Transcripts
from realtime_agent.server.core.truncation import ContextWindow
from realtime_agent.server.core.vad_turns import MakeDetector


class ServerSession:
    """A voice-agent session."""

    def __init__(
        self,
        *,
        model: str,
        expires_at: int,
        new_id: NewId,
        make_detector: MakeDetector,
        capabilities: Capabilities | None = None,
        report_limits: ReportLimits | None = None,
    ) -> None:
        """
        Args:
            model: what the session calls its model.
            expires_at: Unix time that the client is told.
            new_id: makes unique ids of a kind (`item` → `item_…`).
            make_detector: makes the speech detector for a rate and threshold.
            capabilities: what the engine can do.
            report_limits: says what is left of the client's limits, for `rate_limits.updated`.
        """
        self.id = new_id("sess")
        capabilities = capabilities or Capabilities()
        self._outbox = Outbox(new_id)
        self._configuration = Configuration(
            session_id=self.id, model=model, expires_at=expires_at, capabilities=capabilities
        )
        self._conversation = Conversation(new_id("conv"))
        self._hearing = Hearing(self._outbox)
        self._transcripts = Transcripts(self._hearing)
        self._responses = Responses(
            self._outbox,
            self._conversation,
            self._hearing,
            window=ContextWindow(capabilities.context_tokens),
            report_limits=report_limits,
        )
        self._listening = Listening(
            self._outbox,
            self._conversation,
            self._hearing,
            self._transcripts,
            self._responses,
            make_detector,
            self._configuration.settings,
        )

        self._requests = Requests(self._outbox, self._conversation, self._transcripts, self._responses)

    decode = staticmethod(decode_client)

    @property
    def untouched(self) -> bool:
        """Whether nothing has been said, written or asked for yet."""
        return not self._listening.heard_ms and not len(self._conversation) and not self._responses.begun

    @property
    def conversation(self) -> Conversation:
        """The items, to look at."""
        return self._conversation

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
        """Tell the client what was wrong; also for messages that could not be read at all."""
        self._outbox.emit_event(
            error_event(error, event_id=self._outbox.new_id("event"), client_event_id=client_event_id)
        )

    def answer(self, output: EngineOutput, now: float) -> None:
        """Take in what the engine said."""
        match output:
            case Heard():
                self._listening.consider_turn_end(output)
                self._watching_idle(lambda: self._understood(self._hearing.heard(output)), now)
            case TurnJudged():
                self._listening.end_turn_after(output)
            case HearingFailed():
                self._listening.consider_turn_end(output)
                self._watching_idle(lambda: self._understood(self._hearing.failed(output)), now)
            case _:
                self._watching_idle(lambda: self._responses.receive(output, now), now)

    def actions(self) -> list[Action]:
        """What is to be done, in this order; each is given once."""
        return self._outbox.drain()

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._listening.idle.due_at

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._listening.idle.fires(now):
            self._listening.time_out(now)

    def close(self) -> None:
        """The client is gone: the engine stops, no event follows."""
        self._responses.stop_all()
        self._listening.stop()

    def _obey(self, event: ClientEvent | UnknownEvent, now: float) -> None:
        match event:
            case InputAudioBufferAppend(audio=audio):
                self._listening.append(audio, now)
            case ResponseCreate() | ResponseCancel() | SessionUpdate():
                self._watching_idle(lambda: self._rule(event), now)
            case InputAudioBufferCommit():
                self._listening.commit(now)
            case InputAudioBufferClear():
                self._listening.clear()
            case UnknownEvent(type=kind):
                raise refusal(f"Invalid value: '{kind}'. This is no event of a client.", param="type")
            case OutputAudioBufferClear():
                raise unsupported("'output_audio_buffer.clear'", "type", "It belongs to WebRTC and SIP.")
            case _:
                self._change_conversation(event)

    def _rule(self, event: ResponseCreate | ResponseCancel | SessionUpdate) -> None:
        match event:
            case ResponseCreate(response=overrides):
                settings = self._configuration.for_response(overrides, has_spoken=self._responses.has_spoken)
                self._requests.create_response(overrides, settings)
            case ResponseCancel(response_id=response_id):
                self._responses.cancel(response_id)
            case SessionUpdate(session=update):
                payload = self._configuration.check(update, has_spoken=self._responses.has_spoken)
                self._listening.check(self._configuration.read(payload))
                self._configuration.adopt(payload)
                self._listening.adopt(self._configuration.settings)
                self._outbox.emit(SessionUpdated, session=self._configuration.payload)

    def _change_conversation(
        self,
        event: ConversationItemCreate | ConversationItemRetrieve | ConversationItemTruncate | ConversationItemDelete,
    ) -> None:
        match event:
            case ConversationItemCreate(item=item, previous_item_id=previous_item_id):
                self._requests.add_item(item, previous_item_id, self._configuration.settings, self._listening.turn_id)
            case ConversationItemRetrieve(item_id=item_id):
                entry = self._conversation.retrieve(item_id)
                self._outbox.emit(ConversationItemRetrieved, item=entry.wire(with_audio=True))
            case ConversationItemTruncate(item_id=item_id, content_index=index, audio_end_ms=end_ms):
                self._conversation.truncate(item_id, index, end_ms)
                self._outbox.emit(ConversationItemTruncated, item_id=item_id, content_index=index, audio_end_ms=end_ms)
            case ConversationItemDelete(item_id=item_id):
                self._conversation.delete(item_id)
                self._understood(self._transcripts.forget(item_id))
                self._outbox.emit(ConversationItemDeleted, item_id=item_id)

    def _understood(self, news: Understood | None) -> None:
        if news is not None:
            self._transcripts.note(news)
            self._responses.understood(news)

    def _watching_idle(self, change: Callable[[], None], now: float) -> None:
        """Do something that may begin or end a response, and let the idle timer know."""
        before = self._responses.active_id
        try:
            change()
        finally:
            active = self._responses.active_id
            if active is not None:
                self._listening.idle.stop()
            elif before is not None:
                self._listening.start_idle(now)
