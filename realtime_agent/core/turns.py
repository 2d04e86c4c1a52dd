"""The user's turns: duck at local speech onset, confirm, then interrupt; or resume: false alarms lose nothing.

Theory. Local detection is fast and often wrong; the server is right, and late. So the first frame of local speech
only *ducks* the agent (it falls silent, and keeps what it has to say). Then either the onset is *confirmed*: by the
server's `speech_started` in server mode, by `confirm_ms` of local speech in local mode; the user has the word, and
the agent is cut off. Or it was a *false alarm*: local silence, or a deadline; the agent resumes, and no sample is
lost.

Speech and silence are counted in audio. Only the deadline counts in seconds: it holds also where no more frames come.

| state     | event                          | mode   | next      | effect                                        |
|-----------|--------------------------------|--------|-----------|-----------------------------------------------|
| quiet     | speech frame                   | server | onset     | duck, if the agent is audible                 |
| quiet     | speech frame                   | local  | onset     | the same; the uplink opens                    |
| quiet     | input cleared (talk pressed)   | manual | speaking  | turn started                                  |
| onset     | the agent becomes audible      | both   | onset     | duck                                          |
| onset     | server: speech started         | server | speaking  | turn started; interrupt                       |
| onset     | `confirm_ms` of speech         | local  | speaking  | turn started; interrupt                       |
| onset     | `false_alarm_silence_ms`       | both   | quiet     | resume; (local) clear the input               |
| onset     | deadline                       | both   | dismissed | the same                                      |
| dismissed | `false_alarm_silence_ms`       | both   | quiet     |                                               |
| quiet     | server: speech started         | server | speaking  | turn started; interrupt (dismissed: the same) |
| speaking  | server: stopped or committed   | server | quiet     | turn ended (dismissed while we hear speech)   |
| speaking  | `end_silence_ms`               | local  | quiet     | turn ended; commit                            |
| speaking  | commit                         | manual | quiet     | turn ended                                    |
| quiet     | commit                         | manual | quiet     | turn started and ended                        |
| onset     | interrupted by the application | both   | onset     | the flush ends the ducking                    |
| any       | end of the microphone          | local  | quiet     | as after silence                              |

With `interrupt_response: false` the application has said that speech does not interrupt: then nothing ducks and
`speech_started` cuts nothing off; turns still begin and end, and `Interrupt` cuts as ever.

Server VAD events in local and manual mode are not ours to act on (`turn_detection` should be null): they are counted.
"""

from __future__ import annotations

from enum import Enum

from realtime_agent.core.actions import Duck, Resume
from realtime_agent.core.config import CoreConfig, TurnMode
from realtime_agent.core.outbox import Outbox
from realtime_agent.core.playback import PlaybackLedger
from realtime_agent.events import TurnEnded, TurnStarted


class State(Enum):
    """See the table."""

    QUIET = "quiet"
    ONSET = "onset"
    DISMISSED = "dismissed"
    SPEAKING = "speaking"


class Verdict(Enum):
    """What a machine that knows more than this one has to do."""

    INTERRUPT = "interrupt"
    COMMIT = "commit"
    CLEAR = "clear"


_QUIET, _ONSET, _DISMISSED, _SPEAKING = State.QUIET, State.ONSET, State.DISMISSED, State.SPEAKING


