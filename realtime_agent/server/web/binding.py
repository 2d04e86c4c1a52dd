"""What the holder of a client secret may not change: the instructions and tools that the minter of the secret chose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import (
    ClientEvent,
    ConversationItemCreate,
    MessageItem,
    ResponseCreate,
    SessionUpdate,
    UnknownEvent,
)
from realtime_agent.server.core.errors import refusal

# What holds where the minter did not say; None is "nothing of the kind".
_ALWAYS: Mapping[str, Any] = {"instructions": "", "tools": [], "prompt": None}
_IF_SET = ("max_output_tokens", "tool_choice")


class Binding:
    """The rules of one bound session."""

    def __init__(self, session: Mapping[str, Any]) -> None:
        """`session`: the `session.update` body that the secret was minted with."""
        self._type = session.get("type", "realtime")
        self._bound = {name: session[name] for name in _IF_SET if name in session}
        self._bound |= {name: session.get(name) or nothing for name, nothing in _ALWAYS.items()}

    def check(self, event: ClientEvent | UnknownEvent) -> RemoteProtocolError | None:
        """Why this event may not be obeyed; None where it may. To set what is set already is no change."""
        match event:
            case SessionUpdate(session=update):
                if update.type != self._type:
                    return _bound("'session.type' is fixed", "session.type")
                return self._check_fields(update, "session")
            case ResponseCreate(response=overrides) if overrides is not None:
                return self._check_fields(overrides, "response") or _check_items(
                    overrides.input or (), "response.input"
                )
            case ConversationItemCreate(item=item):
                return _check_items((item,), "item")
        return None

    def _check_fields(self, change: BaseModel, at: str) -> RemoteProtocolError | None:
        wanted = change.model_dump(mode="json", exclude_unset=True)
        for name, bound in self._bound.items():
            if name in wanted and (wanted[name] or _ALWAYS.get(name)) != bound:
                return _bound(f"'{at}.{name}' is fixed", f"{at}.{name}")
        return None


def _check_items(items: Iterable[object], at: str) -> RemoteProtocolError | None:
    """A system message is an instruction by another name."""
    for item in items:
        if isinstance(item, MessageItem) and item.role not in ("user", "assistant"):
            return _bound("System messages cannot be added", f"{at}.role")
    return None


def _bound(what: str, param: str) -> RemoteProtocolError:
    return refusal(f"{what} in a session opened with a client secret.", code="insufficient_permissions", param=param)
