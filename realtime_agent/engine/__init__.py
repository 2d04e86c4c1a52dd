"""The embedded engine: an ear, a brain and a voice behind the Realtime protocol. Loads nothing heavy by itself."""

from realtime_agent.engine.engine import Engine, default_engine

__all__ = ["Engine", "default_engine"]
