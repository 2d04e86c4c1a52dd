"""Tools with a policy: small payments just happen, large ones only after a yes at the terminal.

    python demos/tool_with_approval.py             # microphone and speaker
    python demos/tool_with_approval.py --write     # type instead
    python demos/tool_with_approval.py --input question.wav --output reply.wav --answer yes

Say "Send thirty euros to Peter", and then "Send sixty euros to Peter".
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Annotated, Any

from pydantic import Field

from realtime_agent import Agent, Session, tool
from realtime_agent.errors import RealtimeAgentError, ToolDenied, ToolError
from realtime_agent.events import AgentTranscript, ToolFinished, UserTranscript
from realtime_agent.tools import ToolCall
from realtime_agent.transports.user.wav import WavUser

balance = 100.0


def is_large(arguments: Any) -> bool:
    """Whether this very payment needs a yes. `arguments` are real values: numbers, dates, whatever the tool takes."""
    return bool(arguments["amount"] > 50)


@tool(
    needs_approval=is_large,
    on_interrupt="continue",  # money on its way is not stopped by a cough
    timeout_s=10,
    filler="One moment, I am sending it.",
)
async def send_money(amount: Annotated[float, Field(gt=0)], to: str) -> str:
    """Send money, transfer or pay euros to somebody.

    Args:
        amount: how many euros.
        to: who gets it.
    """
    global balance  # noqa: PLW0603 (a bank, in one number)
    if amount > balance:
        # What a ToolError says is said to the model; any other exception stays in our log.
        raise ToolError(f"There are only {balance:g} euros left.", code="insufficient_funds")
    await asyncio.sleep(0.2)  # the bank thinks
    balance -= amount
    return f"Sent {amount:g} euros to {to}. {balance:g} euros are left."


@tool
def show_balance() -> str:
    """Tell how much money is left, the balance of the account."""
    return f"{balance:g} euros are left."


class Cashier:
    """Asks about large payments. Anything but a clear True is a no."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer

    def approve(self, call: ToolCall) -> bool:
        """Called in a thread: it may wait for a person. Not for ever: after a minute the call is denied."""
        question = f"Send {call.arguments['amount']:g} euros to {call.arguments['to']}? [yes/no] "
        if self.answer is None:
            answer = input(question)
        else:
            answer = self.answer
            print(f"{question}{answer}")
        if answer.strip().lower() != "yes":
            raise ToolDenied("The owner of the account said no.")  # the reason, for the model
        return True


async def talk(user: WavUser | str | None, cashier: Cashier) -> None:
    agent = Agent("You are a cashier. Be brief and exact.", tools=[send_money, show_balance])
    async with Session(agent, user=user, approve=cashier.approve) as session:
        writing = asyncio.create_task(write(session)) if user is None else None
        async for event in session:
            match event:
                case UserTranscript(text=text, final=True) if writing is None:
                    print(f"you:   {text}")
                case AgentTranscript(text=text, final=True):
                    print(f"agent: {text}")
                case ToolFinished(name=name, output=output, error=error):
                    print(f"       [{name} {'refused' if error else 'done'}: {output}]")
        if writing is not None:
            await writing


async def write(session: Session) -> None:
    """Send each line to the agent; the end of the input ends the conversation."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        session.send_text(line.strip())
        await session.wait_idle()
    await session.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A tool that needs approval.")
    parser.add_argument("--write", action="store_true", help="type instead of speaking")
    parser.add_argument("--input", help="a WAV file to use as microphone")
    parser.add_argument("--output", help="a WAV file to use as speaker")
    parser.add_argument("--answer", help="what to answer instead of asking")
    options = parser.parse_args()
    user = WavUser(options.input, output=options.output) if options.input else None if options.write else "desktop"
    try:
        asyncio.run(talk(user, Cashier(options.answer)))
    except RealtimeAgentError as error:
        raise SystemExit(error.message) from None
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
