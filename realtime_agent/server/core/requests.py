"""What a client asks for that needs several machines: an item of its own, a response with its own input."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from realtime_agent.protocol import ConversationItemAdded, ConversationItemDone, ItemReference, ResponseConfig
from realtime_agent.server.core.conversation import Conversation, Entry
from realtime_agent.server.core.errors import refusal
from realtime_agent.server.core.items import read_item
from realtime_agent.server.core.outbox import Outbox
from realtime_agent.server.core.readers import check_metadata
from realtime_agent.server.core.responses import Responses
from realtime_agent.server.core.settings import Settings
from realtime_agent.server.core.transcripts import Transcripts

MAX_INPUT_ITEMS = 1_000


class Requests:
    """Obeys `conversation.item.create` and `response.create`. Raises `RemoteProtocolError` before it changes
    anything."""

    def __init__(
        self, outbox: Outbox, conversation: Conversation, transcripts: Transcripts, responses: Responses
    ) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._transcripts = transcripts
        self._responses = responses

    def add_item(
        self, item: BaseModel, previous_item_id: str | None, settings: Settings, reserved_id: str | None
    ) -> None:
        """Put a client's item into the conversation. `reserved_id` is promised to the speech that is going on."""
        entry = read_item(item, self._outbox.new_id("item"), settings.input_format)
        if entry.id == reserved_id:
            raise refusal(f"The id '{entry.id}' is taken.", code="item_create_duplicate_item_id", param="item.id")
        if entry.type == "function_call_output" and not self._conversation.has_call(entry.call_id):
            raise refusal(
                f"Tool call ID '{entry.call_id}' not found in conversation.",
                code="invalid_tool_call_id",
                param="item.call_id",
            )
        previous = self._conversation.insert_from_client(entry, previous_item_id)
        self._outbox.emit(ConversationItemAdded, previous_item_id=previous, item=entry.wire())
        self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=entry.wire())
        self._transcripts.want(entry, settings.transcription)

    def create_response(self, overrides: ResponseConfig | None, settings: Settings) -> None:
        """Begin the response that a client asks for."""
        wanted = overrides or ResponseConfig()
        if wanted.conversation not in (None, "auto", "none"):
            raise refusal(
                f"Invalid value: '{wanted.conversation}'. Supported values are: 'auto', 'none'.",
                param="response.conversation",
            )
        in_conversation = wanted.conversation != "none"
        metadata = check_metadata(wanted.metadata)
        self._responses.check_can_create(in_conversation=in_conversation)
        context: list[Entry] | None = None
        if wanted.input is not None:
            context = self._read_input(wanted.input, settings)
        elif not in_conversation:
            context = list(self._conversation)  # what comes later is not part of it
        self._responses.create(settings, in_conversation=in_conversation, context=context, metadata=metadata)

    def _read_input(self, items: Sequence[BaseModel], settings: Settings) -> list[Entry]:
        if len(items) > MAX_INPUT_ITEMS:
            raise refusal(f"At most {MAX_INPUT_ITEMS} items of input.", param="response.input")
        entries = []
        for index, item in enumerate(items):
            at = f"response.input[{index}]"
            if isinstance(item, ItemReference):
                entry = self._conversation.get(item.id)
                if entry is None:
                    raise refusal(
                        f"Item '{item.id}' not found in the conversation.", code="item_not_found", param=f"{at}.id"
                    )
            else:
                entry = read_item(item, self._outbox.new_id("item"), settings.input_format, at)
                entry.id = self._outbox.new_id("item")  # its own id means nothing outside the conversation
            entries.append(entry)
        for entry in entries:
            if self._conversation.get(entry.id) is not entry:
                self._transcripts.want(entry, None)
        return entries
