"""What a client asks for that needs several machines: an item of its own, a response with its own input."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from realtime_agent.protocol import ConversationItemAdded, ConversationItemDone, ItemReference, ResponseConfig
from realtime_agent.server.conversation import Conversation, Entry
from realtime_agent.server.errors import refusal
from realtime_agent.server.items import read_item
from realtime_agent.server.listening import Listening
from realtime_agent.server.outbox import Outbox
from realtime_agent.server.readers import check_metadata
from realtime_agent.server.responses import Responses
from realtime_agent.server.settings import Settings


def add_item(
    outbox: Outbox,
    conversation: Conversation,
    listening: Listening,
    item: BaseModel,
    previous_item_id: str | None,
) -> None:
    """Put a client's item into the conversation.

    Raises:
        RemoteProtocolError: it does not fit.
    """
    entry = read_item(item, outbox.new_id("item"), listening.input_format)
    if entry.type == "function_call_output" and not conversation.has_call(entry.call_id):
        raise refusal(
            f"Tool call ID '{entry.call_id}' not found in conversation.",
            code="invalid_tool_call_id",
            param="item.call_id",
        )
    previous = conversation.insert(entry, previous_item_id)
    conversation.keep_audio_of(entry)
    outbox.emit(ConversationItemAdded, previous_item_id=previous, item=entry.wire())
    outbox.emit(ConversationItemDone, previous_item_id=previous, item=entry.wire())
    listening.transcribe(entry)


def create_response(
    outbox: Outbox,
    conversation: Conversation,
    responses: Responses,
    listening: Listening,
    overrides: ResponseConfig | None,
    settings: Settings,
) -> None:
    """Begin the response that a client asks for.

    Raises:
        RemoteProtocolError: there is one already, or something it asks for cannot be.
    """
    wanted = overrides or ResponseConfig()
    if wanted.conversation not in (None, "auto", "none"):
        raise refusal(
            f"Invalid value: '{wanted.conversation}'. Supported values are: 'auto', 'none'.",
            param="response.conversation",
        )
    in_conversation = wanted.conversation != "none"
    metadata = check_metadata(wanted.metadata)
    responses.check_can_create(in_conversation=in_conversation)
    context = None if wanted.input is None else _read_input(outbox, conversation, listening, wanted.input)
    if context is None and not in_conversation:
        context = list(conversation)  # what comes later is not part of it
    if wanted.input is not None and context is not None:
        for entry in context:
            if conversation.get(entry.id) is not entry:
                listening.transcribe(entry)
    responses.create(settings, in_conversation=in_conversation, context=context, metadata=metadata)


def _read_input(
    outbox: Outbox, conversation: Conversation, listening: Listening, items: Sequence[BaseModel]
) -> list[Entry]:
    entries = []
    for index, item in enumerate(items):
        at = f"response.input[{index}]"
        if isinstance(item, ItemReference):
            entry = conversation.get(item.id)
            if entry is None:
                raise refusal(
                    f"Item '{item.id}' not found in the conversation.", code="item_not_found", param=f"{at}.id"
                )
        else:
            entry = read_item(item, outbox.new_id("item"), listening.input_format, at)
        entries.append(entry)
    return entries
