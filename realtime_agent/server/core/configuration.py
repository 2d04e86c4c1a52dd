"""The session's configuration: full defaults, partial updates, and a clear no to what the engine cannot do.

An update is merged into a copy of the configuration as the client sees it, the copy is read into `Settings`, and only
when all of it can be obeyed does it replace what was there. So an update is obeyed whole or refused whole.

What is present changes; what is absent stays. `""` clears instructions, `[]` clears tools and `include`, `null`
clears what can be off (transcription, turn detection, noise reduction, tracing, prompt, include) and puts anything
else back to its default. `turn_detection` of the type already in force is merged field by field, of another type it
begins from the defaults of that type (wire traces of November 2026).

`tracing` asks for nothing that the client would get, and OpenAI's agent SDKs ask for it whenever they connect. So it is
no error, but no trace is kept, and `session.updated` says so: it shows `null`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import ResponseConfig, SessionConfig
from realtime_agent.server.core.errors import refusal, unsupported
from realtime_agent.server.core.readers import (
    read_format,
    read_max_output_tokens,
    read_noise_reduction,
    read_speaks,
    read_tool_choice,
    read_tools,
    read_transcription,
    read_truncation,
    read_turns,
    read_voice,
)
from realtime_agent.server.core.settings import Capabilities, Settings

SERVER_VAD_DEFAULTS: Mapping[str, Any] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD_DEFAULTS: Mapping[str, Any] = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
TURN_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "server_vad": SERVER_VAD_DEFAULTS,
    "semantic_vad": SEMANTIC_VAD_DEFAULTS,
}
NOISE_DEFAULTS: Mapping[str, Any] = {"type": "near_field", "strength": 1.0}
TRANSCRIPTION_DEFAULTS: Mapping[str, Any] = {"model": None, "language": None, "prompt": None}
DEFAULTS: Mapping[str, Any] = {
    "output_modalities": ["audio"],
    "instructions": "",
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "tracing": None,
    "truncation": "auto",
    "prompt": None,
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": dict(SERVER_VAD_DEFAULTS),
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy", "speed": 1.0},
    },
    "include": None,
}
_FIXED = ("type", "object", "id", "model", "expires_at")
_NEVER_SET = (*_FIXED, "tracing")
_OPTIONAL = ("parallel_tool_calls", "reasoning")
_NULLABLE = ("transcription", "noise_reduction", "turn_detection")


class Configuration:
    """One session's configuration."""

    def __init__(
        self, *, session_id: str, model: str, expires_at: int, capabilities: Capabilities | None = None
    ) -> None:
        self._capabilities = capabilities or Capabilities()
        self._payload: dict[str, Any] = {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": model,
            "expires_at": expires_at,
            **deepcopy(dict(DEFAULTS)),
        }
        self._settings = self.read(self._payload)

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def payload(self) -> dict[str, Any]:
        """The whole configuration as `session.created` and `session.updated` carry it."""
        return deepcopy(self._payload)

    def check(self, update: BaseModel, *, has_spoken: bool) -> dict[str, Any]:
        """The configuration as it would be after this update, for `adopt`.

        Args:
            has_spoken: whether the model has made audio already; the voice is fixed from then on.

        Raises:
            RemoteProtocolError: the update cannot be obeyed.
        """
        if not isinstance(update, SessionConfig):
            raise unsupported("A session of this type", "session.type", "This is a session of type 'realtime'.")
        refuse_unknown(update, "session")
        change = update.model_dump(exclude_unset=True)
        self._refuse_fixed(change)
        payload = self.payload
        _merge_session(payload, change)
        settings = self.read(payload)
        if has_spoken and settings.voice != self._settings.voice:
            raise voice_is_fixed("session.audio.output.voice")
        return payload

    def adopt(self, payload: dict[str, Any]) -> None:
        """Make what `check` gave the configuration."""
        self._settings = self.read(payload)
        self._payload = payload

    def for_response(self, overrides: ResponseConfig | None, *, has_spoken: bool) -> Settings:
        """The settings of one response.

        Raises:
            RemoteProtocolError: an override cannot be obeyed.
        """
        if overrides is None:
            return self._settings
        refuse_unknown(overrides, "response")
        change = overrides.model_dump(exclude_unset=True, exclude={"input", "metadata", "conversation"})
        payload = self.payload
        _merge_response(payload, change)
        settings = self.read(payload, at="response")
        if has_spoken and settings.voice != self._settings.voice:
            raise voice_is_fixed("response.audio.output.voice")
        return settings

    def _refuse_fixed(self, change: Mapping[str, Any]) -> None:
        for name in _FIXED:
            if name in change and change[name] is not None and change[name] != self._payload[name]:
                raise refusal(f"'session.{name}' cannot be changed.", code="invalid_value", param=f"session.{name}")

    def read(self, payload: Mapping[str, Any], at: str = "session") -> Settings:
        """The settings that a whole configuration means.

        Raises:
            RemoteProtocolError: the engine cannot do something in it.
        """
        _refuse_unsupported(payload, at)
        sound_in, sound_out = payload["audio"]["input"], payload["audio"]["output"]
        tools = read_tools(payload["tools"], f"{at}.tools")
        return Settings(
            instructions=payload["instructions"],
            speaks=read_speaks(payload["output_modalities"], f"{at}.output_modalities"),
            input_format=read_format(sound_in["format"], f"{at}.audio.input.format"),
            output_format=read_format(sound_out["format"], f"{at}.audio.output.format"),
            voice=read_voice(sound_out["voice"], self._capabilities.voices, f"{at}.audio.output.voice"),
            speed=float(sound_out["speed"]),
            noise=read_noise_reduction(sound_in["noise_reduction"], f"{at}.audio.input.noise_reduction"),
            turns=read_turns(sound_in["turn_detection"], f"{at}.audio.input.turn_detection"),
            transcription=read_transcription(
                sound_in["transcription"], self._capabilities, f"{at}.audio.input.transcription"
            ),
            tools=tools,
            tool_choice=read_tool_choice(payload["tool_choice"], tools, f"{at}.tool_choice"),
            parallel_tool_calls=payload.get("parallel_tool_calls") is not False,
            truncation=read_truncation(payload["truncation"], f"{at}.truncation"),
            max_output_tokens=read_max_output_tokens(payload["max_output_tokens"], f"{at}.max_output_tokens"),
        )


