"""A desktop assistant: timers, notes, sums, the time elsewhere. It asks you before it opens or deletes anything.

    python demos/desktop_assistant.py                                           # microphone and speaker
    python demos/desktop_assistant.py --input question.wav --output reply.wav   # sound files instead
    python demos/desktop_assistant.py --model gpt-realtime                      # OpenAI; key in OPENAI_API_KEY

Say "Set a timer for one minute", or "Remember to buy milk", or "What time is it in Tokyo?"
"""

from __future__ import annotations

import argparse
import asyncio

from realtime_agent import Agent, Session
from realtime_agent.errors import RealtimeAgentError
from realtime_agent.events import AgentTranscript, ErrorRaised, Interrupted, ToolFinished, TurnStarted, UserTranscript
from realtime_agent.tools import ToolCall
from realtime_agent.tools.builtin import desktop_tools
from realtime_agent.transports.user.base import UserTransport
from realtime_agent.transports.user.wav import WavUser

INSTRUCTIONS = "You are a helpful assistant on a desktop computer. Answer in one or two short sentences."


def approve(call: ToolCall) -> bool:
    """Ask on the terminal. It runs in a thread of its own, so waiting here stops nothing."""
    wanted = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
    try:
        return input(f"Allow {call.name}({wanted})? [y/N] ").strip().lower() == "y"
    except EOFError:  # nobody sits there
        return False


async def talk(model: str, user: str | UserTransport) -> None:
    """Hold one conversation and print it."""
    agent = Agent(INSTRUCTIONS, tools=desktop_tools())
    async with Session(agent, model=model, user=user, approve=approve) as session:
        print("Listening. Ctrl-C hangs up.")
        async for event in session:
            match event:
                case UserTranscript(text=text, final=True):
                    print(f"you:   {text}")
                case TurnStarted(speaker="agent", latency_s=float(latency_s)):
                    print(f"       ({latency_s * 1000:.0f} ms)")
                case AgentTranscript(text=text, final=True):
                    print(f"agent: {text}")
                case ToolFinished(name=name, output=output):
                    print(f"       [{name}: {output}]")
                case Interrupted(heard_text=heard):
                    print(f"       [interrupted after: {heard!r}]")
                case ErrorRaised(error=error):
                    print(f"       [{error.code}: {error.message}]")


def main() -> None:
    parser = argparse.ArgumentParser(description="A desktop assistant.")
    parser.add_argument("--model", default="embedded", help='"embedded", an address, or a model at OpenAI')
    parser.add_argument("--input", help="a WAV file to use as microphone")
    parser.add_argument("--output", help="a WAV file to use as speaker")
    options = parser.parse_args()
    user = WavUser(options.input, output=options.output) if options.input else "desktop"
    try:
        asyncio.run(talk(options.model, user))
    except RealtimeAgentError as error:
        raise SystemExit(error.message) from None
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
