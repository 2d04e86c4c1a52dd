"""Responses: what `response.create` may override, and what the server reports of one."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from realtime_agent.protocol.base import Flag, Int, Many, Model, is_lenient, one_of
from realtime_agent.protocol.config import (
    CustomVoice,
    FormatConfig,
    MaxOutputTokens,
    OutputModality,
    PromptConfig,
    ReasoningConfig,
)
from realtime_agent.protocol.items import InputItem, Item
from realtime_agent.protocol.tools import Tool, ToolChoice

_MAX_METADATA_PAIRS = 16
_MAX_METADATA_KEY = 64
_MAX_METADATA_VALUE = 512


def _check_metadata(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, dict) and not is_lenient(info):
        if len(value) > _MAX_METADATA_PAIRS:
            raise PydanticCustomError("metadata", "at most 16 pairs")
        for key, text in value.items():
            if len(key) > _MAX_METADATA_KEY or (isinstance(text, str) and len(text) > _MAX_METADATA_VALUE):
                raise PydanticCustomError("metadata", "keys of at most 64 characters, values of at most 512")
    return value


Metadata = Annotated[dict[str, str], BeforeValidator(_check_metadata)]


class ResponseAudioOutput(Model):
    """Format and voice of one response."""

    format: FormatConfig | None = None
    voice: str | CustomVoice | None = None


class ResponseAudio(Model):
    """The audio part of one response."""

    output: ResponseAudioOutput | None = None


class ResponseConfig(Model):
    """Overrides of the session's configuration for one response.

    `conversation: "none"` makes it out-of-band; `input`, where present, replaces the conversation as context, also if
    empty.
    """

    conversation: str | None = None
    input: Many[InputItem] | None = None
    instructions: str | None = None
    output_modalities: Many[OutputModality] | None = None
    audio: ResponseAudio | None = None
    tools: Many[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Flag | None = None
    max_output_tokens: MaxOutputTokens | None = None
    reasoning: ReasoningConfig | None = None
    prompt: PromptConfig | None = None
    metadata: Metadata | None = None


class ResponseError(Model):
    """Why a response failed."""

    type: str | None = None
    code: str | None = None
    message: str | None = None


class ResponseStatusDetails(Model):
    """Why a response did not complete."""

    type: Annotated[str, one_of("completed", "cancelled", "incomplete", "failed")] | None = None
    reason: (
        Annotated[str, one_of("turn_detected", "client_cancelled", "max_output_tokens", "content_filter")] | None
    ) = None
    error: ResponseError | None = None


class CachedTokenDetails(Model):
    """Cached input tokens, by modality."""

    text_tokens: Int | None = None
    audio_tokens: Int | None = None
    image_tokens: Int | None = None


class InputTokenDetails(Model):
    """Input tokens, by modality."""

    text_tokens: Int | None = None
    audio_tokens: Int | None = None
    image_tokens: Int | None = None
    cached_tokens: Int | None = None
    cached_tokens_details: CachedTokenDetails | None = None


class OutputTokenDetails(Model):
    """Output tokens, by modality."""

    text_tokens: Int | None = None
    audio_tokens: Int | None = None


class Usage(Model):
    """What a response cost."""

    total_tokens: Int | None = None
    input_tokens: Int | None = None
    output_tokens: Int | None = None
    input_token_details: InputTokenDetails | None = None
    output_token_details: OutputTokenDetails | None = None


class Response(Model):
    """One response of the model. `conversation_id` is null where it is out-of-band."""

    id: str | None = None
    object: str | None = None
    status: Annotated[str, one_of("in_progress", "completed", "cancelled", "failed", "incomplete")] | None = None
    status_details: ResponseStatusDetails | str | None = None  # a bare string from xAI
    output: Many[Item] | None = None
    conversation_id: str | None = None
    output_modalities: Many[OutputModality] | None = None
    max_output_tokens: MaxOutputTokens | None = None
    audio: ResponseAudio | None = None
    usage: Usage | None = None
    metadata: Metadata | None = None
