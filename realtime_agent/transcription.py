"""TranscriptionSession: what somebody says, in writing, while they say it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from realtime_agent.core import inputs
from realtime_agent.core.transcription import TranscriptionCore, TranscriptionPlan, Turns
from realtime_agent.dial import model_from, user_from
from realtime_agent.errors import ConfigError
from realtime_agent.events import TranscriptionEvent
from realtime_agent.protocol import decode_server
from realtime_agent.stream_session import StreamSession
from realtime_agent.transports.model.address import DEFAULT_MODELS, is_model_name, model_at_openai
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.user.base import UserTransport

DELAYS = ("minimal", "low", "medium", "high", "xhigh")


class TranscriptionSession(StreamSession[TranscriptionEvent]):
    """Writes down what one person says.

        async with TranscriptionSession(model="embedded", user="desktop") as session:
            async for event in session:
                print(event)

    The events are `UserTranscript` (what an item says so far, then what it says: `final`), in the order in which things
    were said, `ErrorRaised`, and at last `Closed`. When the person leaves (a sound file ends), what is left is written
    down first.

    Args:
        model: "embedded", the address of a Realtime server, "openai", the name of a transcription model there, or a
            `Model`.
        user: "desktop", a `UserTransport`, or the path of a WAV file, heard `speed` times faster than it was said.
        language: what is spoken, an ISO 639-1 code.
        prompt: words to expect, where the model takes such a hint.
        delay: "minimal" to "xhigh": how long text waits before it is shown, and so how seldom it turns out wrong.
        turns: "server", which writes down what lies between two silences; "manual": call `commit()`.
        transcribe: the transcription model's name, where `model` does not say it.
        speed: of a WAV file.

    Raises (on entering): as `Session`.
    """

    def __init__(
        self,
        *,
        model: str | Model = "embedded",
        user: str | Path | UserTransport = "desktop",
        language: str | None = None,
        prompt: str | None = None,
        delay: str | None = None,
        turns: Turns = "server",
        transcribe: str | None = None,
        speed: int = 1,
    ) -> None:
        if delay is not None and delay not in DELAYS:
            raise ConfigError(f"delay is one of {', '.join(DELAYS)}, not {delay!r}.")
        if turns not in get_args(Turns):
            raise ConfigError(f'turns is "server" or "manual", not {turns!r}.')
        person = user_from(user, speed=speed)
        if person is None:
            raise ConfigError("Somebody must speak: give a user.")
        plan = TranscriptionPlan(
            model=transcribe or _model_in_session(model),
            language=language,
            prompt=prompt,
            delay=delay,
            turns=turns,
            audio_format=person.format,
        )
        super().__init__(TranscriptionCore(plan), decode_server, model_from(model, "transcription"), person)

    def commit(self) -> None:
        """End an item (`turns="manual"`): what was heard since the last one is written down."""
        self._tell(inputs.Commit())

    def clear_input(self) -> None:
        """Forget what was heard and is not an item yet."""
        self._tell(inputs.ClearInput())


def _model_in_session(model: str | Model) -> str:
    """At OpenAI the model's name goes into the session's configuration; other servers map it to what they have."""
    if isinstance(model, str) and is_model_name(model):
        return model_at_openai(model, "transcription")
    return DEFAULT_MODELS["transcription"]
