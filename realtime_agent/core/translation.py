"""The core of a translation session, client side: configures it, plays the translation, and lets it finish.

When the person stops, `session.close` has the server translate what is left; after `session.closed` the sound that is
queued is still heard to its end. That the server then hangs up is no fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from realtime_agent.core import inputs
from realtime_agent.core.actions import Play
from realtime_agent.core.stream import StreamCore
from realtime_agent.errors import PeerClosed, RealtimeAgentError
from realtime_agent.events import SourceText, TranslatedText
from realtime_agent.protocol.formats import PCM
from realtime_agent.protocol.translation import (
    TranslationInputAudioAppend,
    TranslationInputTranscriptDelta,
    TranslationOutputAudioDelta,
    TranslationOutputTranscriptDelta,
    TranslationSessionClose,
    TranslationSessionClosed,
    TranslationSessionConfig,
    TranslationSessionUpdate,
)

_MARGIN_S = 2.0  # for a device that is slower than its samples


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationPlan:
    """What is asked of the server.

    language: to translate into.
    transcribe: the model that writes down the speaker's own words; None for none.
    plays: whether there is somebody to hear the translation.
    """

    language: str
    transcribe: str | None
    plays: bool = True

    def wire(self) -> TranslationSessionConfig:
        """The plan as the server reads it."""
        transcription = {"model": self.transcribe} if self.transcribe is not None else None
        return TranslationSessionConfig.model_validate(
            {"audio": {"input": {"transcription": transcription}, "output": {"language": self.language}}}
        )


class TranslationCore(StreamCore):
    """See the module's documentation."""

    def __init__(self, plan: TranslationPlan) -> None:
        super().__init__()
        self._plan = plan
        self._over = False  # the server has said everything
        self._queued_samples = 0
        self._played_samples = 0

    @property
    def audible(self) -> bool:
        """Whether translated speech is still to be heard."""
        return self._played_samples < self._queued_samples

    def append(self, audio: bytes) -> TranslationInputAudioAppend:
        return TranslationInputAudioAppend(audio=audio)

    def _update(self, event_id: str) -> TranslationSessionUpdate:
        return TranslationSessionUpdate(event_id=event_id, session=self._plan.wire())

    def _ask_for_rest(self) -> None:
        self._out.send(TranslationSessionClose())

    @property
    def _drained(self) -> bool:
        return self._over and not self.audible

    def handle_timer(self, now: float) -> None:
        """Time has passed: a device that never says that it ran dry is not waited for."""
        if self._over and self._due is not None and now >= self._due and not self.closed:
            self._out.now = now
            self._close("user left")
        else:
            super().handle_timer(now)

    def _disconnected(self, error: RealtimeAgentError | None) -> None:
        # The server hangs up after `session.closed`: what is queued is still played.
        if not (self._over and isinstance(error, PeerClosed | None)):
            super()._disconnected(error)

    def _take(self, event: Any) -> None:
        match event:
            case TranslationInputTranscriptDelta(delta=delta):
                self._out.emit(SourceText(delta, self.time_s))
            case TranslationOutputTranscriptDelta(delta=delta):
                self._out.emit(TranslatedText(delta, self.time_s))
            case TranslationOutputAudioDelta(delta=audio):
                if self._plan.plays:
                    self._queued_samples = max(self._queued_samples, self._played_samples) + PCM.samples(len(audio))
                    self._out.do(Play(audio))
            case TranslationSessionClosed():
                self._finish()
            case inputs.PlaybackMoved(position=position):
                self._played_samples = position
            case _:
                self._out.count("unused_event")

    def _finish(self) -> None:
        self._over = True
        if self._state != "draining":
            self._close("server left")
            return
        left_s = (self._queued_samples - self._played_samples) / PCM.rate_hz
        self._due = self._out.now + max(0.0, left_s) + _MARGIN_S
