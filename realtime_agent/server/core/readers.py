"""Single fields of the configuration, read into settings or refused. Pure functions; all raise RemoteProtocolError."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from realtime_agent.engine.parts import ToolSpec
from realtime_agent.protocol.formats import FORMATS, AudioFormat
from realtime_agent.server.core.errors import refusal, unsupported
from realtime_agent.server.core.settings import (
    OPENAI_VOICES,
    Capabilities,
    Eagerness,
    Field,
    NoiseSettings,
    TranscriptionSettings,
    TruncationSettings,
    TurnSettings,
)

_EAGERNESS: Mapping[str, Eagerness] = {"low": "low", "medium": "medium", "high": "high", "auto": "medium"}
_FIELDS: Mapping[str, Field] = {"near_field": "near_field", "far_field": "far_field"}
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
MIN_IDLE_TIMEOUT_MS, MAX_IDLE_TIMEOUT_MS = 5_000, 30_000
MAX_SILENCE_MS = 10_000
MAX_NOISE_STRENGTH = 2
MAX_PREFIX_PADDING_MS = 5_000


def read_speaks(modalities: Sequence[str], param: str) -> bool:
    """Whether the answer is to be spoken: `["audio"]`, or else `["text"]`."""
    if list(modalities) not in (["audio"], ["text"]):
        raise refusal(
            f"Invalid modalities: {list(modalities)!r}. Supported combinations are: ['text'] and ['audio'].",
            param=param,
        )
    return list(modalities) == ["audio"]


def read_format(config: Mapping[str, Any], param: str) -> AudioFormat:
    name = config.get("type") or "audio/pcm"
    known = FORMATS.get(name)
    if known is None:
        raise refusal(f"Invalid value: '{name}'. Supported values are: {', '.join(FORMATS)}.", param=f"{param}.type")
    rate_hz = config.get("rate")
    if rate_hz is not None and rate_hz != known.rate_hz:
        raise refusal(f"Invalid value: {rate_hz}. {name} has a rate of {known.rate_hz}.", param=f"{param}.rate")
    return known


def read_voice(voice: Any, own: Sequence[str], param: str) -> str:
    name = voice.get("id") if isinstance(voice, Mapping) else voice
    if name in OPENAI_VOICES or name in own:
        return str(name)
    listed = ", ".join(f"'{known}'" for known in (*OPENAI_VOICES, *own))
    raise refusal(f"Invalid value: '{name}'. Supported values are: {listed}.", param=param)


def read_turns(config: Mapping[str, Any] | None, param: str) -> TurnSettings | None:
    if config is None:
        return None
    if config["type"] == "semantic_vad":
        return TurnSettings(
            create_response=config["create_response"],
            interrupt_response=config["interrupt_response"],
            eagerness=_EAGERNESS[config["eagerness"]],
        )
    if config["type"] != "server_vad":
        raise refusal(
            f"Invalid value: '{config['type']}'. Supported values are: 'server_vad', 'semantic_vad'.",
            param=f"{param}.type",
        )
    _check_range(config["silence_duration_ms"], 0, MAX_SILENCE_MS, f"{param}.silence_duration_ms")
    _check_range(config["prefix_padding_ms"], 0, MAX_PREFIX_PADDING_MS, f"{param}.prefix_padding_ms")
    if config["idle_timeout_ms"] is not None:
        _check_range(config["idle_timeout_ms"], MIN_IDLE_TIMEOUT_MS, MAX_IDLE_TIMEOUT_MS, f"{param}.idle_timeout_ms")
    return TurnSettings(**{name: value for name, value in config.items() if name != "type"})


def _check_range(value: int, low: int, high: int, param: str) -> None:
    if value < low:
        raise refusal(f"Expected a value >= {low}, but got {value}.", code="integer_below_min_value", param=param)
    if value > high:
        raise refusal(f"Expected a value <= {high}, but got {value}.", code="integer_above_max_value", param=param)


def read_noise_reduction(config: Mapping[str, Any] | None, param: str) -> NoiseSettings | None:
    if config is None:
        return None
    field = _FIELDS.get(config["type"])
    if field is None:
        listed = ", ".join(f"'{name}'" for name in _FIELDS)
        raise refusal(f"Invalid value: '{config['type']}'. Supported values are: {listed}.", param=f"{param}.type")
    strength = 1.0 if config["strength"] is None else float(config["strength"])
    if not 0 <= strength <= MAX_NOISE_STRENGTH:
        problem = f"Expected a value from 0 to {MAX_NOISE_STRENGTH}, but got {strength}."
        raise refusal(problem, param=f"{param}.strength")
    return NoiseSettings(field, strength)


def read_transcription(
    config: Mapping[str, Any] | None, capabilities: Capabilities, param: str
) -> TranscriptionSettings | None:
    """Any `model` is taken, and the engine's own ear transcribes: clients always name one of OpenAI's."""
    if config is None:
        return None
    for name in ("languages", "keywords"):
        if config.get(name):
            raise unsupported(f"'{name}' of a transcription", f"{param}.{name}")
    if config.get("prompt") and not capabilities.reads_prompts:
        raise unsupported("'prompt' of a transcription", f"{param}.prompt")
    language, languages = config.get("language") or None, capabilities.languages
    if language is not None and languages and language.lower().split("-")[0] not in languages:
        raise refusal(
            f"Invalid value: '{language}'. The engine hears: {', '.join(languages)}.", param=f"{param}.language"
        )
    return TranscriptionSettings(language, config.get("prompt") or None, config.get("delay"))


def read_tools(tools: Sequence[Mapping[str, Any]], param: str) -> tuple[ToolSpec, ...]:
    specs: dict[str, ToolSpec] = {}
    for index, tool in enumerate(tools):
        at = f"{param}[{index}]"
        if tool.get("type") == "mcp":
            raise unsupported("A tool of type 'mcp'", f"{at}.type", "Use tools of type 'function'.")
        name = tool.get("name")
        if not name:
            raise refusal(
                f"Missing required parameter: '{at}.name'.", code="missing_required_parameter", param=f"{at}.name"
            )
        if not _TOOL_NAME.fullmatch(name):
            raise refusal(f"Invalid '{at}.name': a name has 1 to 128 letters, digits, '_' or '-'.", param=f"{at}.name")
        if name in specs:
            raise refusal(f"Duplicate tool name: '{name}'.", param=f"{at}.name")
        parameters = tool.get("parameters")
        if parameters is not None and not isinstance(parameters, Mapping):
            raise refusal(f"Invalid '{at}.parameters': expected an object.", param=f"{at}.parameters")
        specs[name] = ToolSpec(name, tool.get("description") or "", parameters or {"type": "object", "properties": {}})
    return tuple(specs.values())


def read_tool_choice(choice: Any, tools: Sequence[ToolSpec], param: str) -> str:
    """`auto`, `none`, `required`, or the name of the one function that must be called."""
    if isinstance(choice, str):
        return choice
    if choice.get("type") != "function":
        raise unsupported(f"A tool choice of type '{choice.get('type')}'", f"{param}.type")
    name = str(choice.get("name"))
    if all(tool.name != name for tool in tools):
        raise refusal(f"Tool choice '{name}' not found in 'tools'.", param=f"{param}.name")
    return name


def read_truncation(config: str | Mapping[str, Any], param: str) -> TruncationSettings:
    if config == "auto":
        return TruncationSettings()
    if config == "disabled":
        return TruncationSettings(retention_ratio=None)
    if not isinstance(config, Mapping) or config.get("type") != "retention_ratio":
        kind = config.get("type") if isinstance(config, Mapping) else config
        raise refusal(
            f"Invalid value: '{kind}'. Supported values are: 'auto', 'disabled', 'retention_ratio'.",
            param=f"{param}.type",
        )
    limit = (config.get("token_limits") or {}).get("post_instructions")
    if limit is not None and limit < 0:
        at = f"{param}.token_limits.post_instructions"
        raise refusal(f"Expected a value >= 0, but got {limit}.", code="integer_below_min_value", param=at)
    return TruncationSettings(float(config["retention_ratio"]), limit)


def read_max_output_tokens(value: int | str, param: str) -> int | None:
    if value == "inf":
        return None
    if isinstance(value, int) and 1 <= value <= 4096:
        return value
    raise refusal(f"Invalid value: {value!r}. Expected 1 to 4096, or 'inf'.", param=param)


def check_metadata(metadata: Mapping[str, str] | None) -> dict[str, str] | None:
    """OpenAI's limits: 16 pairs, keys of 64 and values of 512 characters."""
    if metadata is None:
        return None
    if len(metadata) > 16 or any(len(key) > 64 or len(value) > 512 for key, value in metadata.items()):
        raise refusal(
            "Invalid 'response.metadata': at most 16 pairs, keys of 64 and values of 512 characters.",
            param="response.metadata",
        )
    return dict(metadata)
