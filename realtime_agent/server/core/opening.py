"""A voice-agent session that its first `session.update` may make a transcription session.

| state                       | session.update of type `transcription`       | anything else        |
|-----------------------------|----------------------------------------------|----------------------|
| nothing happened yet        | → transcription, which obeys the update      | → the voice agent's  |
| something was said or asked | error: the type of a session is fixed by now | the voice agent's    |
| transcription               | the transcription session's                  | likewise             |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import SessionUpdate, SessionUpdated, TranscriptionSessionConfig, decode_client
from realtime_agent.server.core.actions import Action, Emit, EngineOutput
from realtime_agent.server.core.errors import refusal
from realtime_agent.server.core.session import ServerSession
from realtime_agent.server.core.transcription.session import TranscriptionSession


class OpenSession:
    """Either of the two. Implements `SessionCore`."""

    decode = staticmethod(decode_client)

    def __init__(self, agent: ServerSession, make_transcription: Callable[[], TranscriptionSession]) -> None:
        """`make_transcription`: makes what takes the agent's place; called once at most."""
        self._agent: ServerSession | None = agent
        self._make_transcription = make_transcription
        self._session: ServerSession | TranscriptionSession = agent

        self._news: list[Action] = []  # of what may take the agent's place

    def start(self, now: float) -> None:
        self._session.start(now)

    def receive(self, event: Any, now: float) -> None:
        """Obey a client's event, or refuse it with an `error` event."""
        agent = self._agent
        if agent is not None and _asks_for_transcription(event):
            if agent.untouched:
                self._become_transcription(agent, event, now)
            else:
                problem = "The type of a session cannot change once it has begun; open another one."
                self.refuse(refusal(problem, param="session.type"), event.event_id)
            return
        self._session.receive(event, now)

    def refuse(self, error: RemoteProtocolError, client_event_id: str | None = None) -> None:
        self._session.refuse(error, client_event_id)

    def answer(self, output: EngineOutput, now: float) -> None:
        self._session.answer(output, now)

    def actions(self) -> list[Action]:
        news, self._news = self._news, []
        return news + self._session.actions()

    def next_timer(self) -> float | None:
        return self._session.next_timer()

    def handle_timer(self, now: float) -> None:
        self._session.handle_timer(now)

    def close(self) -> None:
        self._session.close()

    def _become_transcription(self, agent: ServerSession, update: SessionUpdate, now: float) -> None:
        transcription = self._make_transcription()
        transcription.receive(update, now)
        self._news += transcription.actions()
        if any(isinstance(action, Emit) and isinstance(action.event, SessionUpdated) for action in self._news):
            agent.close()
            self._agent, self._session = None, transcription


def _asks_for_transcription(event: object) -> TypeGuard[SessionUpdate]:
    return isinstance(event, SessionUpdate) and isinstance(event.session, TranscriptionSessionConfig)
