"""The configuration of a translation session: the language to speak, and whether the speaker's own words are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from realtime_agent.engine.translation.languages import short_code
from realtime_agent.protocol.translation import TranslationSessionConfig
from realtime_agent.server.core.configuration import NOISE_DEFAULTS, refuse_unknown
from realtime_agent.server.core.errors import refusal
from realtime_agent.server.core.readers import read_noise_reduction
from realtime_agent.server.core.translation.languages import Translation

_FIXED = ("type", "id", "model", "expires_at")


class TranslationConfiguration:
    """One translation session's configuration. An update is obeyed whole or refused whole.

    It begins with the first language there is.
    """

    def __init__(self, *, session_id: str, model: str, expires_at: int, available: Mapping[str, Translation]) -> None:
        self._available = available
        self._payload: dict[str, Any] = {
            "type": "translation",
            "id": session_id,
            "model": model,
            "expires_at": expires_at,
            "audio": {
                "input": {"transcription": None, "noise_reduction": None},
                "output": {"language": next(iter(available), None)},
            },
        }

    @property
    def payload(self) -> dict[str, Any]:
        """The whole configuration as `session.created` and `session.updated` carry it."""
        return deepcopy(self._payload)

    @property
    def translation(self) -> Translation | None:
        """What is to be done; None where nothing is installed."""
        language = self._payload["audio"]["output"]["language"]
        return self._available.get(short_code(language)) if language is not None else None

    @property
    def shows_source(self) -> bool:
        """Whether the client wants to read what the speaker says."""
        return self._payload["audio"]["input"]["transcription"] is not None

    @property
    def noise_reduction(self) -> dict[str, Any] | None:
        """How the speaker's audio is cleaned, as the protocol has it."""
        noise: dict[str, Any] | None = self._payload["audio"]["input"]["noise_reduction"]
        return noise

    def update(self, update: TranslationSessionConfig) -> None:
        """Change what is present.

        Raises:
            RemoteProtocolError: the update cannot be obeyed; nothing has changed.
        """
        refuse_unknown(update, "session")
        change = update.model_dump(exclude_unset=True)
        for name in _FIXED:
            if change.get(name) not in (None, self._payload[name]):
                raise refusal(f"'session.{name}' cannot be changed.", param=f"session.{name}")
        audio = change.get("audio") or {}
        sound_in, sound_out = audio.get("input") or {}, audio.get("output") or {}
        noise = sound_in.get("noise_reduction")
        if noise is not None:
            noise = {**NOISE_DEFAULTS, **(self.noise_reduction or {}), **noise}
            read_noise_reduction(noise, "session.audio.input.noise_reduction")
        if sound_out.get("language") is not None:
            self._check_language(sound_out["language"])
            self._payload["audio"]["output"]["language"] = sound_out["language"]
        if "noise_reduction" in sound_in:
            self._payload["audio"]["input"]["noise_reduction"] = noise
        if "transcription" in sound_in:
            self._payload["audio"]["input"]["transcription"] = sound_in["transcription"]

    def _check_language(self, language: str) -> None:
        if short_code(language) not in self._available:
            param = "session.audio.output.language"
            raise refusal(f"There is no translation into '{language[:40]}' here. {self.offer}", param=param)

    @property
    def offer(self) -> str:
        """What can be had, as a sentence."""
        if not self._available:
            return "None is installed; Debian has one as 'apertium-eng-spa'."
        pairs = ", ".join(f"'{one.target}' (from '{one.source}')" for one in self._available.values())
        return f"Supported values are: {pairs}."

    def require(self) -> Translation:
        """What is to be done.

        Raises:
            RemoteProtocolError: nothing can be.
        """
        translation = self.translation
        if translation is None:
            raise refusal(
                f"There is no translation here. {self.offer}",
                code="unsupported_value",
                param="session.audio.output.language",
            )
        return translation
