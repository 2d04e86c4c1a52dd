"""The asyncio shell of a session: decodes what comes, performs what the core decides, and decides nothing itself."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from realtime_agent.engine.engine import Engine
from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import ErrorEvent, encode
from realtime_agent.server.core.actions import (
    Action,
    Emit,
    EndSession,
    EngineOutput,
    Interpret,
    JudgeTurnEnd,
    StartResponse,
    StopResponse,
    StopTranscribing,
    Transcribe,
)
from realtime_agent.server.core.opening import OpenSession
from realtime_agent.server.core.responses import ReportLimits
from realtime_agent.server.core.session import ServerSession
from realtime_agent.server.core.session_core import SessionCore
from realtime_agent.server.core.settings import DEFAULT_CONTEXT_TOKENS, Capabilities
from realtime_agent.server.core.transcription.session import TranscriptionSession
from realtime_agent.server.core.translation.languages import translations
from realtime_agent.server.core.translation.session import TranslationSession
from realtime_agent.server.core.vad_turns import MakeDetector, SpeechDetector
from realtime_agent.server.shell.inbox import Inbox
from realtime_agent.server.shell.interpreting import perform_clause
from realtime_agent.server.shell.judging import judge_turn_end
from realtime_agent.server.shell.speaking import perform_response
from realtime_agent.server.shell.transcriber import Transcriber

logger = logging.getLogger("realtime_agent.server")

CLOSE_DEADLINE_S = 5.0
MOST_MODELS = 16  # loaded in advance, 10 MB each
SESSION_S = 60 * 60  # what OpenAI grants a session, and clients are told


class SessionRunner:
    """One session on an engine.

    `send` is given every server event as JSON text in UTF-8, in order; it must not block, and must not call back into
    the runner. Nothing is sent after `close`. `on_end` is called once, after the last event of a session that ends by
    itself.
    """

    open_count: ClassVar[int] = 0  # of all runners in this process

    def __init__(
        self,
        session: SessionCore,
        engine: Engine,
        send: Callable[[bytes], None],
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self._session = session
        self._engine = engine
        self._send = send
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._transcriber = Transcriber(engine.ear, self._answer)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._inbox = Inbox(session.decode, self._obey, self._refuse)
        self._refused = False  # whether the step that is being taken made an `error` event
        self._performing = False
        self._closed = False

    def start(self) -> None:
        """Greet the client with `session.created` and begin to work."""
        SessionRunner.open_count += 1
        self._tasks["ear"] = self._loop.create_task(self._transcriber.run(), name="realtime-agent ear")
        self._guarded(lambda now: self._session.start(now))

    def receive(self, message: bytes | str) -> None:
        """One client event, as it came."""
        if not self._closed:
            self._inbox.put(message)

    async def caught_up(self) -> None:
        """Return when all that was received has been taken in: who can wait before the next message should."""
        await self._inbox.emptied()

    async def close(self) -> None:
        """Stop everything. Idempotent, bounded in time."""
        if not self._closed:
            self._closed = True
            self._inbox.clear()
            if "ear" in self._tasks:  # it was started
                SessionRunner.open_count -= 1
            if self._timer is not None:
                self._timer.cancel()
            self._session.close()
            for task in self._tasks.values():
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=CLOSE_DEADLINE_S)

    def _obey(self, event: Any) -> bool:
        """Whether the session took the event, as far as can be seen now."""
        self._refused = False
        self._guarded(lambda now: self._session.receive(event, now))
        return not self._refused and not self._closed

    def _refuse(self, error: RemoteProtocolError) -> None:
        self._guarded(lambda now: self._session.refuse(error))

    def _answer(self, output: EngineOutput) -> None:
        self._guarded(lambda now: self._session.answer(output, now))

    def _guarded(self, step: Callable[[float], None]) -> None:
        """Let the core take a step and perform what it decides. A fault in it costs this step, not the session."""
        if self._closed:
            return
        try:
            step(self._loop.time())
        except Exception as error:
            logger.exception("the session's core failed")
            self._send(encode(_internal_error(error)))
        if self._performing:
            return  # whoever is performing goes on with what this step added, in order
        self._performing = True
        try:
            while actions := self._session.actions():
                for action in actions:
                    self._perform(action)
        finally:
            self._performing = False
        self._set_timer()

    def _perform(self, action: Action) -> None:
        match action:
            case Emit(event=event):
                self._refused = self._refused or isinstance(event, ErrorEvent)
                self._send(encode(event))
            case Transcribe():
                self._transcriber.ask(action)
            case StopTranscribing(item_id=item_id):
                self._transcriber.stop(item_id)
            case JudgeTurnEnd(item_id=item_id):
                self._begin(f"end of {item_id}", judge_turn_end(self._engine.turn_end, action, self._answer))
            case StartResponse(response_id=response_id):
                self._begin(response_id, perform_response(self._engine, action, self._answer))
            case StopResponse(response_id=response_id):
                running = self._tasks.get(response_id)
                if running is not None:
                    running.cancel()
            case Interpret(clause_id=clause_id):
                self._begin(clause_id, perform_clause(self._engine, action, self._answer))
            case EndSession():
                if self._on_end is not None:
                    self._on_end()

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Have the engine work; `close` stops it."""
        task = self._loop.create_task(work, name=f"realtime-agent {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    def _set_timer(self) -> None:
        due_at = self._session.next_timer()
        if self._timer is not None:
            if self._timer.when() == due_at and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if due_at is not None:
            self._timer = self._loop.call_at(due_at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._guarded(self._session.handle_timer)


def make_session(
    engine: Engine,
    *,
    model: str | None = None,
    make_detector: MakeDetector | None = None,
    report_limits: ReportLimits | None = None,
) -> OpenSession:
    """A voice-agent session fit for this engine, with random ids and the default speech detector.

    While nothing has happened in it, a `session.update` makes it a transcription session.
    """
    agent = ServerSession(
        model=model or engine.name,
        expires_at=_expires_at(),
        new_id=random_id,
        make_detector=make_detector or default_detector,
        capabilities=_capabilities(engine),
        report_limits=report_limits,
    )

    def make_transcription() -> TranscriptionSession:
        return make_transcription_session(engine, make_detector=make_detector, session_id=agent.id)

    return OpenSession(agent, make_transcription)


def make_transcription_session(
    engine: Engine,
    *,
    model: str | None = None,
    make_detector: MakeDetector | None = None,
    session_id: str | None = None,
) -> TranscriptionSession:
    """A session that writes down with this engine's ear."""
    return TranscriptionSession(
        model=model or engine.ear.name,
        expires_at=_expires_at(),
        new_id=random_id,
        make_detector=make_detector or default_detector,
        capabilities=_capabilities(engine),
        session_id=session_id,
    )


def make_translation_session(
    engine: Engine, *, model: str | None = None, make_detector: MakeDetector | None = None
) -> TranslationSession:
    """A session that translates what this engine's ear hears into what its voice speaks. The engine is started."""
    capabilities = _capabilities(engine)
    pairs = engine.translator.pairs if engine.translator is not None else ()
    return TranslationSession(
        model=model or engine.name,
        expires_at=_expires_at(),
        new_id=random_id,
        make_detector=make_detector or default_detector,
        capabilities=capabilities,
        available=translations(capabilities.languages, pairs, capabilities.voices),
    )


def _expires_at() -> int:
    return int(time.time()) + SESSION_S  # noqa: TID251 - a date for people, not a duration


def _capabilities(engine: Engine) -> Capabilities:
    return Capabilities(
        voices=tuple(engine.voice.voices),
        languages=tuple(getattr(engine.ear, "languages", ())),
        reads_prompts=getattr(engine.ear, "reads_prompts", True),
        context_tokens=getattr(engine.brain, "context_tokens", DEFAULT_CONTEXT_TOKENS),
    )


async def load_default_detector(sessions: int | None = None) -> None:
    """Load models for the default detectors, off the event loop: detectors lend them, and load none.

    Args:
        sessions: how many there will be; by default one more than there are. No more than half of them hear speech at
            the same time.
    """
    from realtime_agent.audio.silero import SileroModels

    models = -(-(SessionRunner.open_count + 1 if sessions is None else sessions) // 2)
    await asyncio.to_thread(SileroModels.shared().prepare, min(models, MOST_MODELS))
    await asyncio.to_thread(SileroModels.shared().prepare, 1, 8_000)


def random_id(kind: str) -> str:
    """An id in OpenAI's style: `item_` and 21 random characters."""
    return f"{kind}_{secrets.token_urlsafe(16)[:21].replace('-', 'A').replace('_', 'B')}"


def default_detector(rate_hz: int, threshold: float) -> SpeechDetector:
    """The cascade of detectors, at this threshold."""
    from realtime_agent.audio.vad import CascadeDetector

    return CascadeDetector(rate_hz, threshold=threshold)


def _internal_error(error: Exception) -> ErrorEvent:
    return ErrorEvent.model_validate(
        {
            "event_id": random_id("event"),
            "error": {
                "type": "server_error",
                "code": "internal_error",
                "message": f"The server had an error while processing your request ({type(error).__name__}).",
                "param": None,
                "event_id": None,
            },
        }
    )
