"""What time it is, here and elsewhere."""

from __future__ import annotations

import datetime
import functools
import zoneinfo

from realtime_agent.errors import ToolError
from realtime_agent.tools.tool import tool

# What people call places that the time zone database files under another city.
_OTHER_NAMES = {
    "utc": "UTC",
    "gmt": "UTC",
    "beijing": "Asia/Shanghai",
    "san francisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "washington": "America/New_York",
    "boston": "America/New_York",
    "miami": "America/New_York",
    "munich": "Europe/Berlin",
    "hamburg": "Europe/Berlin",
    "frankfurt": "Europe/Berlin",
    "milan": "Europe/Rome",
    "barcelona": "Europe/Madrid",
    "geneva": "Europe/Zurich",
    "mumbai": "Asia/Kolkata",
    "delhi": "Asia/Kolkata",
    "india": "Asia/Kolkata",
    "osaka": "Asia/Tokyo",
    "rio": "America/Sao_Paulo",
    "rio de janeiro": "America/Sao_Paulo",
}


@tool
async def current_time(place: str = "") -> str:
    """Tell the current time and today's date, the day of the week, here or in a city or time zone.

    Args:
        place: a city such as Tokyo, or a time zone such as Europe/Berlin. Leave it out for the time here.
    """
    now = datetime.datetime.now(datetime.UTC)
    here = now.astimezone() if not place.strip() else now.astimezone(_zone(place))
    city = place.strip().rpartition("/")[2].replace("_", " ")
    where = f" in {city.title() if city.islower() else city}" if city else ""
    return f"It is {here:%H:%M}{where}, on {here:%A}, {here.day} {here:%B %Y}."


def _zone(place: str) -> datetime.tzinfo:
    wanted = " ".join(place.lower().replace("_", " ").split())
    name = _OTHER_NAMES.get(wanted) or _zones().get(wanted)
    if name is None:
        raise ToolError("I know no city or time zone of that name. Name a large city nearby.", code="unknown_place")
    return zoneinfo.ZoneInfo(name)


@functools.cache
def _zones() -> dict[str, str]:
    """Time zones by name, and by their last part: "tokyo" is Asia/Tokyo."""
    names = sorted(zoneinfo.available_timezones())
    last_parts = {name.rpartition("/")[2].replace("_", " ").lower(): name for name in names if "Etc/" not in name}
    return last_parts | {name.replace("_", " ").lower(): name for name in names}