class UserTurns:
    """Whether the user speaks, and whether the agent is ducked for it."""

    __slots__ = (
        "_confirm_samples",
        "_end_samples",
        "_false_alarm_samples",
        "_ledger",
        "_out",
        "_resume_deadline_s",
        "_silence_samples",
        "_speech_samples",
        "_wants_duck",
        "ducked",
        "interrupts",
        "item_id",
        "mode",
        "state",
        "timer",
    )

    def __init__(self, out: Outbox, config: CoreConfig, ledger: PlaybackLedger) -> None:
        self.mode: TurnMode = config.turn_mode
        self.state = _QUIET
        self.ducked = False
        self.interrupts = True  # the server's `interrupt_response`
        self.item_id = ""  # of the turn; empty where the server has not named it
        self.timer: float | None = None
        self._out = out
        self._ledger = ledger
        self._wants_duck = config.duck
        rate_hz = config.audio_format.rate_hz
        self._confirm_samples = config.confirm_ms * rate_hz // 1000
        self._false_alarm_samples = config.false_alarm_silence_ms * rate_hz // 1000
        self._end_samples = config.end_silence_ms * rate_hz // 1000
        self._resume_deadline_s = config.resume_deadline_s
        self._speech_samples = 0
        self._silence_samples = 0

    @property
    def holds_agent(self) -> bool:
        """Whether the agent is to wait. Not for push-to-talk: a key that was pressed and forgotten ends no session."""
        return self.state is _SPEAKING and self.mode != "manual"

    @property
    def wants_audio(self) -> bool:
        """Whether microphone audio is to go to the server: in local mode only what may be speech."""
        return self.mode != "local" or self.state is _ONSET or self.state is _SPEAKING

    # -- what the microphone tells

    def heard(self, samples: int, speech: bool) -> Verdict | None:
        """One microphone frame. On the hot path."""
        state = self.state
        if state is _QUIET:
            return self._onset(samples) if speech else None
        if speech:
            self._speech_samples += samples
            self._silence_samples = 0
        else:
            self._silence_samples += samples
        if state is _ONSET:
            return self._in_onset()
        if state is _DISMISSED:
            if self._silence_samples >= self._false_alarm_samples:
                self.state = _QUIET
            return None
        if self.mode == "local" and self._silence_samples >= self._end_samples:
            return self._local_end()
        return None

    def microphone_ended(self) -> Verdict | None:
        """No more frames will come."""
        if self.state is _ONSET:
            return self._false_alarm(_QUIET)
        if self.state is _SPEAKING and self.mode == "local":
            return self._local_end()
        return None

    def agent_audible(self) -> None:
        """Agent audio was queued where there was none: an onset that is still open ducks it."""
        if self.state is _ONSET:
            self._duck()

    # -- what the server tells

    def server_started(self, item_id: str) -> bool:
        """The server heard speech begin. True where a turn begins with it."""
        if self.mode != "server":
            self._out.count("unexpected_server_vad")
            return False
        if self.state is _SPEAKING:
            if item_id == self.item_id:
                self._out.count("duplicate_speech_started")
                return False
            self._end_turn(_QUIET)
        self._start_turn(item_id)
        return True

    def server_stopped(self) -> bool:
        """The server heard speech end, or made a turn of it. False where no turn was open."""
        if self.mode != "server" or self.state is not _SPEAKING:
            return False
        hears_speech = self._speech_samples > 0 and self._silence_samples < self._false_alarm_samples
        self._end_turn(_DISMISSED if hears_speech else _QUIET)
        return True

    # -- what the application does

    def committed(self) -> None:
        """The application made a turn of what was said (push-to-talk)."""
        if self.state is not _SPEAKING:
            self._start_turn("")
        self._end_turn(_QUIET)

    def input_cleared(self) -> bool:
        """The application cleared the input: where push-to-talk begins. True where a turn begins with it."""
        if self.mode != "manual":
            self.cleared()
            return False
        if self.state is _SPEAKING:
            return False
        self._start_turn("")
        return True

    def cleared(self) -> None:
        """What was said so far is forgotten."""
        if self.state is _SPEAKING:
            self._end_turn(_QUIET)

    def flushed(self) -> None:
        """The agent is cut off: a flush ends ducking."""
        self.ducked = False

    def change_mode(self, mode: TurnMode) -> None:
        """Another way to decide whose turn it is."""
        if mode == self.mode:
            return
        if self.state is _SPEAKING:
            self._end_turn(_QUIET)
        self._unduck()
        self.mode, self.state = mode, _QUIET

    def end(self) -> None:
        """The session is over."""
        if self.state is _SPEAKING:
            self._end_turn(_QUIET)

    def handle_timer(self) -> Verdict | None:
        """The deadline of an onset."""
        return self._false_alarm(_DISMISSED) if self.state is _ONSET else None

    # -- inside

    def _onset(self, samples: int) -> Verdict | None:
        if self.mode == "manual":
            return None
        self.state = _ONSET
        self._speech_samples, self._silence_samples = samples, 0
        self.timer = self._out.now + self._resume_deadline_s
        if self._ledger.audible:
            self._duck()
        return self._in_onset()

    def _in_onset(self) -> Verdict | None:
        if self.mode == "local" and self._speech_samples >= self._confirm_samples:
            self._start_turn("")
            return Verdict.INTERRUPT
        if self._silence_samples >= self._false_alarm_samples:
            return self._false_alarm(_QUIET)
        return None

    def _false_alarm(self, state: State) -> Verdict | None:
        self.state = state
        self._unduck()
        return Verdict.CLEAR if self.mode == "local" else None

    def _local_end(self) -> Verdict:
        self._end_turn(_QUIET)
        return Verdict.COMMIT

    def _duck(self) -> None:
        if self._wants_duck and self.interrupts and not self.ducked:
            self.ducked = True
            self._out.do(Duck())

    def _unduck(self) -> None:
        self.timer = None
        if self.ducked:
            self.ducked = False
            self._out.do(Resume())

    def _start_turn(self, item_id: str) -> None:
        if self.state is not _ONSET:
            self._speech_samples = self._silence_samples = 0
        self.state = _SPEAKING
        self.timer = None
        self.item_id = item_id
        self._out.emit(TurnStarted("user", item_id, self._out.time_s))

    def _end_turn(self, state: State) -> None:
        self.state = state
        self._out.emit(TurnEnded("user", self.item_id, self._out.time_s))
        self.item_id = ""
