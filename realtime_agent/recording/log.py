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

    `heard_text` and `heard_ms` are set where the turn was interrupted; `text` is then what the agent would have said.
    """

    speaker: Speaker
    item_id: str
    start_s: float | None = None
    end_s: float | None = None
    text: str = ""
    latency_s: float | None = None
    heard_text: str | None = None
    heard_ms: int | None = None


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


@dataclass(slots=True)
class ConversationLog:
    """What happened in a session so far. Feed it every event; read its fields at any time."""

    turns: list[LoggedTurn] = field(default_factory=list)
    calls: list[LoggedCall] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    closed_s: float | None = None

    def add(self, event: SessionEvent) -> None:
        """Take one event of a session."""
        match event:
            case TurnStarted():
                turn = self._turn(event.speaker, event.item_id)
                turn.start_s = event.time_s
                turn.latency_s = event.latency_s
            case TurnEnded():
                self._turn(event.speaker, event.item_id).end_s = event.time_s
            case UserTranscript():
                self._turn("user", event.item_id).text = event.text
            case AgentTranscript():
                self._turn("agent", event.item_id).text = event.text
            case Interrupted():
                turn = self._turn("agent", event.item_id)
                turn.heard_text, turn.heard_ms = event.heard_text, event.heard_ms
            case ToolStarted():
                self.calls.append(LoggedCall(event.call_id, event.name, event.arguments, event.time_s))
            case ToolFinished():
                self._finish_call(event)
            case ErrorRaised():
                self.errors.append(event.error.message)
            case Closed():
                self.closed_s = event.time_s

    def _turn(self, speaker: Speaker, item_id: str) -> LoggedTurn:
        for turn in reversed(self.turns):
            if turn.item_id == item_id and turn.speaker == speaker:
                return turn
        turn = LoggedTurn(speaker, item_id)
        self.turns.append(turn)
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
        return asdict(self)
