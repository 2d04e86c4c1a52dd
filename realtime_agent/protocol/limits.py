"""How much of a message we accept, checked before it costs memory."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest messages to accept.

    Attributes:
        max_message_bytes: for events that carry neither audio nor images.
        max_audio_message_bytes: for those that can (OpenAI takes 15 MiB of base64 in one append).
        max_depth: how deep arrays and objects may be nested, the message itself being 1. The parser ends at 200.
        max_parts: arrays, objects and commas in a message above `max_message_bytes`: a big message is big by its audio,
            and one made of five million empty lists would take 300 MB.
    """

    max_message_bytes: int = _MIB
    max_audio_message_bytes: int = 16 * _MIB
    max_depth: int = 64
    max_parts: int = 20_000


DEFAULT_LIMITS = Limits()
