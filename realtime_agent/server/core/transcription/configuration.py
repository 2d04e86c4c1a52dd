"""The configuration of a transcription session: like the input of a voice-agent session, and nothing else.

A session that writes down cannot be told not to: `transcription: null` is refused. It answers nothing, so what would
make it answer (`create_response`, `interrupt_response`, `idle_timeout_ms`) is refused where it is switched on, and
whatever belongs to an answer is named as what it is, instead of as an unknown parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import TranscriptionSessionConfig
from realtime_agent.server.core.configuration import (
    SEMANTIC_VAD_DEFAULTS,
    SERVER_VAD_DEFAULTS,
    TRANSCRIPTION_DEFAULTS,
    merge_side,
    refuse_unheard,
    refuse_unknown,
)
from realtime_agent.server.core.errors import refusal
from realtime_agent.server.core.readers import read_format, read_noise_reduction, read_transcription, read_turns
from realtime_agent.server.core.settings import Capabilities, Settings

_ANSWERING = ("create_response", "interrupt_response", "idle_timeout_ms")
_OF_ANSWERS = (
    "instructions", "max_output_tokens", "model", "output_modalities", "parallel_tool_calls", "prompt", "reasoning",
    "speed", "tool_choice", "tools", "tracing", "truncation", "voice",
)  # fmt: skip
_FIXED = ("id", "object", "expires_at")
_TURN_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    kind: {name: value for name, value in defaults.items() if name not in _ANSWERING}
    for kind, defaults in (("server_vad", SERVER_VAD_DEFAULTS), ("semantic_vad", SEMANTIC_VAD_DEFAULTS))
}
_SILENT: Mapping[str, Any] = {"create_response": False, "interrupt_response": False, "idle_timeout_ms": None}


class TranscriptionConfiguration:
    """One transcription session's configuration. An update is obeyed whole or refused whole."""

    def __init__(
        self, *, session_id: str, model: str, expires_at: int, capabilities: Capabilities | None = None
    ) -> None:
        """`model`: what the session calls its ear."""
        self._capabilities = capabilities or Capabilities()
        self._defaults: dict[str, Any] = {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": {**TRANSCRIPTION_DEFAULTS, "model": model},
            "noise_reduction": None,
            "turn_detection": dict(_TURN_DEFAULTS["server_vad"]),
        }
        self._payload: dict[str, Any] = {
            "type": "transcription",
            "object": "realtime.transcription_session",
            "id": session_id,
            "expires_at": expires_at,
            "audio": {"input": deepcopy(self._defaults)},
            "include": None,
        }
        self._settings = self.read(self._payload)

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def payload(self) -> dict[str, Any]:
        """The whole configuration as `session.created` and `session.updated` carry it."""
        return deepcopy(self._payload)

    def check(self, update: BaseModel) -> dict[str, Any]:
        """The configuration as it would be after this update, for `read` and `adopt`.

        Raises:
            RemoteProtocolError: the update cannot be obeyed.
        """
        if not isinstance(update, TranscriptionSessionConfig):
            raise refusal(
                "Passing a realtime session update event to a transcription session is not allowed.",
                param="session.type",
            )
        _refuse_answering(update)
        refuse_unknown(update, "session")
        change = update.model_dump(exclude_unset=True)
        for name in _FIXED:
            if change.get(name) not in (None, self._payload[name]):
                raise refusal(f"'session.{name}' cannot be changed.", param=f"session.{name}")
        payload = self.payload
        if "include" in change:
            payload["include"] = change["include"]
        if "audio" in change:
            self._merge_input(payload["audio"], change["audio"])
        self.read(payload)
        return payload

    def adopt(self, payload: dict[str, Any]) -> None:
        """Make what `check` gave the configuration."""
        self._settings = self.read(payload)
        self._payload = payload

    def read(self, payload: Mapping[str, Any]) -> Settings:
        """The settings that a whole configuration means.

        Raises:
            RemoteProtocolError: the engine cannot do something in it.
        """
        refuse_unheard(payload, "session")
        sound, at = payload["audio"]["input"], "session.audio.input"
        if sound["transcription"] is None:
            raise refusal("A transcription session always transcribes.", param=f"{at}.transcription")
        turns = sound["turn_detection"]
        return Settings(
            input_format=read_format(sound["format"], f"{at}.format"),
            noise=read_noise_reduction(sound["noise_reduction"], f"{at}.noise_reduction"),
            turns=None if turns is None else read_turns({**turns, **_SILENT}, f"{at}.turn_detection"),
            transcription=read_transcription(sound["transcription"], self._capabilities, f"{at}.transcription"),
        )

    def _merge_input(self, audio: dict[str, Any], change: Mapping[str, Any] | None) -> None:
        if change is None or ("input" in change and change["input"] is None):
            audio["input"] = deepcopy(self._defaults)
            return
        wanted = dict(change.get("input", {}))
        turns = wanted.get("turn_detection")
        if turns is not None:
            wanted["turn_detection"] = {name: value for name, value in turns.items() if name not in _ANSWERING}
        merge_side(audio["input"], wanted, self._defaults, _TURN_DEFAULTS)


def _refuse_answering(update: TranscriptionSessionConfig) -> None:
    """Name what belongs to a session that answers."""
    for name in _OF_ANSWERS:
        if name in (update.model_extra or {}):
            raise _no_answer(f"session.{name}")
    audio = update.audio
    if audio is None:
        return
    if "output" in (audio.model_extra or {}):
        raise _no_answer("session.audio.output")
    turns = audio.input.turn_detection if audio.input is not None else None
    for name in _ANSWERING:
        if getattr(turns, name, None):
            raise _no_answer(f"session.audio.input.turn_detection.{name}")


def _no_answer(param: str) -> RemoteProtocolError:
    name = param.removeprefix("session.")
    return refusal(
        f"'{name}' does not belong to a transcription session, which answers nothing.",
        code="unsupported_value",
        param=param,
    )
