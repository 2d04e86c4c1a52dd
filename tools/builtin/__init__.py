"""Tools worth having on a desktop. They need no network and no package.

    agent = Agent(instructions="...", tools=[*builtin.desktop_tools(), my_own_tool])

| tool | what it does |
|---|---|
| `current_time` | time and date, here or in a time zone or city |
| `calculate` | arithmetic |
| `set_timer`, `list_timers`, `cancel_timer` | timers; the agent speaks when one is over |
| `remember_note`, `read_notes`, `clear_notes` | notes in a text file under the user's data folder |
| `open_website` | opens the browser, after approval |
| `computer_status` | battery, disk, memory, load |

Results are sentences, for they are heard and not read. Descriptions use the words with which people ask.
"""

from __future__ import annotations

from pathlib import Path

from realtime_agent.tools.builtin.calculator import calculate
from realtime_agent.tools.builtin.clock import current_time
from realtime_agent.tools.builtin.computer import computer_status, open_website
from realtime_agent.tools.builtin.notes import Notes, user_data_folder
from realtime_agent.tools.builtin.timers import Timers
from realtime_agent.tools.tool import Tool

__all__ = ["Notes", "Timers", "calculate", "computer_status", "current_time", "desktop_tools", "open_website"]


def desktop_tools(data_folder: Path | None = None) -> list[Tool]:
    """All built-in tools, with timers of their own; notes are kept in `data_folder`, by default the user's."""
    timers = Timers()
    notes = Notes((data_folder or user_data_folder()) / "notes.txt")
    return [
        current_time,
        calculate,
        timers.set_timer,
        timers.list_timers,
        timers.cancel_timer,
        notes.remember_note,
        notes.read_notes,
        notes.clear_notes,
        open_website,
        computer_status,
    ]
