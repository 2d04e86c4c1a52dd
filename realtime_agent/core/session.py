"""The core of a session: everything that decides, and nothing that waits.

    core = SessionCore(CoreConfig(session=...))
    core.receive(an_input, now)          # a server event, or one of `core.inputs`
    for action in core.actions(): ...    # perform them, in order
    core.next_timer()                    # call handle_timer then, if nothing else comes before

`now` is monotonic seconds and never goes back. The same inputs at the same times give the same actions.

Theory. This file holds what is left when every subject has its own machine (see `machines`): the life of a session.

| state    | event                                   | next     | effect                                         |
|----------|-----------------------------------------|----------|------------------------------------------------|
| dialing  | session.created                         | greeted  | `session.update`, where there is one to send   |
| dialing  | session.created, nothing to configure   | ready    | what was held is done                          |
| dialing  | session.updated (a sideband, joined late) | ready  | the same                                       |
| greeted  | session.updated                         | ready    | the same                                       |
| greeted  | error for our session.update            | closed   | a session that is not as asked for is not used |
| dialing, greeted | deadline                        | closed   |                                                |
| dialing  | a message that cannot be read           | closed   | this is no Realtime server                     |
| dialing, greeted | say, text, image, commit …      | same     | held, up to a bound                            |
| any      | hangup, disconnected                    | closed   | turns end, tools are cancelled, `Close`        |
| closed   | anything                                | closed   |                                                |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from realtime_agent.core import inputs
from realtime_agent.core.actions import Action, Close
from realtime_agent.core.config import CoreConfig
from realtime_agent.core.content_events import ContentEvents
from realtime_agent.core.conversation import Conversation
from realtime_agent.core.conversation_events import ConversationEvents
from realtime_agent.core.input_events import InputEvents
from realtime_agent.core.machines import Machines
from realtime_agent.core.requests import ALREADY_ACTIVE, Wanted
from realtime_agent.core.response_events import ResponseEvents
from realtime_agent.core.turns import Verdict
from realtime_agent.core.usage import Usage
from realtime_agent.errors import ConnectFailed, LocalProtocolError, RealtimeAgentError, ServerError
from realtime_agent.protocol import (
    ContentPart,
    ConversationItemCreate,
    ErrorEvent,
    MessageItem,
    ResponseConfig,
    ResponseOutputAudioDelta,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    UnknownEvent,
    say_instructions,
)

_HELD = (inputs.Say, inputs.SendText, inputs.SendImage, inputs.Respond, inputs.UpdateSession)
# Errors of these requests are races that are lost fairly: what was to be stopped had ended, or was gone.
_BENIGN_PURPOSES = frozenset({"cancel", "truncate", "delete", "clear"})
_BENIGN_CODES = frozenset({"response_cancel_not_active", ALREADY_ACTIVE})


class SessionCore:
    """One session. See the module's documentation."""

    def __init__(self, config: CoreConfig) -> None:
        self.ready = False
        self.closed = False
        self._config = config
        self._m = Machines(config)
        self._out = self._m.out
        self._session = config.session
        self._greeted = False
        self._ready_deadline: float | None = None
        self._update_id: str | None = None
        self._held: list[inputs.Input] = []
        self._content = ContentEvents(self._m)
        self._responses = ResponseEvents(self._m)
        self._handlers = self._table()

    # -- the shape

    def receive(self, event: inputs.Input, now: float) -> None:
        """Something happened. Never raises for what the other side does."""
        if self.closed:
            return
        out = self._out
        out.now = now
        kind = type(event)
        if kind is inputs.MicrophoneHeard:
            self._microphone_heard(event)  # type: ignore[arg-type]
            return
        if kind is ResponseOutputAudioDelta:
            self._content.audio_delta(event)  # type: ignore[arg-type]
            return
        handler = self._handlers.get(kind)
        if handler is None:
            out.count("unknown_event" if kind is UnknownEvent else "unused_event")
            return
        if not self.ready and kind in _HELD:
            self._hold(event)
            return
        handler(event)
        self._pump()

    def actions(self) -> list[Action]:
        """What is to be done since the last call, in order."""
        out = self._out
        actions, out.actions = out.actions, []
        return actions

    @property
    def stirred(self) -> bool:
        """Whether a microphone frame may have led to anything: most frames are silence, and need no more than this."""
        return bool(self._out.actions) or self._m.user_turns.timer is not None

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called; None where nothing is due."""
        m = self._m
        earliest = self._ready_deadline
        for timer in (m.user_turns.timer, m.requests.timer, m.responses.timer, m.tools.timer, m.playback_timer):
            if timer is not None and (earliest is None or timer < earliest):
                earliest = timer
        return earliest

    def handle_timer(self, now: float) -> None:
        """Time has passed. Does nothing where nothing is due."""
        if self.closed:
            return
        m = self._m
        m.out.now = now
        if self._ready_deadline is not None and now >= self._ready_deadline:
            error = ConnectFailed(f"The server did not set up a session within {self._config.ready_timeout_s:g} s.")
            self._close("not ready", error)
            return
        if m.playback_timer is not None and now >= m.playback_timer:
            m.handle_playback_timer()
        if m.user_turns.timer is not None and now >= m.user_turns.timer:
            self._obey(m.user_turns.handle_timer())
        if m.responses.timer is not None and now >= m.responses.timer:
            stalled = m.responses.handle_timer()
            if stalled is not None:
                self._responses.give_up(stalled)
        if m.requests.timer is not None and now >= m.requests.timer:
            m.requests.handle_timer()
        if m.tools.timer is not None and now >= m.tools.timer:
            quiet = m.responses.idle and m.requests.idle and not m.ledger.audible and not m.user_turns.holds_agent
            m.tools.handle_timer(quiet=quiet)
        self._pump()

    # -- views

    @property
    def conversation(self) -> Conversation:
        """The items in order: `conversation.items`."""
        return self._m.conversation

    @property
    def usage(self) -> Usage:
        """What was used until now."""
        rate_hz = self._config.audio_format.rate_hz
        return replace(
            self._m.usage,
            audio_in_s=self._m.sent_samples / rate_hz,
            audio_out_s=self._m.ledger.received_samples / rate_hz,
            audio_heard_s=self._m.ledger.position / rate_hz,
        )

    @property
    def counts(self) -> dict[str, int]:
        """What was ignored, by kind: late, duplicate and unknown events, and benign errors."""
        return self._out.counts

    @property
    def idle(self) -> bool:
        """Nobody speaks, nothing is on its way, nothing is left to hear, no tool runs."""
        return self.ready and not self._held and self._m.idle

    @property
    def audible(self) -> bool:
        """Whether the agent is heard just now."""
        return self._m.ledger.audible

    @property
    def time_s(self) -> float:
        """Seconds of the session, as of the last input."""
        return self._out.time_s

    @property
    def uplink_open(self) -> bool:
        """Whether microphone audio is to be sent now. While it is not, keep the last 300 ms: they are sent first."""
        return self.ready and not self.closed and self._m.user_turns.wants_audio

    # -- the session's life

    def _connected(self, event: inputs.Connected) -> None:
        if event.session is not None:
            self._session = event.session
            self._m.note_session(event.session)
        self._ready_deadline = self._out.now + self._config.ready_timeout_s

    def _session_created(self, event: SessionCreated) -> None:
        if self._greeted:
            self._out.count("duplicate_session_created")
            return
        self._greeted = True
        if self._session is None:
            self._m.note_session(event.session)
            self._become_ready()
            return
        self._update_id = self._out.new_event_id("session_update")
        self._out.send(SessionUpdate(event_id=self._update_id, session=self._session))
        if self._ready_deadline is None:
            self._ready_deadline = self._out.now + self._config.ready_timeout_s

    def _session_updated(self, event: SessionUpdated) -> None:
        self._greeted = True
        self._m.note_session(event.session)
        if not self.ready:
            self._become_ready()

    def _become_ready(self) -> None:
        self.ready = True
        self._ready_deadline = None
        held, self._held = self._held, []
        for event in held:
            self._handlers[type(event)](event)

    def _hold(self, event: inputs.Input) -> None:
        if len(self._held) >= self._config.max_held_inputs:
            self._out.raise_error(
                LocalProtocolError("Too much was asked for before the session was ready.", code="queue_full")
            )
            return
        self._held.append(event)

    def _disconnected(self, event: inputs.Disconnected) -> None:
        self._close("disconnected", event.error)

    def _hangup(self, event: inputs.Hangup) -> None:
        self._close(event.reason, event.error)

    def _close(self, reason: str, error: RealtimeAgentError | None) -> None:
        m = self._m
        m.tools.end()
        m.user_turns.end()
        m.agent_turns.end_all()
        self._out.do(Close(reason, error))
        self.closed = True
        self._ready_deadline = m.user_turns.timer = m.requests.timer = None
        m.responses.timer = m.tools.timer = m.playback_timer = None

    def _error(self, event: ErrorEvent) -> None:
        detail = event.error
        m = self._m
        if m.requests.refused(detail.event_id, detail.code, active=m.responses.active is not None):
            return
        purpose = self._out.purpose_of(detail.event_id)
        if purpose in _BENIGN_PURPOSES or detail.code in _BENIGN_CODES:
            self._out.count(f"benign_error:{purpose or detail.code}")
            return
        error = ServerError(
            detail.message or "The server reported an error.",
            code=detail.code or detail.type or None,
            type=detail.type,
            param=detail.param,
            event_id=detail.event_id,
        )
        if not self.ready and self._update_id is not None and detail.event_id in (None, self._update_id):
            self._close("refused", error)
        else:
            self._out.raise_error(error)

    def _message_rejected(self, event: inputs.MessageRejected) -> None:
        if not self._greeted:
            words = "What answers there does not speak the Realtime protocol: " + event.error.message
            self._close("not a Realtime server", ConnectFailed(words))
        else:
            self._out.raise_error(event.error)

    def _opened(self, event: inputs.Opened) -> None:
        self._out.started_at = self._out.now

    # -- the person

    def _microphone_heard(self, event: inputs.MicrophoneHeard) -> None:
        if not self.ready:
            return
        m = self._m
        turns = m.user_turns
        verdict = turns.heard(event.samples, event.speech)
        if verdict is not None:
            self._obey(verdict)
            self._pump()
        if turns.wants_audio:
            m.uncommitted_samples += event.samples
            m.sent_samples += event.samples

    def _microphone_ended(self, event: inputs.MicrophoneEnded) -> None:
        self._obey(self._m.user_turns.microphone_ended())

    def _obey(self, verdict: Verdict | None) -> None:
        if verdict is Verdict.INTERRUPT:
            self._m.user_began(interrupts=True, cancel=True)
        elif verdict is Verdict.COMMIT:
            self._m.commit(by_hand=False)
        elif verdict is Verdict.CLEAR:
            self._m.clear_input()

    def _playback_moved(self, event: inputs.PlaybackMoved) -> None:
        self._m.playback_moved(event.position, event.playing)

    def _playback_flushed(self, event: inputs.PlaybackFlushed) -> None:
        self._m.barge_in.flushed(event.position)

    # -- the application

    def _say(self, event: inputs.Say) -> None:
        self._m.tools.user_wrote()
        config = ResponseConfig(instructions=say_instructions(event.text), tool_choice="none")
        self._m.requests.want(Wanted(config, "phrase"))

    def _send_text(self, event: inputs.SendText) -> None:
        self._user_message(ContentPart(type="input_text", text=event.text))

    def _send_image(self, event: inputs.SendImage) -> None:
        parts = [ContentPart(type="input_image", image_url=event.url)]
        if event.text:
            parts.append(ContentPart(type="input_text", text=event.text))
        self._user_message(*parts)

    def _user_message(self, *parts: ContentPart) -> None:
        item = MessageItem(role="user", content=list(parts))
        self._out.send(ConversationItemCreate(event_id=self._out.new_event_id("user_message"), item=item))
        self._m.tools.user_wrote()
        self._m.requests.want(Wanted(merges=True))

    def _respond(self, event: inputs.Respond) -> None:
        self._m.tools.user_wrote()
        if event.config is not None and event.config.conversation == "none":
            self._m.respond_out_of_band(event.config)
        else:
            self._m.requests.want(Wanted(event.config, merges=event.config is None))

    def _interrupt(self, event: inputs.Interrupt) -> None:
        self._m.requests.drop("tool_reply")  # the model knows the results, and the user wants silence
        self._m.tools.user_cut_in()
        self._m.cut_agent(cancel=True)

    def _commit(self, event: inputs.Commit) -> None:
        self._m.commit(by_hand=True)

    def _clear_input(self, event: inputs.ClearInput) -> None:
        self._m.clear_input()
        if self._m.user_turns.input_cleared():
            self._m.user_began(interrupts=False, cancel=False)

    def _update_session(self, event: inputs.UpdateSession) -> None:
        if event.turn_mode is not None:
            self._m.user_turns.change_mode(event.turn_mode)
        if event.tool_policies is not None:
            self._m.tools.policies = event.tool_policies
        self._out.send(SessionUpdate(event_id=self._out.new_event_id("session_update"), session=event.config))

    def _tool_returned(self, event: inputs.ToolReturned) -> None:
        self._m.tools.returned(event.call_id, event.output, event.error)

    # -- inside

    def _pump(self) -> None:
        m = self._m
        if m.requests.waiting and not self.closed:
            m.requests.pump(held=not self.ready or m.responses.active is not None or m.user_turns.holds_agent)

    def _table(self) -> dict[type[Any], Callable[[Any], None]]:
        m = self._m
        return {
            inputs.Connected: self._connected,
            inputs.Opened: self._opened,
            inputs.Disconnected: self._disconnected,
            inputs.MessageRejected: self._message_rejected,
            inputs.MicrophoneEnded: self._microphone_ended,
            inputs.PlaybackMoved: self._playback_moved,
            inputs.PlaybackFlushed: self._playback_flushed,
            inputs.ToolReturned: self._tool_returned,
            inputs.Say: self._say,
            inputs.SendText: self._send_text,
            inputs.SendImage: self._send_image,
            inputs.Respond: self._respond,
            inputs.Interrupt: self._interrupt,
            inputs.Commit: self._commit,
            inputs.ClearInput: self._clear_input,
            inputs.UpdateSession: self._update_session,
            inputs.Hangup: self._hangup,
            SessionCreated: self._session_created,
            SessionUpdated: self._session_updated,
            ErrorEvent: self._error,
            **self._content.table(),
            **self._responses.table(),
            **InputEvents(m).table(),
            **ConversationEvents(m).table(),
        }
