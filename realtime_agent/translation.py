"""TranslationSession: what somebody says, said in another language while they say it."""

from __future__ import annotations

from pathlib import Path

from realtime_agent.core.translation import TranslationCore, TranslationPlan
from realtime_agent.dial import model_from, user_from
from realtime_agent.errors import ConfigError
from realtime_agent.events import TranslationEvent
from realtime_agent.protocol.formats import PCM
from realtime_agent.protocol.translation import decode_translation_server
from realtime_agent.stream_session import StreamSession
from realtime_agent.transports.model.address import DEFAULT_MODELS
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.user.base import UserTransport


class TranslationSession(StreamSession[TranslationEvent]):
    """Interprets for one person.

        async with TranslationSession("es", model="embedded", user="desktop") as session:
            async for event in session:
                print(event)

    The translation is heard at the user's speaker. The events are `SourceText` and `TranslatedText` (pieces of two
    running texts), `ErrorRaised`, and at last `Closed`. When the person leaves (a sound file ends), what is left is
    translated and heard first.

    Args:
        language: to translate into, an ISO 639-1 code. The server refuses one that it has not, and says which it has.
        model: "embedded", the address of a Realtime server, "openai", the name of a translation model there, or a
            `Model`.
        user: "desktop", a `UserTransport` of 24 kHz PCM, or the path of a WAV file.
        transcribe: the model that writes down the speaker's own words; None for no `SourceText`.

    Raises (on entering): as `Session`; `ServerError` for a language that is not to be had.
    """

    def __init__(
        self,
        language: str,
        *,
        model: str | Model = "embedded",
        user: str | Path | UserTransport = "desktop",
        transcribe: str | None = DEFAULT_MODELS["transcription"],
    ) -> None:
        if not language.strip():
            raise ConfigError("Give the language to translate into, such as 'es'.")
        person = user_from(user)
        if person is None:
            raise ConfigError("Somebody must speak: give a user.")
        if person.format != PCM:
            raise ConfigError(f"Translation is 24 kHz PCM both ways; this person's side is {person.format.name}.")
        plan = TranslationPlan(language=language.strip(), transcribe=transcribe)
        super().__init__(TranslationCore(plan), decode_translation_server, model_from(model, "translation"), person)
