"""How long the person must be silent for the turn to be over, given how finished they sounded (`semantic_vad`).

A judge (`engine/turn_end.py`) says at each pause how probable it is that the turn is over. Where that is certain, a
short silence is enough; where the contrary is, the longest that the eagerness allows (8, 4 and 2 s for low, medium and
high: OpenAI's documented maxima). Between the two the wait is the geometric mean, weighted by the probability: a doubt
costs a factor of time, never words. Until the judge has spoken the longest holds.

| probability | low    | medium | high   |
|-------------|--------|--------|--------|
| from 0.95   | 900 ms | 500 ms | 300 ms |
| 0.9         | 1016   | 561    | 333    |
| 0.5         | 2683   | 1414   | 775    |
| to 0.05     | 8000   | 4000   | 2000   |
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from realtime_agent.server.core.settings import Eagerness

MAX_WAIT_MS: Mapping[Eagerness, int] = {"low": 8_000, "medium": 4_000, "high": 2_000}
SURELY_NOT, SURELY = 0.05, 0.95
FINISHED_MS: Mapping[Eagerness, int] = {"low": 900, "medium": 500, "high": 300}


def silence_needed_ms(complete: float, eagerness: Eagerness) -> int:
    """How long the silence must be; `complete` is the probability that the turn is over."""
    weight = min(max((complete - SURELY_NOT) / (SURELY - SURELY_NOT), 0.0), 1.0)
    shortest, longest = FINISHED_MS[eagerness], MAX_WAIT_MS[eagerness]
    return round(longest * math.pow(shortest / longest, weight))