def voice_is_fixed(param: str) -> RemoteProtocolError:
    return refusal(
        "Cannot update a conversation's voice if assistant audio is present.", code="cannot_update_voice", param=param
    )


def refuse_unknown(model: BaseModel, path: str) -> None:
    """Refuse fields that the protocol does not have, at any depth of our own models.

    Raises:
        RemoteProtocolError: naming the first one.
    """
    for name in model.model_extra or {}:
        raise refusal(f"Unknown parameter: '{path}.{name}'.", code="unknown_parameter", param=f"{path}.{name}")
    for name in model.model_fields_set:
        value = getattr(model, name, None)
        if isinstance(value, BaseModel):
            refuse_unknown(value, f"{path}.{name}")


def _merge_session(payload: dict[str, Any], change: Mapping[str, Any]) -> None:
    for name, value in change.items():
        if name in _NEVER_SET:
            continue
        if name == "audio":
            _merge_audio(payload["audio"], value)
        elif value is None and name in DEFAULTS:
            payload[name] = deepcopy(DEFAULTS[name])
        elif value is None and name in _OPTIONAL:
            payload.pop(name, None)
        else:
            payload[name] = value


def _merge_audio(audio: dict[str, Any], change: Mapping[str, Any] | None) -> None:
    for side in ("input", "output"):
        defaults = DEFAULTS["audio"][side]
        if change is None or (side in change and change[side] is None):
            audio[side] = deepcopy(defaults)
        else:
            merge_side(audio[side], change.get(side, {}), defaults)


def merge_side(
    config: dict[str, Any],
    change: Mapping[str, Any],
    defaults: Mapping[str, Any],
    turn_defaults: Mapping[str, Mapping[str, Any]] = TURN_DEFAULTS,
) -> None:
    """Change one side's audio configuration, its input or its output."""
    for name, value in change.items():
        if name == "turn_detection" and value is not None:
            config[name] = _merged_turn_detection(config[name], value, turn_defaults)
        elif name == "transcription" and value is not None:
            config[name] = {**TRANSCRIPTION_DEFAULTS, **(config[name] or {}), **value}
        elif name == "noise_reduction" and value is not None:
            config[name] = {**NOISE_DEFAULTS, **(config[name] or {}), **value}
        elif value is None and name not in _NULLABLE:
            config[name] = deepcopy(defaults[name])
        else:
            config[name] = value


def _merged_turn_detection(
    current: Mapping[str, Any] | None, change: Mapping[str, Any], turn_defaults: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    defaults = turn_defaults["semantic_vad" if change.get("type") == "semantic_vad" else "server_vad"]
    same = current if current is not None and current["type"] == defaults["type"] else {}
    merged = {**defaults, **same, **change}
    return {name: defaults.get(name) if value is None else value for name, value in merged.items()}


def _merge_response(payload: dict[str, Any], change: Mapping[str, Any]) -> None:
    for name, value in change.items():
        if value is None:
            continue  # null overrides nothing
        if name == "audio":
            for key, override in (value.get("output") or {}).items():
                if override is not None:
                    payload["audio"]["output"][key] = override
        else:
            payload[name] = value


def _refuse_unsupported(payload: Mapping[str, Any], at: str) -> None:
    """What the protocol has and this engine has not: no prompt store, no reasoning."""
    if payload["prompt"] is not None:
        raise unsupported("A stored prompt", f"{at}.prompt", "Send its text as instructions.")
    if (payload.get("reasoning") or {}).get("effort") is not None:
        raise unsupported("Reasoning effort", f"{at}.reasoning")
    refuse_unheard(payload, at)


def refuse_unheard(payload: Mapping[str, Any], at: str) -> None:
    """What the protocol has and this engine's ear has not.

    Raises:
        RemoteProtocolError: log probabilities.
    """
    for index, name in enumerate(payload["include"] or ()):
        raise unsupported(f"'{name}'", f"{at}.include[{index}]", "The ear gives words without probabilities.")
