"""The voices of Pico: its own six, and OpenAI's thirteen names as variants of its two English ones. Pure data.

Pico has one voice a language, all of women. Pitch and pace make thirteen that can be told apart; between 0.58 and 1.4
of its own pitch the embedded ear understands the English ones as well as at their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from realtime_agent.errors import EngineError

SLOWEST, FASTEST = 0.25, 1.5


@dataclass(frozen=True, slots=True)
class Voice:
    """How to make Pico sound like this voice."""

    base: str
    pitch: float = 1.0
    pace: float = 1.0

    @property
    def language(self) -> str:
        return self.base[:2]


OWN_VOICES = ("en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT")

_VOICES: dict[str, Voice] = {name: Voice(name) for name in OWN_VOICES} | {
    "onyx": Voice("en-US", 0.58, 0.95),
    "ash": Voice("en-US", 0.66, 1.05),
    "echo": Voice("en-US", 0.74, 1.0),
    "cedar": Voice("en-US", 0.84, 0.94),
    "alloy": Voice("en-US", 1.0, 1.0),
    "sage": Voice("en-US", 1.12, 0.95),
    "nova": Voice("en-US", 1.24, 1.08),
    "coral": Voice("en-US", 1.38, 1.0),
    "verse": Voice("en-GB", 0.72, 1.08),
    "ballad": Voice("en-GB", 0.82, 0.92),
    "fable": Voice("en-GB", 0.92, 1.0),
    "marin": Voice("en-GB", 1.05, 1.0),
    "shimmer": Voice("en-GB", 1.22, 0.95),
}


def find_voice(name: str) -> Voice:
    """The voice of that name.

    Raises:
        EngineError: there is none ("unknown_voice").
    """
    voice = _VOICES.get(name)
    if voice is None:
        raise EngineError(f"There is no voice {name[:40]!r}; there are {', '.join(_VOICES)}", code="unknown_voice")
    return voice
