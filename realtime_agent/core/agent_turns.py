"""The agent's turns: each response that is heard (or read) begins one and ends it.

Theory. A turn is what the person notices, not what the server does: it begins with the first sample of the response at
the speaker and ends with the last. A response that is written begins with its first text and ends when it is done. The
first turn after a question carries its latency.

| turn of the response | event                                             | next | effect                         |
|----------------------|---------------------------------------------------|------|--------------------------------|
| none                 | first sample heard, or first text                 | open | `TurnStarted`, with latency    |
| open                 | response over, and nothing of it is left to hear  | over | `TurnEnded`                    |
| open                 | interrupted                                       | over | `TurnEnded`                    |
| none                 | interrupted                                       | over |                                |
"""

from __future__ import annotations

from realtime_agent.core.outbox import Outbox
from realtime_agent.core.responses import ResponseRecord
from realtime_agent.events import TurnEnded, TurnStarted


class AgentTurns:
    """Open turns, and how long ago the question ended."""

    __slots__ = ("_open", "_out", "_question_ended_at")

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._open: dict[str, tuple[ResponseRecord, str]] = {}
        self._question_ended_at: float | None = None

    def question_began(self) -> None:
        """The user speaks: an answer that comes now is not measured."""
        self._question_ended_at = None

    def question_ended(self) -> None:
        """The user has finished: latency counts from here."""
        self._question_ended_at = self._out.now

    def begin(self, response: ResponseRecord, item_id: str) -> None:
        """Something of the response reached the person."""
        if response.turn != "none":
            return
        response.turn = "open"
        self._open[response.id] = (response, item_id)
        latency_s = None
        if self._question_ended_at is not None:
            latency_s = self._out.now - self._question_ended_at
            self._question_ended_at = None
        self._out.emit(TurnStarted("agent", item_id, self._out.time_s, latency_s))

    def end(self, response: ResponseRecord) -> None:
        """Nothing more of the response will reach the person."""
        response.turn = "over"
        opened = self._open.pop(response.id, None)
        if opened is not None:
            self._out.emit(TurnEnded("agent", opened[1], self._out.time_s))

    def end_heard(self, unheard: list[str]) -> None:
        """End the turns of responses that are over, but for those of which something is yet to be heard."""
        for response, _ in list(self._open.values()):
            if response.ended and response.id not in unheard:
                self.end(response)

    def end_all(self) -> None:
        """The session is over."""
        for response, _ in list(self._open.values()):
            self.end(response)
