"""The server events that tell of a response as it is made. All `*.done` also come when it is cut short."""

from dataclasses import dataclass
from typing import Any, ClassVar

from realtime_agent.protocol.base import Int, ServerEventBase
from realtime_agent.protocol.items import ContentPart, Item
from realtime_agent.protocol.response import Response


class ResponseCreated(ServerEventBase):
    """A response has begun."""

    type: ClassVar[str] = "response.created"

    response: Response


class ResponseDone(ServerEventBase):
    """A response is over, however it ended: exactly one for each `response.created`."""

    type: ClassVar[str] = "response.done"

    response: Response


class _OfResponse(ServerEventBase):
    response_id: str
    output_index: Int


class ResponseOutputItemAdded(_OfResponse):
    """The response begins an item."""

    type: ClassVar[str] = "response.output_item.added"

    item: Item


class ResponseOutputItemDone(_OfResponse):
    """An item of the response is complete, or will be no more so."""

    type: ClassVar[str] = "response.output_item.done"

    item: Item


class _OfContent(_OfResponse):
    item_id: str
    content_index: Int


class ResponseContentPartAdded(_OfContent):
    """An item begins a content part (`audio` or `text`)."""

    type: ClassVar[str] = "response.content_part.added"

    part: ContentPart | None = None


class ResponseContentPartDone(_OfContent):
    """A content part is complete. xAI leaves `part` out."""

    type: ClassVar[str] = "response.content_part.done"

    part: ContentPart | None = None


class ResponseOutputTextDelta(_OfContent):
    """More text."""

    type: ClassVar[str] = "response.output_text.delta"

    delta: str


class ResponseOutputTextDone(_OfContent):
    """The whole text."""

    type: ClassVar[str] = "response.output_text.done"

    text: str


class ResponseOutputAudioTranscriptDelta(_OfContent):
    """More of what the audio says."""

    type: ClassVar[str] = "response.output_audio_transcript.delta"

    delta: str


class ResponseOutputAudioTranscriptDone(_OfContent):
    """All that the audio says."""

    type: ClassVar[str] = "response.output_audio_transcript.done"

    transcript: str


@dataclass(slots=True)
class ResponseOutputAudioDelta:
    """More of the model's audio, as raw bytes in the session's output format (`delta` on the wire).

    The hot path down: a plain slotted object, its fields checked by the codec, neither frozen nor a model.
    """

    type: ClassVar[str] = "response.output_audio.delta"

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    audio: bytes
    event_id: str | None = None
    extra: dict[str, Any] | None = None


class ResponseOutputAudioDone(_OfContent):
    """The audio of a content part is complete."""

    type: ClassVar[str] = "response.output_audio.done"


class ResponseFunctionCallArgumentsDelta(_OfResponse):
    """More of a function call's arguments."""

    type: ClassVar[str] = "response.function_call_arguments.delta"

    item_id: str
    call_id: str
    delta: str


class ResponseFunctionCallArgumentsDone(_OfResponse):
    """A function call's whole arguments. Older servers leave `name` out: the item has it."""

    type: ClassVar[str] = "response.function_call_arguments.done"

    item_id: str
    call_id: str
    name: str | None = None
    arguments: str


class ResponseMcpCallArgumentsDelta(_OfResponse):
    """More of an MCP call's arguments."""

    type: ClassVar[str] = "response.mcp_call_arguments.delta"

    item_id: str
    delta: str
    obfuscation: str | None = None


class ResponseMcpCallArgumentsDone(_OfResponse):
    """An MCP call's whole arguments."""

    type: ClassVar[str] = "response.mcp_call_arguments.done"

    item_id: str
    arguments: str


class _OfMcpCall(ServerEventBase):
    item_id: str
    output_index: Int


class ResponseMcpCallInProgress(_OfMcpCall):
    """The server calls an MCP tool."""

    type: ClassVar[str] = "response.mcp_call.in_progress"


class ResponseMcpCallCompleted(_OfMcpCall):
    """The MCP tool answered."""

    type: ClassVar[str] = "response.mcp_call.completed"


class ResponseMcpCallFailed(_OfMcpCall):
    """The MCP tool failed."""

    type: ClassVar[str] = "response.mcp_call.failed"


ResponseEvent = (
    ResponseCreated
    | ResponseDone
    | ResponseOutputItemAdded
    | ResponseOutputItemDone
    | ResponseContentPartAdded
    | ResponseContentPartDone
    | ResponseOutputTextDelta
    | ResponseOutputTextDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseFunctionCallArgumentsDelta
    | ResponseFunctionCallArgumentsDone
    | ResponseMcpCallArgumentsDelta
    | ResponseMcpCallArgumentsDone
    | ResponseMcpCallInProgress
    | ResponseMcpCallCompleted
    | ResponseMcpCallFailed
)
