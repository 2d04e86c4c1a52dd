"""A brain's request as the body of a `/chat/completions` call.

Source: OpenAI's API reference of chat completions. Where servers differ, the shape that all of them take is chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from realtime_agent.engine.parts import BrainRequest, Message, PastCall

# Every tool call must be followed by a tool message, also one that is still running.
_NO_OUTPUT_YET = '{"status": "still running"}'


def chat_body(request: BrainRequest, model: str, *, tokens_field: str, include_usage: bool) -> dict[str, Any]:
    """The JSON body; `tokens_field` is what the server calls the limit of the answer's length."""
    body: dict[str, Any] = {"model": model, "messages": chat_messages(request), "stream": True}
    if include_usage:
        body["stream_options"] = {"include_usage": True}
    if request.max_output_tokens is not None:
        body[tokens_field] = request.max_output_tokens
    # Some servers ignore tool_choice "none": without tools they cannot call any.
    if request.tools and request.tool_choice != "none":
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters) or {"type": "object", "properties": {}},
                },
            }
            for tool in request.tools
        ]
        body["tool_choice"] = _tool_choice(request.tool_choice)
    return body


def _tool_choice(choice: str) -> str | dict[str, Any]:
    if choice in ("auto", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def chat_messages(request: BrainRequest) -> list[dict[str, Any]]:
    """The conversation as chat messages: calls made together stand in one assistant message, each with its output "
    "after."""
    messages: list[dict[str, Any]] = []
    items, at = request.conversation, 0
    system = [request.instructions] if request.instructions.strip() else []
    while at < len(items) and isinstance(first := items[at], Message) and first.role == "system":
        system.append(first.text)
        at += 1
    if system:
        # One system message at the front: many chat templates refuse a second.
        messages.append({"role": "system", "content": "\n\n".join(system)})
    while at < len(items):
        item = items[at]
        if isinstance(item, PastCall):
            calls = _calls_from(items, at)
            _add_calls(messages, calls, at)
            at += len(calls)
            continue
        message = _message(item)
        if message is not None:
            messages.append(message)
        at += 1
    return messages


def _calls_from(items: Sequence[Message | PastCall], at: int) -> list[PastCall]:
    calls: list[PastCall] = []
    while at < len(items) and isinstance(item := items[at], PastCall):
        calls.append(item)
        at += 1
    return calls


def _add_calls(messages: list[dict[str, Any]], calls: Sequence[PastCall], at: int) -> None:
    ids = [call.call_id or f"call_{at + number}" for number, call in enumerate(calls)]
    tool_calls = [
        {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": _object_text(call.arguments)}}
        for call_id, call in zip(ids, calls, strict=True)
    ]
    if messages and messages[-1]["role"] == "assistant" and "tool_calls" not in messages[-1]:
        messages[-1]["tool_calls"] = tool_calls
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": tool_calls})
    for call_id, call in zip(ids, calls, strict=True):
        output = _NO_OUTPUT_YET if call.output is None else call.output
        messages.append({"role": "tool", "tool_call_id": call_id, "content": output})


def _object_text(arguments: str) -> str:
    """Arguments that are a JSON object, as they are; else an empty object: servers parse them and refuse the rest."""
    try:
        return arguments if isinstance(json.loads(arguments), Mapping) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def _message(item: Message) -> dict[str, Any] | None:
    if item.image_urls:
        parts: list[dict[str, Any]] = [{"type": "text", "text": item.text}] if item.text.strip() else []
        parts += [{"type": "image_url", "image_url": {"url": url}} for url in item.image_urls]
        return {"role": item.role, "content": parts}
    # What was cut off before a word of it was heard says nothing, and some servers refuse empty content.
    return {"role": item.role, "content": item.text} if item.text.strip() else None
