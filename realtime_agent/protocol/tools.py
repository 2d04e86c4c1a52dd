"""Tools as the session configuration carries them."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from realtime_agent.protocol.base import Flag, Many, Model, UnknownVariant, Variant, one_of, variant


class FunctionTool(Variant):
    """A function that the client runs. `parameters` is the JSON schema of an object."""

    type: Literal["function"] = "function"
    name: str | None = None
    description: str | None = None
    parameters: Any = None


class McpToolFilter(Model):
    """Some tools of an MCP server."""

    tool_names: Many[str] | None = None
    read_only: Flag | None = None


class McpApprovalFilter(Model):
    """Which tools need approval and which do not."""

    always: McpToolFilter | None = None
    never: McpToolFilter | None = None


class McpTool(Variant):
    """The tools of an MCP server, called by the model's server itself."""

    type: Literal["mcp"] = "mcp"
    server_label: str
    server_url: str | None = None
    connector_id: str | None = None
    tunnel_id: str | None = None
    server_description: str | None = None
    authorization: str | None = None
    headers: dict[str, str] | None = None
    allowed_tools: Many[str] | McpToolFilter | None = None
    allowed_callers: Many[Annotated[str, one_of("direct", "programmatic")]] | None = None
    require_approval: Annotated[str, one_of("always", "never")] | McpApprovalFilter | None = None
    defer_loading: Flag | None = None


Tool = Annotated[
    Annotated[FunctionTool, Tag("<function>")]
    | Annotated[McpTool, Tag("<mcp>")]
    | Annotated[UnknownVariant, Tag("<unknown>")],
    Discriminator(variant("function", "mcp")),
]


class ToolChoiceFunction(Variant):
    """This function must be called."""

    type: Literal["function"] = "function"
    name: str


class ToolChoiceMcp(Variant):
    """This MCP server must be used, or this tool of it."""

    type: Literal["mcp"] = "mcp"
    server_label: str
    name: str | None = None


NamedToolChoice = Annotated[
    Annotated[ToolChoiceFunction, Tag("<function>")]
    | Annotated[ToolChoiceMcp, Tag("<mcp>")]
    | Annotated[UnknownVariant, Tag("<unknown>")],
    Discriminator(variant("function", "mcp")),
]

ToolChoice = Annotated[str, one_of("auto", "none", "required")] | NamedToolChoice
