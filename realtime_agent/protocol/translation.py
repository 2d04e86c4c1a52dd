"""The translation session: its own few events, without turns, items or responses.

Audio goes in continuously and comes out translated, with both transcripts, all of it append-only. Its `session.update`,
`session.created`, `session.updated` are named as the voice-agent's but mean other configurations, so it has a codec of
its own; `encode` writes its events as any other.
"""

from typing import Annotated, Any, ClassVar, cast, get_args

import pybase64
from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

from realtime_agent.protocol.base import FROM_CLIENT, FROM_SERVER, ClientEventBase, Event, Int, Model, ServerEventBase
from realtime_agent.protocol.codec import UnknownEvent
from realtime_agent.protocol.config import NoiseReduction
from realtime_agent.protocol.limits import DEFAULT_LIMITS, Limits
from realtime_agent.protocol.parsing import Data, as_bytes, check_depth, parse_object, type_of, validated
from realtime_agent.protocol.server_events import ErrorEvent


def _audio_bytes(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return pybase64.b64decode(value, validate=True)
        except ValueError:
            raise PydanticCustomError("base64", "not valid base64") from None
    return value


def _audio_text(value: bytes) -> str:
    return pybase64.b64encode_as_string(value)


Audio = Annotated[bytes, BeforeValidator(_audio_bytes), PlainSerializer(_audio_text, return_type=str)]


class TranslationTranscription(Model):
    """Which model writes down what the speaker says."""

    model: str


class TranslationInputConfig(Model):
    """The speaker's audio: 24 kHz PCM, always. `transcription: null` switches the source transcript off."""

    noise_reduction: NoiseReduction | None = None
    transcription: TranslationTranscription | None = None


class TranslationOutputConfig(Model):
    """The language to translate into."""

    language: str | None = None


class TranslationAudioConfig(Model):
    """Audio both ways."""

    input: TranslationInputConfig | None = None
    output: TranslationOutputConfig | None = None


class TranslationSessionConfig(Model):
    """A translation session. A client sets `audio` only; the rest is the server's to say."""

    type: str | None = None
    id: str | None = None
    model: str | None = None
    expires_at: Int | None = None
    audio: TranslationAudioConfig | None = None


class TranslationSessionUpdate(ClientEventBase):
    """Change the session's configuration."""

    type: ClassVar[str] = "session.update"

    session: TranslationSessionConfig


class TranslationInputAudioAppend(ClientEventBase):
    """More of the speaker's audio, as raw bytes; silence too."""

    type: ClassVar[str] = "session.input_audio_buffer.append"

    audio: Audio


class TranslationSessionClose(ClientEventBase):
    """No more audio: translate what is left and end."""

    type: ClassVar[str] = "session.close"


class TranslationSessionCreated(ServerEventBase):
    """The first event of a connection."""

    type: ClassVar[str] = "session.created"

    session: TranslationSessionConfig


class TranslationSessionUpdated(ServerEventBase):
    """The configuration after a change."""

    type: ClassVar[str] = "session.updated"

    session: TranslationSessionConfig


class TranslationSessionClosed(ServerEventBase):
    """The session is over; nothing follows."""

    type: ClassVar[str] = "session.closed"


class TranslationInputTranscriptDelta(ServerEventBase):
    """More of what the speaker said."""

    type: ClassVar[str] = "session.input_transcript.delta"

    delta: str
    elapsed_ms: Int | None = None


class TranslationOutputTranscriptDelta(ServerEventBase):
    """More of the translation."""

    type: ClassVar[str] = "session.output_transcript.delta"

    delta: str
    elapsed_ms: Int | None = None


class TranslationOutputAudioDelta(ServerEventBase):
    """More of the spoken translation, as raw bytes."""

    type: ClassVar[str] = "session.output_audio.delta"

    delta: Audio
    format: str | None = None
    sample_rate: Int | None = None
    channels: Int | None = None
    elapsed_ms: Int | None = None


TranslationClientEvent = TranslationSessionUpdate | TranslationInputAudioAppend | TranslationSessionClose
TranslationServerEvent = (
    ErrorEvent
    | TranslationSessionCreated
    | TranslationSessionUpdated
    | TranslationSessionClosed
    | TranslationInputTranscriptDelta
    | TranslationOutputTranscriptDelta
    | TranslationOutputAudioDelta
)

TRANSLATION_CLIENT_EVENTS: dict[str, type[Event]] = {event.type: event for event in get_args(TranslationClientEvent)}
TRANSLATION_SERVER_EVENTS: dict[str, type[Event]] = {event.type: event for event in get_args(TranslationServerEvent)}


def decode_translation_client(data: Data, *, limits: Limits = DEFAULT_LIMITS) -> TranslationClientEvent | UnknownEvent:
    """The client event of a translation session in one message. Raises as `decode_client`."""
    message = parse_object(as_bytes(data), limits)
    check_depth(message, limits)
    kind = type_of(message)
    event = TRANSLATION_CLIENT_EVENTS.get(kind)
    if event is None:
        return UnknownEvent(kind, message)
    return cast(TranslationClientEvent, validated(event, message, FROM_CLIENT))


def decode_translation_server(data: Data, *, limits: Limits = DEFAULT_LIMITS) -> TranslationServerEvent | UnknownEvent:
    """The server event of a translation session in one message. Raises as `decode_server`."""
    message = parse_object(as_bytes(data), limits)
    check_depth(message, limits)
    kind = type_of(message)
    event = TRANSLATION_SERVER_EVENTS.get(kind)
    if event is None:
        return UnknownEvent(kind, message)
    return cast(TranslationServerEvent, validated(event, message, FROM_SERVER))
