"""The eleven events that a client sends."""

from dataclasses import dataclass
from typing import Any, ClassVar

from realtime_agent.protocol.base import ClientEventBase, Int
from realtime_agent.protocol.config import AnySessionConfig
from realtime_agent.protocol.items import Item
from realtime_agent.protocol.response import ResponseConfig


class SessionUpdate(ClientEventBase):
    """Change the session's configuration: the fields that are present, and no others."""

    type: ClassVar[str] = "session.update"

    session: AnySessionConfig


@dataclass(slots=True)
class InputAudioBufferAppend:
    """More of the user's audio, as raw bytes in the session's input format. Nothing acknowledges it.

    Fifty a second in each direction of each session: a plain slotted object, neither validated nor frozen.
    """

    type: ClassVar[str] = "input_audio_buffer.append"

    audio: bytes
    event_id: str | None = None
    extra: dict[str, Any] | None = None


class InputAudioBufferCommit(ClientEventBase):
    """Make the buffered audio a user item. Starts no response."""

    type: ClassVar[str] = "input_audio_buffer.commit"


class InputAudioBufferClear(ClientEventBase):
    """Throw the buffered audio away."""

    type: ClassVar[str] = "input_audio_buffer.clear"


class OutputAudioBufferClear(ClientEventBase):
    """Cut the sound off (WebRTC and SIP only)."""

    type: ClassVar[str] = "output_audio_buffer.clear"


class ConversationItemCreate(ClientEventBase):
    """Add an item: at the end, after `previous_item_id`, or at the front (`"root"`)."""

    type: ClassVar[str] = "conversation.item.create"

    item: Item
    previous_item_id: str | None = None


class ConversationItemRetrieve(ClientEventBase):
    """Ask for an item as the server has it."""

    type: ClassVar[str] = "conversation.item.retrieve"

    item_id: str


class ConversationItemTruncate(ClientEventBase):
    """Cut an assistant's audio at what was heard."""

    type: ClassVar[str] = "conversation.item.truncate"

    item_id: str
    content_index: Int
    audio_end_ms: Int


class ConversationItemDelete(ClientEventBase):
    """Remove an item."""

    type: ClassVar[str] = "conversation.item.delete"

    item_id: str


class ResponseCreate(ClientEventBase):
    """Ask for a response."""

    type: ClassVar[str] = "response.create"

    response: ResponseConfig | None = None


class ResponseCancel(ClientEventBase):
    """Stop the response in progress, or the one named."""

    type: ClassVar[str] = "response.cancel"

    response_id: str | None = None


ClientEvent = (
    SessionUpdate
    | InputAudioBufferAppend
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | OutputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemRetrieve
    | ConversationItemTruncate
    | ConversationItemDelete
    | ResponseCreate
    | ResponseCancel
)
