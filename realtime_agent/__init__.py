"""A runtime for realtime voice agents: hear, think, call tools, answer aloud, be interrupted.

    from realtime_agent import Agent, Session, tool

    @tool
    def add(a: int, b: int) -> int:
        '''Add two numbers.'''
        return a + b

    async with Session(Agent("Be brief.", tools=[add]), model="embedded", user="desktop") as session:
        async for event in session:
            print(event)

Where to look: `Session`, `Agent` and `Settings` here, and `TranscriptionSession` and `TranslationSession`; the events
in `realtime_agent.events`; the errors in `realtime_agent.errors`; ways to the model and the person in
`realtime_agent.transports`.
"""

from realtime_agent.agent import Agent
from realtime_agent.config import Settings
from realtime_agent.session import Session
from realtime_agent.tools import Tool, ToolContext, tool
from realtime_agent.transcription import TranscriptionSession
from realtime_agent.translation import TranslationSession

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "Session",
    "Settings",
    "Tool",
    "ToolContext",
    "TranscriptionSession",
    "TranslationSession",
    "__version__",
    "tool",
]
