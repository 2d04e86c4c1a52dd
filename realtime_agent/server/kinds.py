"""The kinds of session that a server can hold, and how each is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from realtime_agent.engine.engine import Engine
from realtime_agent.protocol import ErrorEvent, SessionUpdate, SessionUpdated
from realtime_agent.protocol.translation import TranslationSessionUpdate, TranslationSessionUpdated
from realtime_agent.server.core.actions import Emit
from realtime_agent.server.core.session_core import SessionCore
from realtime_agent.server.core.vad_turns import MakeDetector
from realtime_agent.server.shell.runner import make_session, make_transcription_session, make_translation_session
from realtime_agent.server.web.http_errors import Refusal, bad_request, not_served

Kind = Literal["realtime", "transcription", "translation"]
SessionMaker = Callable[[Engine, str], SessionCore]

MODEL_ID = "realtime-agent"  # what a session calls its model where the client names none

_NAMES: Mapping[Kind, str] = {
    "realtime": "A voice-agent session",
    "transcription": "A transcription session",
    "translation": "A translation session",
}


def default_makers(make_detector: MakeDetector | None = None) -> dict[Kind, SessionMaker]:
    """What this release can hold."""
    return {
        "realtime": lambda engine, model: make_session(engine, model=model, make_detector=make_detector),
        "translation": lambda engine, model: make_translation_session(engine, model=model, make_detector=make_detector),
        "transcription": lambda engine, _: make_transcription_session(engine, make_detector=make_detector),
    }


class Sessions:
    """Makes sessions of every kind there is, on one engine."""

    def __init__(self, engine: Engine, makers: Mapping[Kind, SessionMaker]) -> None:
        self._engine = engine
        self._makers = makers

    def check(self, kind: Kind) -> Refusal | None:
        """Why there are no sessions of this kind here."""
        return None if kind in self._makers else not_served(_NAMES[kind])

    def make(self, kind: Kind, model: str, engine: Engine | None = None) -> SessionCore:
        """A session of a kind that `check` has let pass, on the engine or on a view of it."""
        return self._makers[kind](engine or self._engine, model)

    def preview(self, kind: Kind, update: SessionUpdate | TranslationSessionUpdate) -> dict[str, Any] | Refusal:
        """The whole configuration that a session would have after this update, or why it cannot be."""
        if (refused := self.check(kind)) is not None:
            return refused
        session = self.make(kind, getattr(update.session, "model", None) or MODEL_ID)
        session.receive(update, 0.0)
        events: list[object] = [action.event for action in session.actions() if isinstance(action, Emit)]
        session.close()
        for event in events:
            if isinstance(event, SessionUpdated | TranslationSessionUpdated):
                payload: dict[str, Any] = event.session.model_dump(mode="json", exclude_unset=True)
                return payload
            if isinstance(event, ErrorEvent):
                error = event.error
                return bad_request(error.message, code=error.code, param=error.param)
        return bad_request("This session cannot be configured so.", param="session")
