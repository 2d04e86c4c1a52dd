"""Session configuration: what `session.update` asks for and `session.created`/`session.updated` report.

All fields are optional. A field that is present (`model_fields_set`) changes, also where it is null; the others stay.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from realtime_agent.protocol.base import (
    FROM_CLIENT,
    Flag,
    Int,
    Many,
    Model,
    Number,
    UnknownVariant,
    Variant,
    between,
    missing,
    one_of,
    variant,
)
from realtime_agent.protocol.formats import FORMATS, AudioFormat
from realtime_agent.protocol.tools import Tool, ToolChoice


class FormatConfig(Variant):
    """An audio format: `audio/pcm` (with rate 24000), `audio/pcmu` or `audio/pcma`."""

    type: Annotated[str, one_of("audio/pcm", "audio/pcmu", "audio/pcma")] | None = None
    rate: Annotated[Int, between(24_000, 24_000)] | None = None

    @property
    def audio_format(self) -> AudioFormat | None:
        """How to read bytes of it; None where we do not know it."""
        return FORMATS.get(self.type or "audio/pcm")


class NoiseReduction(Variant):
    """Cleans the input before turn detection and model."""

    type: Annotated[str, one_of("near_field", "far_field")] | None = None
    strength: Number | None = None


class TranscriptionConfig(Model):
    """How the user's speech is written down, beside the model that listens to it."""

    model: str | None = None
    language: str | None = None
    languages: Many[str] | None = None
    prompt: str | None = None
    keywords: Many[str] | None = None
    delay: Annotated[str, one_of("minimal", "low", "medium", "high", "xhigh")] | None = None


class ServerVad(Variant):
    """Turns end after so much silence. The server's defaults: .5, 300 ms, 500 ms, no idle timeout, true, true."""

    type: Literal["server_vad"] = "server_vad"
    threshold: Annotated[Number, between(0, 1)] | None = None
    prefix_padding_ms: Annotated[Int, between(0, 600_000)] | None = None
    silence_duration_ms: Annotated[Int, between(0, 600_000)] | None = None
    idle_timeout_ms: Annotated[Int, between(0, 600_000)] | None = None
    create_response: Flag | None = None
    interrupt_response: Flag | None = None


class SemanticVad(Variant):
    """Turns end where the speech sounds complete."""

    type: Literal["semantic_vad"] = "semantic_vad"
    eagerness: Annotated[str, one_of("low", "medium", "high", "auto")] | None = None
    create_response: Flag | None = None
    interrupt_response: Flag | None = None


TurnDetection = Annotated[
    Annotated[ServerVad, Tag("<server_vad>")]
    | Annotated[SemanticVad, Tag("<semantic_vad>")]
    | Annotated[UnknownVariant, Tag("<unknown>")],
    Discriminator(variant("server_vad", "semantic_vad")),
]


class AudioInputConfig(Model):
    """The user's audio. `turn_detection: null` leaves turns to the client."""

    format: FormatConfig | None = None
    noise_reduction: NoiseReduction | None = None
    transcription: TranscriptionConfig | None = None
    turn_detection: TurnDetection | None = None


class CustomVoice(Model):
    """A voice of one's own."""

    id: str


class AudioOutputConfig(Model):
    """The model's audio. The voice cannot change after the first audio, the speed only between turns."""

    format: FormatConfig | None = None
    voice: str | CustomVoice | None = None
    speed: Annotated[Number, between(0.25, 1.5)] | None = None


class AudioConfig(Model):
    """Audio both ways."""

    input: AudioInputConfig | None = None
    output: AudioOutputConfig | None = None


class PromptConfig(Model):
    """A prompt object stored at OpenAI."""

    id: str
    version: str | None = None
    variables: dict[str, Any] | None = None


class ReasoningConfig(Model):
    """How hard a reasoning model thinks."""

    effort: Annotated[str, one_of("minimal", "low", "medium", "high", "xhigh")] | None = None


class TracingConfig(Model):
    """Names for OpenAI's trace of the session."""

    workflow_name: str | None = None
    group_id: str | None = None
    metadata: Any = None


class TokenLimits(Model):
    """Limits of a retention-ratio truncation."""

    post_instructions: Int | None = None


class RetentionRatioTruncation(Variant):
    """When the context is full, keep this part of it."""

    type: Literal["retention_ratio"] = "retention_ratio"
    retention_ratio: Annotated[Number, between(0, 1)]
    token_limits: TokenLimits | None = None


OutputModality = Annotated[str, one_of("audio", "text")]
MaxOutputTokens = Annotated[Int, between(1, 4096)] | Literal["inf"]


class SessionConfig(Variant):
    """A voice-agent session. `id`, `object` and `expires_at` are the server's."""

    type: Annotated[str, one_of("realtime")] = "realtime"
    id: str | None = None
    object: str | None = None
    expires_at: Int | None = None
    model: str | None = None
    output_modalities: Many[OutputModality] | None = None
    instructions: str | None = None
    audio: AudioConfig | None = None
    tools: Many[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Flag | None = None
    max_output_tokens: MaxOutputTokens | None = None
    reasoning: ReasoningConfig | None = None
    truncation: Annotated[str, one_of("auto", "disabled")] | RetentionRatioTruncation | None = None
    tracing: Annotated[str, one_of("auto")] | TracingConfig | None = None
    prompt: PromptConfig | None = None
    include: Many[str] | None = None

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        if context is FROM_CLIENT and "type" not in self.model_fields_set:
            raise missing("type")


class TranscriptionAudioConfig(Model):
    """Audio of a transcription session: input only."""

    input: AudioInputConfig | None = None


class TranscriptionSessionConfig(Variant):
    """A session that only writes down."""

    type: Literal["transcription"] = "transcription"
    id: str | None = None
    object: str | None = None
    expires_at: Int | None = None
    audio: TranscriptionAudioConfig | None = None
    include: Many[str] | None = None


def _session_kind(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "<transcription>" if kind == "transcription" else "<realtime>"


AnySessionConfig = Annotated[
    Annotated[SessionConfig, Tag("<realtime>")] | Annotated[TranscriptionSessionConfig, Tag("<transcription>")],
    Discriminator(_session_kind),
]
