"""The server events that tell of the conversation and of the transcription of what the user said."""

from typing import Annotated, ClassVar

from realtime_agent.protocol.base import Int, Many, Model, Number, ServerEventBase, one_of
from realtime_agent.protocol.items import Item


class Conversation(Model):
    """A conversation."""

    id: str | None = None
    object: str | None = None


class ConversationCreated(ServerEventBase):
    """A conversation exists. Legacy: the GA API does not send it, some compatible servers do."""

    type: ClassVar[str] = "conversation.created"

    conversation: Conversation


class ConversationItemCreated(ServerEventBase):
    """Legacy form of `conversation.item.added`."""

    type: ClassVar[str] = "conversation.item.created"

    item: Item
    previous_item_id: str | None = None


class ConversationItemAdded(ServerEventBase):
    """The conversation has a new item."""

    type: ClassVar[str] = "conversation.item.added"

    item: Item
    previous_item_id: str | None = None


class ConversationItemDone(ServerEventBase):
    """An item of the conversation is final."""

    type: ClassVar[str] = "conversation.item.done"

    item: Item
    previous_item_id: str | None = None


class ConversationItemRetrieved(ServerEventBase):
    """The item asked for."""

    type: ClassVar[str] = "conversation.item.retrieved"

    item: Item


class ConversationItemTruncated(ServerEventBase):
    """An assistant's audio was cut, and its transcript with it."""

    type: ClassVar[str] = "conversation.item.truncated"

    item_id: str
    content_index: Int
    audio_end_ms: Int


class ConversationItemDeleted(ServerEventBase):
    """An item is gone."""

    type: ClassVar[str] = "conversation.item.deleted"

    item_id: str


class LogProb(Model):
    """How sure the transcription is of a token."""

    token: str
    logprob: Number
    bytes: Many[Int] | None = None


class TranscriptionTokenDetails(Model):
    """Tokens of a transcription, by modality."""

    text_tokens: Int | None = None
    audio_tokens: Int | None = None


class TranscriptionUsage(Model):
    """What a transcription cost: by `tokens`, or by `duration` in seconds."""

    type: Annotated[str, one_of("tokens", "duration")] | None = None
    input_tokens: Int | None = None
    output_tokens: Int | None = None
    total_tokens: Int | None = None
    input_token_details: TranscriptionTokenDetails | None = None
    seconds: Number | None = None


class TranscriptionLanguage(Model):
    """A language that was heard."""

    code: str


class TranscriptionError(Model):
    """Why a transcription failed."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None


class ConversationItemInputAudioTranscriptionDelta(ServerEventBase):
    """More of what the user said. With whisper-1 the whole text."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.delta"

    item_id: str
    content_index: Int | None = None
    delta: str | None = None
    logprobs: Many[LogProb] | None = None


class ConversationItemInputAudioTranscriptionCompleted(ServerEventBase):
    """All that the user said in this item. May come before, during or after the response."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.completed"

    item_id: str
    content_index: Int = 0
    transcript: str
    usage: TranscriptionUsage | None = None
    languages: Many[TranscriptionLanguage] | None = None
    logprobs: Many[LogProb] | None = None


class ConversationItemInputAudioTranscriptionSegment(ServerEventBase):
    """A stretch of speech by one speaker (diarizing models)."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.segment"

    item_id: str
    content_index: Int
    id: str
    text: str
    speaker: str
    start: Number
    end: Number


class ConversationItemInputAudioTranscriptionFailed(ServerEventBase):
    """The user's speech could not be written down. The model heard it all the same."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.failed"

    item_id: str
    content_index: Int = 0
    error: TranscriptionError


ConversationEvent = (
    ConversationCreated
    | ConversationItemCreated
    | ConversationItemAdded
    | ConversationItemDone
    | ConversationItemRetrieved
    | ConversationItemTruncated
    | ConversationItemDeleted
    | ConversationItemInputAudioTranscriptionDelta
    | ConversationItemInputAudioTranscriptionCompleted
    | ConversationItemInputAudioTranscriptionSegment
    | ConversationItemInputAudioTranscriptionFailed
)
