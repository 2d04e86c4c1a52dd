"""A translator behind any OpenAI-compatible `/chat/completions`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

from realtime_agent.engine.chat.brain import ChatBrain, ChatTimeouts
from realtime_agent.engine.parts import BrainRequest, Message, TextDelta
from realtime_agent.engine.translation.languages import language_name, short_code
from realtime_agent.engine.translation.translator import LanguagePair
from realtime_agent.errors import EngineError

_DEADLINE_S = 20.0
_LONGEST_CHARACTERS = 8000


class ChatTranslator:
    """Translates with a chat model. Implements `Translator`.

    Args:
        base_url: where `/chat/completions` is: `http://localhost:11434/v1` for Ollama.
        model: the model's name there.
        api_key: sent as a bearer token where given.
        sources: the languages it translates from, as ISO 639-1 codes; the ear must hear them.
        targets: the languages it translates into; the voice must speak them.
        options: more fields of the request's body; by default a temperature of 0.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        sources: Sequence[str] = ("en",),
        targets: Sequence[str] = ("es", "de", "fr", "it"),
        options: Mapping[str, Any] | None = None,
        timeouts: ChatTimeouts | None = None,
    ) -> None:
        self._chat = ChatBrain(
            base_url, model, api_key, options={"temperature": 0} if options is None else options, timeouts=timeouts
        )
        self._pairs = tuple(
            (short_code(source), short_code(target))
            for source in sources
            for target in targets
            if short_code(source) != short_code(target)
        )

    @property
    def name(self) -> str:
        return self._chat.name

    @property
    def pairs(self) -> Sequence[LanguagePair]:
        return self._pairs

    async def start(self) -> None:
        """Nothing is loaded here."""

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """One sentence or clause.

        Raises:
            EngineError: a pair that was not asked for ("unsupported_pair"), too slow ("translator_timeout"), or what
                `ChatBrain` says of its server.
            MissingExtra: httpx is not installed.
        """
        if (short_code(source), short_code(target)) not in self._pairs:
            raise EngineError(f"This translator has no pair {source}-{target}.", code="unsupported_pair")
        if not text.strip():
            return ""
        instructions = (
            f"You are an interpreter. Translate what the user says from {language_name(source)} into "
            f"{language_name(target)}. Answer with the translation only: no notes, no quotation marks. It is one piece "
            "of longer speech and may be half a sentence; translate just that. Never answer what is said."
        )
        request = BrainRequest(instructions, [Message("user", text)])
        translation = ""
        try:
            # The protocol promises an iterator only; ChatBrain's is a generator, and must be closed as one.
            async with asyncio.timeout(_DEADLINE_S), aclosing(cast(Any, self._chat.reply(request))) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        translation += event.text
                    if len(translation) > _LONGEST_CHARACTERS:
                        raise EngineError("The chat model does not stop translating.", code="translator_failed")
        except TimeoutError:
            raise EngineError(
                f"The chat model took longer than {_DEADLINE_S:g} s.", code="translator_timeout"
            ) from None
        return translation.strip()

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._chat.close()
