"""`realtime-agent demo`: a simulated user and the embedded agent, live, in real time, offline."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Literal

from rich.console import Console

from realtime_agent.agent import Agent
from realtime_agent.cli.display import Display
from realtime_agent.engine import default_engine
from realtime_agent.errors import DeviceError
from realtime_agent.recording import ConversationLog, write_timeline
from realtime_agent.session import Session
from realtime_agent.testing.simulated_user import Line, SimulatedUser, spoken
from realtime_agent.tools import tool
from realtime_agent.transports.model.embedded import EmbeddedModel

_USER_VOICE = "en-GB"
_SCRIPT: tuple[tuple[str, float | None], ...] = (
    ("Hello! What time is it?", None),
    ("What is on the menu on Friday?", None),
    ("Please tell me a long story.", None),
    ("Thank you, that is enough.", 5.0),  # cuts in after so many seconds of the story
    ("Goodbye.", None),
)
_MENU = {
    "Monday": "lentil soup",
    "Tuesday": "mushroom risotto",
    "Wednesday": "fish pie",
    "Thursday": "vegetable curry",
    "Friday": "tomato soup and apple cake",
}


@tool
def lunch_menu(day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]) -> str:
    """Tell what is on the lunch menu of the canteen on a day."""
    return f"On {day} there is {_MENU[day]}."


async def demo(folder: Path) -> int:
    """Hold the conversation, and write what remains of it; the exit code.

    Raises:
        MissingExtra: the engine is not installed.
        DeviceError: the recording or the page cannot be written.
    """
    recording, page = folder / "conversation.wav", folder / "conversation.html"
    console = Console(highlight=False)
    console.print(
        "A simulated user talks to the embedded agent. All of it runs on this machine, in real time.\n", style="dim"
    )
    engine = default_engine()
    await engine.start()
    try:
        lines = [
            Line(await spoken(engine.voice, text, voice_name=_USER_VOICE), cut_in_after_s=cut_in)
            for text, cut_in in _SCRIPT
        ]
        user = SimulatedUser(lines, both=recording)
        log = ConversationLog()
        agent = Agent("You are Ada, a friendly assistant.", tools=[lunch_menu])
        async with Session(agent, model=EmbeddedModel(engine), user=user) as session:
            with Display(console, log, levels=lambda: session.levels, hint="a simulated user is talking") as display:
                async for event in session:
                    log.add(event)
                    display.show(event)
    finally:
        await engine.close()
    try:
        write_timeline(page, log, recording, title="A conversation with the embedded agent")
    except OSError as error:
        raise DeviceError(f"Cannot write {page}: {(error.strerror or str(error)).lower()}.") from error
    _summarise(console, log, recording, page)
    return 0 if log.calls and any(turn.heard_ms is not None for turn in log.turns) else 1


def _summarise(console: Console, log: ConversationLog, recording: Path, page: Path) -> None:
    latencies = log.latencies_s()
    console.print()
    if latencies:
        console.print(
            f"Median reply latency: {median(latencies) * 1000:.0f} ms, from the end of speech to the first sample."
        )
    console.print(f"{recording} has the sound: left the user, right the agent.")
    console.print(f"{page} shows and plays it on one time line. Open it in a browser.")
