"""ConversationLog: the events of a session put together as turns and tool calls, ready to be shown or stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from realtime_agent.events import (
    AgentTranscript,
    Closed,
    ErrorRaised,
    Interrupted,
    SessionEvent,
    Speaker,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    UserTranscript,
)


@dataclass(slots=True)
class LoggedTurn:
    """One turn: who spoke from when to when, and what. Times are seconds of the session.

    A user's turn of local detection or push-to-talk gets its `item_id` with its transcript. `heard_text` and `heard_ms`
    are set where the turn was interrupted; `text` is then what the agent would have said. `settled` says that nothing
    more is expected of it.
    """

    speaker: Speaker
    item_id: str
    start_s: float | None = None
    end_s: float | None = None
    text: str = ""
    latency_s: float | None = None
    heard_text: str | None = None
    heard_ms: int | None = None
    settled: bool = False


@dataclass(slots=True)
class LoggedCall:
    """One tool call, from its start to its answer."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    start_s: float
    end_s: float | None = None
    output: str | None = None
    error: str | None = None

    @property
    def settled(self) -> bool:
        """Whether the call was answered."""
        return self.end_s is not None


@dataclass(slots=True)
class ConversationLog:
    """What happened in a session so far. Feed it every event; read its fields at any time.

    `entries` are the turns and calls in the order in which they began.
    """

    entries: list[LoggedTurn | LoggedCall] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    closed_s: float | None = None
    _nameless: LoggedTurn | None = None  # the user's turn that is open, where it is of local detection

    @property
    def turns(self) -> list[LoggedTurn]:
        """Both sides' turns."""
        return [entry for entry in self.entries if isinstance(entry, LoggedTurn)]

    @property
    def calls(self) -> list[LoggedCall]:
        """The tool calls."""
        return [entry for entry in self.entries if isinstance(entry, LoggedCall)]

    def add(self, event: SessionEvent) -> None:
        """Take one event of a session."""
        match event:
            case TurnStarted():
                self._begin(event)
            case TurnEnded():
                self._end(event)
            case UserTranscript():
                turn = self._turn("user", event.item_id)
                turn.text, turn.settled = event.text, event.final
            case AgentTranscript():
                self._turn("agent", event.item_id).text = event.text
            case Interrupted():
                turn = self._turn("agent", event.item_id)
                turn.heard_text, turn.heard_ms = event.heard_text, event.heard_ms
            case ToolStarted():
                self.entries.append(LoggedCall(event.call_id, event.name, event.arguments, event.time_s))
            case ToolFinished():
                self._finish_call(event)
            case ErrorRaised():
                self.errors.append(event.error.message)
            case Closed():
                self.closed_s = event.time_s
                for one in self.turns:
                    one.settled = True

    def _begin(self, event: TurnStarted) -> None:
        if not event.item_id:  # each turn without a name is one of its own
            turn = self._nameless = LoggedTurn(event.speaker, "")
            self.entries.append(turn)
        else:
            turn = self._turn(event.speaker, event.item_id)
        turn.start_s, turn.latency_s = event.time_s, event.latency_s

    def _end(self, event: TurnEnded) -> None:
        if not event.item_id and self._nameless is not None:
            turn, self._nameless = self._nameless, None
        else:
            turn = self._turn(event.speaker, event.item_id)
        turn.end_s = event.time_s
        turn.settled = turn.settled or event.speaker == "agent"

    def _turn(self, speaker: Speaker, item_id: str) -> LoggedTurn:
        unclaimed: LoggedTurn | None = None
        for entry in reversed(self.entries):
            if not isinstance(entry, LoggedTurn) or entry.speaker != speaker:
                continue
            if entry.item_id == item_id:
                return entry
            if not entry.item_id and (unclaimed is None or unclaimed.end_s is None):
                unclaimed = entry  # the last that has ended, or else the one that is open
        if unclaimed is not None:
            unclaimed.item_id = item_id
            return unclaimed
        turn = LoggedTurn(speaker, item_id)
        self.entries.append(turn)
        return turn

    def _finish_call(self, event: ToolFinished) -> None:
        for call in self.calls:
            if call.call_id == event.call_id:
                call.end_s, call.output = event.time_s, event.output
                call.error = event.error.code if event.error else None

    def latencies_s(self) -> list[float]:
        """The reply latency of each agent turn that answered speech, in order."""
        return [turn.latency_s for turn in self.turns if turn.latency_s is not None]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON-able data."""
        return {
            "turns": [asdict(turn) for turn in self.turns],
            "calls": [asdict(call) for call in self.calls],
            "errors": list(self.errors),
            "closed_s": self.closed_s,
        }
