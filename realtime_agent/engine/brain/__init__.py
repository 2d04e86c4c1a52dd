"""The embedded brain: a small deterministic assistant for the engine, with no model behind it."""

from realtime_agent.engine.brain.brain import EmbeddedBrain
from realtime_agent.engine.brain.tokens import count_tokens

__all__ = ["EmbeddedBrain", "count_tokens"]
