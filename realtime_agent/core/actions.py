"""What the core wants done. The shell performs them in order and does nothing else.

After `Close` there are none.
"""

from __future__ import annotations

from dataclasses import dataclass

from realtime_agent.errors import RealtimeAgentError
from realtime_agent.events import AnyEvent
from realtime_agent.protocol import ClientEvent
from realtime_agent.protocol.translation import TranslationClientEvent


@dataclass(frozen=True, slots=True)
class Send:
    """Send this to the model."""

    event: ClientEvent | TranslationClientEvent


@dataclass(slots=True)
class Play:
    """Queue agent audio: whole samples. On the hot path, so a plain slotted object."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class Duck:
    """Fall silent at once and keep what is queued. Exactly one `Resume` or `Flush` follows, or `Close`."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on where `Duck` stopped."""


@dataclass(frozen=True, slots=True)
class Flush:
    """Drop what is queued, and answer at once with `PlaybackFlushed`."""


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """Answer at once with `PlaybackMoved`: a turn is due to begin or end, and no edge tells it."""


@dataclass(frozen=True, slots=True)
class StartTool:
    """Run a tool. `arguments` is what the model wrote. Exactly one `ToolReturned` is expected."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class CancelTool:
    """Stop a tool. The call is answered already; a `ToolReturned` that comes all the same is ignored."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the user of the session."""

    event: AnyEvent


@dataclass(frozen=True, slots=True)
class Close:
    """Close everything, then tell the user of the session (`events.Closed`). Always the last action."""

    reason: str
    error: RealtimeAgentError | None = None


Action = Send | Play | Duck | Resume | Flush | ReadPosition | StartTool | CancelTool | Emit | Close
