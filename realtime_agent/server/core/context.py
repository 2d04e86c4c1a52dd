"""What the brain is told: items turned into messages and past calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from realtime_agent.engine.parts import BrainRequest, Message, PastCall
from realtime_agent.server.core.conversation import Entry
from realtime_agent.server.core.settings import Settings


def brain_request(settings: Settings, context: Iterable[Entry], metadata: Mapping[str, str] | None) -> BrainRequest:
    """The request for one response. A call's output stands with the call, wherever its item is."""
    entries = list(context)
    outputs = {entry.call_id: entry.output for entry in entries if entry.type == "function_call_output"}
    conversation: list[Message | PastCall] = []
    for entry in entries:
        if entry.type == "function_call":
            conversation.append(PastCall(entry.call_id, entry.name, entry.arguments, outputs.get(entry.call_id)))
        elif entry.type == "message":
            conversation.append(_message(entry))
    return BrainRequest(
        instructions=settings.instructions,
        conversation=conversation,
        tools=() if settings.tool_choice == "none" else settings.tools,
        tool_choice=settings.tool_choice,
        max_output_tokens=settings.max_output_tokens,
        metadata=dict(metadata or {}),
    )


def _message(entry: Entry) -> Message:
    texts = (part.text or part.transcript or "" for part in entry.content)
    images = tuple(part.image_url for part in entry.content if part.image_url is not None)
    return Message(entry.role, " ".join(text for text in texts if text), images)
