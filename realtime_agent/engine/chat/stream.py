"""A streamed chat completion, chunk by chunk, from servers that agree on most of it.

What differs, and is taken here: tool calls with an index (OpenAI, vLLM), with one index for all (Ollama), without ids
(llama.cpp), with whole objects as arguments; null content; reasoning in fields of its own or between <think> tags; no
`[DONE]` at the end; an error in the middle of the stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from realtime_agent.engine.parts import BrainUsage, ToolCallRequest
from realtime_agent.errors import EngineError

LONGEST_LINE_BYTES = 1 << 20
_MOST_CALLS = 128


class SseLines:
    """Bytes in any chunking to the `data` of server-sent events.

    Raises:
        EngineError: a line is longer than any chunk should be.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[str]:
        """The data lines that are complete now."""
        lines = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_LINE_BYTES:
            raise EngineError("The chat server sent an endless line instead of a stream.", code="brain_malformed")
        return [text for line in lines if (text := self._data(line)) is not None]

    def end(self) -> list[str]:
        """What a server left unfinished when it closed the connection."""
        rest, self._rest = self._rest, b""
        text = self._data(rest)
        return [text] if text is not None else []

    @staticmethod
    def _data(line: bytes) -> str | None:
        if not line.startswith(b"data:"):
            return None  # a comment, an event name, an empty line
        return line[5:].strip().decode("utf-8", "replace") or None


class ThoughtFilter:
    """Text without a leading <think> … </think> block: some servers leave a model's reasoning in the answer."""

    _OPEN, _CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False
        self._decided = False

    def feed(self, text: str) -> str:
        if self._decided:
            return text
        self._held += text
        if not self._thinking:
            begun = self._held.lstrip()
            if self._OPEN.startswith(begun[: len(self._OPEN)]) and len(begun) < len(self._OPEN):
                return ""  # may still become the tag
            if not begun.startswith(self._OPEN):
                self._decided = True
                held, self._held = self._held, ""
                return held
            self._thinking = True
        _, closed, after = self._held.partition(self._CLOSE)
        if not closed:
            self._held = self._held[-(len(self._CLOSE) + len(self._OPEN)) :] if len(self._held) > 1000 else self._held
            return ""
        self._decided, self._held = True, ""
        return after.lstrip()

    def end(self) -> str:
        """What was held back and is no thought after all."""
        held, self._held = self._held, ""
        return "" if self._thinking else held


@dataclass(slots=True)
class _Call:
    index: int | None
    id: str
    name: str
    arguments: str

    def whole(self) -> bool:
        try:
            return isinstance(json.loads(self.arguments), Mapping)
        except (ValueError, RecursionError):
            return False


@dataclass(slots=True)
class ChatStream:
    """What has come so far. `feed` a chunk at a time; `calls` and `usage` are whole at the end."""

    usage: BrainUsage | None = None
    finish_reason: str | None = None
    chunks: int = 0
    _calls: list[_Call] = field(default_factory=list)
    _thoughts: ThoughtFilter = field(default_factory=ThoughtFilter)

    def feed(self, data: str) -> str:
        """The text that one chunk adds.

        Raises:
            EngineError: the chunk is no JSON object, or holds an error.
        """
        try:
            chunk: Any = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise EngineError("The chat server sent a chunk that is not JSON.", code="brain_malformed") from error
        if not isinstance(chunk, Mapping):
            raise EngineError("The chat server sent a chunk that is not an object.", code="brain_malformed")
        if chunk.get("error"):
            raise EngineError(f"The chat server stopped with an error{_reason(chunk['error'])}.", code="brain_failed")
        self.chunks += 1
        self._read_usage(chunk.get("usage"))
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
            return ""
        choice = choices[0]
        if isinstance(choice.get("finish_reason"), str):
            self.finish_reason = choice["finish_reason"]
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, Mapping):
            return ""
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for call in calls:
                if isinstance(call, Mapping):
                    self._add_call(call)
        return self._thoughts.feed(_content(delta.get("content")) or _content(delta.get("refusal")))

    def end(self) -> str:
        """Text that was held back until the end."""
        return self._thoughts.end()

    @property
    def calls(self) -> list[ToolCallRequest]:
        return [ToolCallRequest(call.name, call.arguments.strip() or "{}") for call in self._calls if call.name]

    def _read_usage(self, usage: Any) -> None:
        if isinstance(usage, Mapping):
            counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
            self.usage = BrainUsage(*(count if isinstance(count, int) else 0 for count in counts))

    def _add_call(self, delta: Mapping[str, Any]) -> None:
        function = delta.get("function")
        function = function if isinstance(function, Mapping) else {}
        raw = function.get("arguments")
        arguments = raw if isinstance(raw, str) else "" if raw is None else json.dumps(raw, ensure_ascii=False)
        name = function.get("name")
        name = name if isinstance(name, str) else ""
        call_id = delta.get("id")
        call_id = call_id if isinstance(call_id, str) else ""
        index = delta.get("index")
        index = index if isinstance(index, int) and not isinstance(index, bool) else None
        call = self._continued(index, call_id, name, arguments)
        if call is None:
            if len(self._calls) >= _MOST_CALLS:
                raise EngineError("The chat server asked for far too many tool calls.", code="brain_malformed")
            self._calls.append(_Call(index, call_id, name, arguments))
            return
        call.id = call.id or call_id
        call.name = call.name or name
        call.arguments += arguments

    def _continued(self, index: int | None, call_id: str, name: str, arguments: str) -> _Call | None:
        """The call that a delta belongs to; None where it begins a new one."""
        candidates = [call for call in self._calls if index is None or call.index == index]
        if not candidates:
            return None
        call = candidates[-1]
        if call_id and call.id and call_id != call.id:
            return None  # one index for all calls: Ollama
        if name and (index is None or arguments.startswith("{")) and not (call_id and call_id == call.id):
            # Neither index nor id tell them apart: a name with arguments of its own begins a call,
            # once the last one is whole.
            return None if call.whole() or (index is None and call.name) else call
        return call


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str)
        )
    return ""


def _reason(error: Any) -> str:
    """A server's own name for an error; its sentence may hold what was said, so only its type or code is told."""
    if isinstance(error, Mapping):
        for key in ("code", "type"):
            if error.get(key):
                return f" ({str(error[key])[:60]})"
    return ""
