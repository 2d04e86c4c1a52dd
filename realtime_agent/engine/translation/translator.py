"""What translates: a part that an engine may have besides ear, brain and voice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

LanguagePair = tuple[str, str]
"""From and to, as ISO 639-1 codes: `("en", "es")`."""


class Translator(Protocol):
    """Turns sentences of one language into another's. Write your own by having these methods."""

    @property
    def name(self) -> str: ...

    @property
    def pairs(self) -> Sequence[LanguagePair]:
        """What it can translate; known after `start`, and empty where nothing is installed."""

    async def start(self) -> None:
        """Find out what is there. Idempotent; where nothing is, that is no error.

        Raises:
            EngineError: what is there cannot be used.
        """

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """One sentence or clause in the other language; empty where there is nothing to say.

        Raises:
            EngineError: no such pair ("unsupported_pair"), or the translator failed.
        """

    async def close(self) -> None: ...
