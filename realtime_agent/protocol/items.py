"""Conversation items and their content."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from realtime_agent.protocol.base import (
    FROM_CLIENT,
    Flag,
    Int,
    Many,
    Model,
    UnknownVariant,
    Variant,
    missing,
    one_of,
    variant,
)

ItemStatus = Annotated[str, one_of("in_progress", "completed", "incomplete")]


class ContentPart(Model):
    """A piece of a message.

    In items `type` is `input_text`, `input_audio`, `input_image`, `output_text` or `output_audio`; in
    `response.content_part.*` events it is `text` or `audio`. `audio` is base64, `image_url` a data URI of a PNG or
    JPEG.
    """

    type: (
        Annotated[
            str, one_of("input_text", "input_audio", "input_image", "output_text", "output_audio", "text", "audio")
        ]
        | None
    ) = None
    text: str | None = None
    audio: str | None = None
    transcript: str | None = None
    image_url: str | None = None
    detail: Annotated[str, one_of("auto", "low", "high")] | None = None


_CONTENT_OF_ROLE = {
    "system": ("input_text",),
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text", "output_audio"),
}


class MessageItem(Variant):
    """Something that the system, the user or the assistant said, wrote or showed."""

    type: Literal["message"] = "message"
    id: str | None = None
    object: str | None = None
    status: ItemStatus | None = None
    role: Annotated[str, one_of("system", "user", "assistant")]
    content: Many[ContentPart] = Field(default_factory=list)

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        if context is FROM_CLIENT:
            self._check_content()

    def _check_content(self) -> None:
        if "content" not in self.model_fields_set:
            raise missing("content")
        allowed = _CONTENT_OF_ROLE[self.role]
        for index, part in enumerate(self.content):
            if part.type is not None and part.type not in allowed:
                message = "must be one of {allowed} in a message of the {role}"
                details = {"field": f"content[{index}].type", "allowed": ", ".join(allowed), "role": self.role}
                raise PydanticCustomError("content_type", message, details)


class FunctionCallItem(Variant):
    """The model wants a function called. `arguments` is JSON text."""

    type: Literal["function_call"] = "function_call"
    id: str | None = None
    object: str | None = None
    status: ItemStatus | None = None
    call_id: str | None = None
    name: str
    arguments: str


class FunctionCallOutputItem(Variant):
    """What the function gave, for the model."""

    type: Literal["function_call_output"] = "function_call_output"
    id: str | None = None
    object: str | None = None
    status: ItemStatus | None = None
    call_id: str
    output: str


class McpToolInfo(Model):
    """A tool as its MCP server describes it."""

    name: str
    description: str | None = None
    input_schema: Any
    annotations: Any = None


class McpListToolsItem(Variant):
    """The tools of an MCP server."""

    type: Literal["mcp_list_tools"] = "mcp_list_tools"
    id: str | None = None
    server_label: str
    tools: Many[McpToolInfo]


class McpError(Model):
    """Why an MCP call failed: `protocol_error` or `http_error`, with a code, or `tool_execution_error`."""

    type: Annotated[str, one_of("protocol_error", "tool_execution_error", "http_error")]
    message: str
    code: Int | None = None


class McpCallItem(Variant):
    """A call of an MCP tool, made by the server."""

    type: Literal["mcp_call"] = "mcp_call"
    id: str | None = None
    server_label: str
    name: str
    arguments: str
    approval_request_id: str | None = None
    output: str | None = None
    error: McpError | None = None


class McpApprovalRequestItem(Variant):
    """The server asks whether it may call an MCP tool."""

    type: Literal["mcp_approval_request"] = "mcp_approval_request"
    id: str
    server_label: str
    name: str
    arguments: str


class McpApprovalResponseItem(Variant):
    """The client's answer to it."""

    type: Literal["mcp_approval_response"] = "mcp_approval_response"
    id: str | None = None
    approval_request_id: str
    approve: Flag
    reason: str | None = None


class ItemReference(Variant):
    """Stands for an item of the conversation, in the `input` of a `response.create`."""

    type: Literal["item_reference"] = "item_reference"
    id: str


AnyItem = (
    MessageItem
    | FunctionCallItem
    | FunctionCallOutputItem
    | McpListToolsItem
    | McpCallItem
    | McpApprovalRequestItem
    | McpApprovalResponseItem
    | UnknownVariant
)

_ITEM_TYPES = (
    "message",
    "function_call",
    "function_call_output",
    "mcp_list_tools",
    "mcp_call",
    "mcp_approval_request",
    "mcp_approval_response",
)

Item = Annotated[
    Annotated[MessageItem, Tag("<message>")]
    | Annotated[FunctionCallItem, Tag("<function_call>")]
    | Annotated[FunctionCallOutputItem, Tag("<function_call_output>")]
    | Annotated[McpListToolsItem, Tag("<mcp_list_tools>")]
    | Annotated[McpCallItem, Tag("<mcp_call>")]
    | Annotated[McpApprovalRequestItem, Tag("<mcp_approval_request>")]
    | Annotated[McpApprovalResponseItem, Tag("<mcp_approval_response>")]
    | Annotated[UnknownVariant, Tag("<unknown>")],
    Discriminator(variant(*_ITEM_TYPES)),
]

InputItem = Annotated[
    Annotated[MessageItem, Tag("<message>")]
    | Annotated[FunctionCallItem, Tag("<function_call>")]
    | Annotated[FunctionCallOutputItem, Tag("<function_call_output>")]
    | Annotated[McpListToolsItem, Tag("<mcp_list_tools>")]
    | Annotated[McpCallItem, Tag("<mcp_call>")]
    | Annotated[McpApprovalRequestItem, Tag("<mcp_approval_request>")]
    | Annotated[McpApprovalResponseItem, Tag("<mcp_approval_response>")]
    | Annotated[ItemReference, Tag("<item_reference>")]
    | Annotated[UnknownVariant, Tag("<unknown>")],
    Discriminator(variant(*_ITEM_TYPES, "item_reference")),
]
