"""The embedded brain: a small deterministic assistant for the engine, with no model behind it."""

from .brain import EmbeddedBrain
from .tokens import count_tokens

__all__ = ["EmbeddedBrain", "count_tokens"]
