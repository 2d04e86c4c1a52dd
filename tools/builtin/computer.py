"""The computer itself: its state, and its browser."""

from __future__ import annotations

import os
import shutil
import webbrowser
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from realtime_agent.errors import ToolError
from realtime_agent.tools.tool import tool

_GIB = 2**30
_POWER = Path("/sys/class/power_supply")  # Linux: Documentation/ABI/testing/sysfs-class-power
_MEMORY = Path("/proc/meminfo")

Part = Literal["everything", "battery", "disk", "memory", "load"]


@tool(needs_approval=True)
def open_website(address: str) -> str:
    """Open a website, a web page or URL in the browser.

    Args:
        address: the address, such as example.org or https://example.org/page.
    """
    url = address.strip()
    if "://" not in url:
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        parts.port  # noqa: B018 (raises where it is no number, as in javascript:alert)
    except ValueError:
        parts, host = None, None
    # A file or a script is not a website, and some browsers run what they are given.
    if parts is None or not host or parts.scheme not in ("http", "https") or any(c.isspace() for c in url):
        raise ToolError("That is not the address of a website.", code="not_a_website")
    if not webbrowser.open(url):
        raise ToolError("No browser was found on this computer.", code="no_browser")
    return f"Opened {host}."


@tool
def computer_status(part: Part = "everything") -> str:
    """Tell how this computer is doing: how full the battery is, disk space and memory left, how busy the processor is.

    Args:
        part: which part is asked for.
    """
    told = {"battery": _battery, "disk": _disk, "memory": _memory, "load": _load}
    if part != "everything":
        return told[part]() or f"This computer does not tell its {part}."
    return " ".join(sentence for one in told.values() if (sentence := one()))


def _battery() -> str:
    for supply in sorted(_POWER.glob("*/capacity")):
        try:
            percent = int(supply.read_text())
            status = (supply.parent / "status").read_text().strip().lower()
        except (OSError, ValueError):
            continue
        return f"The battery is at {percent} percent, {status}."
    return ""


def _disk() -> str:
    usage = shutil.disk_usage(Path.home())
    return f"{usage.free / _GIB:.0f} of {usage.total / _GIB:.0f} gigabytes of disk space are free."


def _memory() -> str:
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
        free, total = (int(lines[key].split()[0]) / 2**20 for key in ("MemAvailable", "MemTotal"))
    except (OSError, ValueError, KeyError):
        return ""
    return f"{free:.1f} of {total:.1f} gigabytes of memory are free."


def _load() -> str:
    try:
        load = os.getloadavg()[0]
    except (OSError, AttributeError):  # AttributeError: not on Windows
        return ""
    return f"The load is {load:.1f} on {os.cpu_count() or 1} processors."
