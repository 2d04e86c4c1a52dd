"""Parts that know whom they work for, and so can be fair. Optional: any ear and any voice will do.

An ear with `for_session` is asked through what that returns, one for each session; a voice with `for_response`
likewise, one for each response.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from realtime_agent.audio.resample import resample
from realtime_agent.engine.parts import SpeechToText, TextToSpeech, Transcript


class SessionEar(Protocol):
    """An ear as one session has it. It is asked for one text at a time."""

    @property
    def waits(self) -> bool:
        """Whether the text asked for has not been begun: another wish could still take its place."""

    async def transcribe(
        self,
        pcm: bytes,
        *,
        rate_hz: int,
        utterance: str,
        urgent: bool,
        language: str | None = None,
        prompt: str | None = None,
    ) -> Transcript:
        """The text of an utterance, whole or so far.

        Args:
            pcm: 16-bit mono PCM.
            rate_hz: its sample rate; any.
            utterance: the same for the same utterance as it grows.
            urgent: whether somebody waits for it in silence.
            language, prompt: as `SpeechToText` has them.

        Raises:
            EngineError: the ear failed, or has too much to do ("overloaded").
        """


@runtime_checkable
class SharedEar(Protocol):
    """An ear that is fair between sessions."""

    def for_session(self) -> SessionEar: ...


@runtime_checkable
class SharedVoice(Protocol):
    """A voice that is fair between responses."""

    def for_response(self) -> TextToSpeech: ...


class PlainEar:
    """Any other ear, as one session has it."""

    waits = False

    def __init__(self, ear: SpeechToText) -> None:
        self._ear = ear

    async def transcribe(
        self,
        pcm: bytes,
        *,
        rate_hz: int,
        utterance: str,
        urgent: bool,
        language: str | None = None,
        prompt: str | None = None,
    ) -> Transcript:
        if rate_hz != self._ear.rate_hz:
            pcm = resample(pcm, rate_hz, self._ear.rate_hz)
        return await self._ear.transcribe(pcm, language=language, prompt=prompt)


def ear_for_session(ear: SpeechToText) -> SessionEar:
    """The ear as a new session has it."""
    return ear.for_session() if isinstance(ear, SharedEar) else PlainEar(ear)


def voice_for_response(voice: TextToSpeech) -> TextToSpeech:
    """The voice as a new response has it."""
    return voice.for_response() if isinstance(voice, SharedVoice) else voice
