"""The machines of one session, and what happens between them."""

from __future__ import annotations

from realtime_agent.core.actions import ReadPosition
from realtime_agent.core.agent_turns import AgentTurns
from realtime_agent.core.barge_in import BargeIn
from realtime_agent.core.config import CoreConfig
from realtime_agent.core.conversation import Conversation
from realtime_agent.core.outbox import Outbox
from realtime_agent.core.playback import PlaybackLedger
from realtime_agent.core.requests import Requests, Wanted
from realtime_agent.core.responses import Responses
from realtime_agent.core.tool_calls import ToolCalls
from realtime_agent.core.transcripts import Transcripts
from realtime_agent.core.turns import UserTurns
from realtime_agent.core.usage import Usage
from realtime_agent.errors import LocalProtocolError
from realtime_agent.protocol import (
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseConfig,
    SemanticVad,
    ServerVad,
    SessionConfig,
    TranscriptionSessionConfig,
)

_MOST_OUT_OF_BAND = 16
_SHORTEST_POLL_S = 0.02
_POLL_SLACK_S = 0.005  # past the boundary, so that the answer lies behind it


class Machines:
    """Composition. Each machine decides its own subject; here is only what one tells the others."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.out = Outbox()
        self.usage = Usage()
        self.ledger = PlaybackLedger(config.audio_format)
        self.conversation = Conversation(self.out, config.max_items)
        self.transcripts = Transcripts(self.out, self.conversation, config.max_item_chars)
        self.requests = Requests(self.out, config)
        self.responses = Responses(self.out, config, self.requests)
        self.tools = ToolCalls(self.out, config, self.requests)
        self.user_turns = UserTurns(self.out, config, self.ledger)
        self.agent_turns = AgentTurns(self.out)
        self.barge_in = BargeIn(
            self.out,
            config.audio_format,
            self.ledger,
            self.requests,
            self.responses,
            self.conversation,
            self.transcripts,
            self.agent_turns,
        )
        self.creates_responses = True  # the server's `create_response`
        self.uncommitted_samples = 0
        self.sent_samples = 0
        self.playback_timer: float | None = None
        self._moved_at = 0.0
        if config.session is not None:
            self.note_session(config.session)

    @property
    def idle(self) -> bool:
        """Nobody speaks, nothing is on its way, nothing is left to hear, no tool runs."""
        return (
            not self.user_turns.holds_agent
            and not self.ledger.audible
            and not self.ledger.flushing
            and self.tools.idle
            and self.requests.idle
            and self.responses.idle
        )

    def note_session(self, session: SessionConfig | TranscriptionSessionConfig) -> None:
        """The server says how it is configured."""
        audio = session.audio
        if audio is None or audio.input is None or "turn_detection" not in audio.input.model_fields_set:
            return
        detection = audio.input.turn_detection
        creates = detection is not None
        interrupts = True
        if isinstance(detection, ServerVad | SemanticVad):
            creates = detection.create_response is not False
            interrupts = detection.interrupt_response is not False
        self.creates_responses, self.user_turns.interrupts = creates, interrupts

    def user_began(self, *, interrupts: bool, cancel: bool) -> None:
        """The user has the word. `interrupts`: the agent loses it."""
        self.agent_turns.question_began()
        self.tools.user_cut_in()
        if interrupts:
            self.cut_agent(cancel=cancel)

    def cut_agent(self, *, cancel: bool) -> None:
        """Cut the agent off. `cancel`: the server does not do it by itself."""
        self.barge_in.cut(cancel=cancel, ducked=self.user_turns.ducked)
        self.user_turns.flushed()
        self.playback_timer = None

    def commit(self, *, by_hand: bool) -> None:
        """What the user said becomes a turn, and is to be answered."""
        rate_hz = self.config.audio_format.rate_hz
        if self.uncommitted_samples * 1000 < self.config.min_commit_ms * rate_hz:
            if by_hand:
                self.out.raise_error(LocalProtocolError("There is no audio to commit.", code="commit_empty"))
                self.user_turns.cleared()
            else:
                self.clear_input()
            return
        self.out.send(InputAudioBufferCommit(event_id=self.out.new_event_id("commit")))
        self.uncommitted_samples = 0
        if by_hand:
            self.user_turns.committed()
        self.agent_turns.question_ended()
        self.tools.user_wrote()
        self.requests.want(Wanted(merges=True))

    def respond_out_of_band(self, config: ResponseConfig) -> None:
        """Ask for a response beside the conversation."""
        if self.responses.out_of_band < _MOST_OUT_OF_BAND:
            self.requests.send_out_of_band(config)
        else:
            words = "Too many out-of-band responses are active already."
            self.out.raise_error(LocalProtocolError(words, code="queue_full"))

    def clear_input(self) -> None:
        """What the user said is forgotten."""
        self.uncommitted_samples = 0
        self.out.send(InputAudioBufferClear(event_id=self.out.new_event_id("clear")))

    def playback_moved(self, position: int, playing: bool) -> None:
        """Something was heard, or playback ran dry."""
        for part in self.ledger.moved(position, playing):
            response = self.responses.get(part.response_id)
            self.conversation.heard(part.item_id, self.barge_in.heard_ms(part.item_id))
            if response is not None and response.turn == "none" and not response.cut:
                self.agent_turns.end_heard(self.ledger.unheard_responses())
                self.agent_turns.begin(response, part.item_id)
        self.agent_turns.end_heard(self.ledger.unheard_responses())
        self._moved_at = self.out.now
        self.time_playback()

    def time_playback(self) -> None:
        """Between two responses that are played without a gap no edge is reported: ask when the time has come."""
        self.playback_timer = None
        ahead = self.ledger.next_boundary_samples() if self.ledger.playing else None
        if ahead is not None:
            due = self._moved_at + ahead / self.config.audio_format.rate_hz + _POLL_SLACK_S
            self.playback_timer = max(due, self.out.now + _SHORTEST_POLL_S)

    def handle_playback_timer(self) -> None:
        """It has come."""
        self.playback_timer = None
        self.out.do(ReadPosition())
