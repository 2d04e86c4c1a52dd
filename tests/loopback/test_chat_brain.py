"""ChatBrain against a real HTTP server on the loopback, with chunks in the shapes that the known servers send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from realtime_agent.engine.chat.brain import ChatBrain, ChatTimeouts
from realtime_agent.engine.parts import (
    BrainEvent,
    BrainRequest,
    BrainUsage,
    Message,
    PastCall,
    TextDelta,
    ToolCallRequest,
    ToolSpec,
)
from realtime_agent.errors import ConfigError, EngineError

WEATHER = ToolSpec(
    "get_weather",
    "Weather of a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
HELLO = BrainRequest("Be brief.", [Message("user", "Hello")])


@dataclass(slots=True)
class Answer:
    """What the server does with one request: status, pieces of body, and how it ends."""

    pieces: list[str] = field(default_factory=list)
    status: int = 200
    type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    then: str = "end"  # "end", "hang", "reset"


@dataclass(slots=True)
class Server:
    """Answers requests in turn (the last answer again and again) and remembers them."""

    answers: list[Answer]
    port: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[asyncio.Task[None] | None] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                lines = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head.split("\r\n")[1:])}
                self.heads.append(head)
                self.bodies.append(json.loads(await reader.readexactly(int(lines["content-length"]))))
                if not await self.answer(self.answers[min(len(self.bodies), len(self.answers)) - 1], reader, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.left.set()
            writer.close()

    async def answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        head = f"HTTP/1.1 {answer.status} X\r\nContent-Type: {answer.type}\r\n{head}"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for piece in answer.pieces:
            data = piece.encode()
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            await writer.drain()
        if answer.then == "hang":
            await reader.read(1)  # until the client goes away
            return False
        if answer.then == "reset":
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncIterator[Server]:
    server = Server(list(answers))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        if server.serving:
            _, late = await asyncio.wait([task for task in server.serving if task], timeout=5)
            assert not late


def sse(*chunks: Any, done: bool = True, mark: str = "data: ") -> Answer:
    lines = [f"{mark}{chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n" for chunk in chunks]
    return Answer(lines + (["data: [DONE]\n\n"] if done else []))


def delta(content: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    inner = {**({} if content is None else {"content": content}), **more}
    return {
        "id": "x",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": inner, "finish_reason": finish}],
    }


def calls(*tool_calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return delta(None, tool_calls=list(tool_calls), **more)


async def reply(server: Server, request: BrainRequest = HELLO, **options: Any) -> list[BrainEvent]:
    brain = ChatBrain(server.url, "m", **{"timeouts": ChatTimeouts(pause_s=0.01), **options})
    try:
        return [event async for event in brain.reply(request)]
    finally:
        await brain.close()


def text_of(events: list[BrainEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def calls_of(events: list[BrainEvent]) -> list[tuple[str, Any]]:
    return [(event.name, json.loads(event.arguments)) for event in events if isinstance(event, ToolCallRequest)]


OPENAI = sse(
    delta("", role="assistant", refusal=None), delta("Hel"), delta("lo."), delta(finish="stop"),
    {"id": "x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}},
)  # fmt: skip
OPENAI_CALLS = sse(
    calls({"index": 0, "id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": ""}}),
    calls({"index": 0, "function": {"arguments": '{"ci'}}),
    calls({"index": 0, "function": {"arguments": 'ty":"Paris"}'}}),
    calls({"index": 1, "id": "call_b", "type": "function", "function": {"name": "get_weather", "arguments": ""}}),
    calls({"index": 1, "function": {"arguments": '{"city":"Rome"}'}}),
    delta(finish="tool_calls"),
)
# Whole calls in one chunk, all with index 0, told apart by their ids alone.
OLLAMA_CALLS = sse(
    calls({"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather",
    "arguments": '{"city":"Paris"}'}}, role="assistant"),
    calls({"index": 0, "id": "call_2", "type": "function", "function": {"name": "get_weather",
    "arguments": '{"city":"Rome"}'}}),
    delta("", finish="stop"),
)  # fmt: skip
OLLAMA_OBJECTS = sse(
    calls({"function": {"name": "get_weather", "arguments": {"city": "Paris"}}},
    {"function": {"name": "get_weather", "arguments": {"city": "Rome"}}}),
    done=False,
)  # fmt: skip
LLAMA_CPP_CALLS = sse(
    delta(None, role="assistant", reasoning_content="Let me think."),
    calls({"index": 0, "function": {"name": "get_weather", "arguments": ""}}),
    calls({"index": 0, "function": {"arguments": '{"city": "Paris"}'}}),
    calls({"index": 1, "function": {"name": "get_weather", "arguments": '{"city": '}}),
    calls({"index": 1, "function": {"arguments": '"Rome"}'}}),
    delta(finish="tool_calls"), done=False,
)  # fmt: skip
VLLM_CALLS = sse(
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "logprobs": None,
    "finish_reason": None}]},
    calls({"id": "chatcmpl-tool-1", "type": "function", "index": 0, "function": {"name": "get_weather"}}),
    calls({"index": 0, "function": {"arguments": '{"city": "Paris"'}}),
    calls({"index": 0, "function": {"arguments": "}"}}),
    calls({"id": "chatcmpl-tool-2", "type": "function", "index": 1, "function": {"name": "get_weather"}}),
    calls({"index": 1, "function": {"arguments": '{"city": "Rome"}'}}),
    delta("", finish="tool_calls", reasoning=None),
)  # fmt: skip
# The whole call again and again in one id, as some proxies do with the name in every delta.
REPEATED_NAME = sse(
    calls({"index": 0, "id": "c1", "function": {"name": "get_weather", "arguments": '{"city"'}}),
    calls({"index": 0, "id": "c1", "function": {"name": "get_weather", "arguments": ':"Paris"}'}}),
    calls({"index": 1, "id": "c2", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}),
)


async def test_text_comes_as_it_is_written_and_usage_comes_last() -> None:
    async with serving(OPENAI) as server:
        events = await reply(server)
    assert events == [TextDelta("Hel"), TextDelta("lo."), BrainUsage(9, 2)]


@pytest.mark.parametrize(
    "answer",
    [OPENAI_CALLS, OLLAMA_CALLS, OLLAMA_OBJECTS, LLAMA_CPP_CALLS, VLLM_CALLS, REPEATED_NAME],
    ids=["openai", "ollama", "ollama-objects", "llama.cpp", "vllm", "repeated-name"],
)
async def test_parallel_tool_calls_are_put_together_from_every_servers_shape(answer: Answer) -> None:
    async with serving(answer) as server:
        events = await reply(server, BrainRequest("", [Message("user", "Weather in Paris and Rome?")], [WEATHER]))
    assert calls_of(events) == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})]
    assert text_of(events) == ""


async def test_a_call_without_arguments_gets_an_empty_object() -> None:
    async with serving(sse(calls({"index": 0, "id": "a", "function": {"name": "now", "arguments": None}}))) as server:
        assert calls_of(await reply(server)) == [("now", {})]


@pytest.mark.parametrize("cut", [1, 2, 7, 1000])
async def test_any_chunking_of_the_bytes_gives_the_same_events(cut: int) -> None:
    whole = "".join(OPENAI.pieces).replace("\n\n", "\r\n\r\n") + ": a comment\n"
    pieces = [whole[i : i + cut] for i in range(0, len(whole), cut)]
    async with serving(Answer(pieces)) as server:
        assert await reply(server) == [TextDelta("Hel"), TextDelta("lo."), BrainUsage(9, 2)]


async def test_reasoning_is_not_spoken_wherever_the_server_puts_it() -> None:
    answer = sse(
        delta(None, reasoning_content="hmm"), delta(None, reasoning="hmm"), delta("<thi"),
        delta("nk>I wonder</th"), delta("ink>\n\nFour"), delta(".")
    )  # fmt: skip
    async with serving(answer) as server:
        assert text_of(await reply(server)) == "Four."


async def test_text_that_only_begins_like_a_thought_is_all_spoken() -> None:
    async with serving(sse(delta("<th"), delta("ree is less than four"))) as server:
        assert text_of(await reply(server)) == "<three is less than four"
    async with serving(sse(delta("<thi"))) as server:
        assert text_of(await reply(server)) == "<thi"


async def test_content_in_parts_and_a_missing_done_are_taken() -> None:
    async with serving(sse(delta([{"type": "text", "text": "Hi"}]), delta("!"), done=False)) as server:
        assert text_of(await reply(server)) == "Hi!"


async def test_a_server_that_does_not_stream_is_understood_all_the_same() -> None:
    body = {"choices": [{"message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}], "usage": {
    "prompt_tokens": 1, "completion_tokens": 2}}  # fmt: skip
    async with serving(Answer([json.dumps(body)], type="application/json")) as server:
        assert await reply(server) == [TextDelta("Hi."), BrainUsage(1, 2)]


async def test_the_request_carries_the_conversation_in_chat_messages() -> None:
    request = BrainRequest(
        "Be Ada.",
        [
            Message("system", "Mind the weather."),
            Message("user", "Weather?"),
            Message("assistant", "One moment."),
            PastCall("c1", "get_weather", '{"city":"Paris"}', "18"),
            PastCall("c2", "get_weather", "not json"),
            Message("assistant", ""),
            Message("user", "And this?", ("data:image/png;base64,AA==",)),
        ],
        [WEATHER],
        tool_choice="get_weather",
        max_output_tokens=50,
    )
    async with serving(OPENAI) as server:
        await reply(server, request, api_key="secret", options={"temperature": 0.1})
    assert server.heads[0].startswith("POST /v1/chat/completions ")
    assert "authorization: bearer secret" in server.heads[0].lower()
    body = server.bodies[0]
    assert body["messages"] == [
        {"role": "system", "content": "Be Ada.\n\nMind the weather."},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "One moment.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}},
                {"id": "c2", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "18"},
        {"role": "tool", "tool_call_id": "c2", "content": '{"status": "still running"}'},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "And this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        },
    ]
    assert body["tools"][0]["function"] == {
        "name": "get_weather", "description": "Weather of a city", "parameters": dict(WEATHER.parameters),
    }  # fmt: skip
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert (body["max_tokens"], body["temperature"], body["stream"]) == (50, 0.1, True)
    assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(("choice", "sent"), [("auto", "auto"), ("required", "required"), ("none", None)])
async def test_tool_choice_is_said_in_the_servers_words(choice: str, sent: str | None) -> None:
    async with serving(OPENAI) as server:
        await reply(server, BrainRequest("", [Message("user", "Hi")], [WEATHER], tool_choice=choice))
    assert server.bodies[0].get("tool_choice") == sent
    assert ("tools" in server.bodies[0]) == (sent is not None)


def refusing(message: str, status: int = 400) -> Answer:
    return Answer([json.dumps({"error": {"message": message, "code": "bad"}})], status=status, type="application/json")


async def test_a_server_that_refuses_stream_options_is_asked_without_and_remembered() -> None:
    async with serving(refusing("Unknown field: stream_options"), OPENAI) as server:
        brain = ChatBrain(server.url, "m")
        assert text_of([event async for event in brain.reply(HELLO)]) == "Hello."
        assert text_of([event async for event in brain.reply(HELLO)]) == "Hello."
        await brain.close()
    assert ["stream_options" in body for body in server.bodies] == [True, False, False]


async def test_a_server_that_wants_the_other_name_for_the_token_limit_gets_it() -> None:
    request = BrainRequest("", [Message("user", "Hi")], max_output_tokens=9)
    complaint = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    async with serving(refusing(complaint), OPENAI) as server:
        await reply(server, request)
    assert server.bodies[1]["max_completion_tokens"] == 9
    assert "max_tokens" not in server.bodies[1]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (refusing("Incorrect API key provided: sk-secret", 401), "brain_auth", "refused the key"),
        (refusing("model 'm' not found, try pulling it first", 404), "brain_model_not_found", "no model 'm'"),
        (Answer(["404 page not found"], status=404, type="text/plain"), "brain_model_not_found", "/v1"),
        (refusing("m does not support tools"), "brain_refused", "cannot call tools"),
        (refusing("Weather? is a bad word"), "brain_refused", "HTTP 400"),
        (refusing("quota", 429), "brain_rate_limited", "too many requests"),
        (Answer(["oops"], status=503, type="text/plain"), "brain_failed", "HTTP 503"),
        (Answer([], status=302, headers={"Location": "/"}), "brain_malformed", "not a chat server"),
        (sse("{not json"), "brain_malformed", "not JSON"),
        (sse("[1]"), "brain_malformed", "not an object"),
        (sse({"error": {"message": "Weather? overflow", "type": "context_length"}}), "brain_failed", "context_length"),
        (Answer([]), "brain_malformed", "empty stream"),
        (Answer(["<html>hello</html>"], type="text/html"), "brain_malformed", "empty stream"),
        (Answer(["data: " + "x" * 200_000] * 6), "brain_malformed", "endless"),
        (Answer(["data: {"], then="reset"), "brain_failed", "broke"),
    ],
)
async def test_what_goes_wrong_is_told_in_a_sentence_without_secrets(answer: Answer, code: str, words: str) -> None:
    async with serving(answer) as server:
        with pytest.raises(EngineError) as caught:
            await reply(server, BrainRequest("", [Message("user", "Weather?")]), api_key="sk-secret")
    assert caught.value.code == code
    assert words in caught.value.message
    assert "secret" not in caught.value.message
    assert "Weather?" not in caught.value.message


async def test_nobody_there_is_told_at_once() -> None:
    async with serving(OPENAI) as server:
        pass
    with pytest.raises(EngineError, match="cannot be reached") as caught:
        await reply(server)
    assert caught.value.code == "brain_unreachable"


@pytest.mark.parametrize("trouble", [Answer(["x"], status=503), Answer([], then="reset"), refusing("slow down", 429)])
async def test_trouble_before_the_first_token_is_tried_once_more(trouble: Answer) -> None:
    async with serving(trouble, OPENAI) as server:
        assert text_of(await reply(server)) == "Hello."
    async with serving(trouble, trouble, OPENAI) as server:
        with pytest.raises(EngineError):
            await reply(server)
    assert len(server.bodies) == 2


async def test_trouble_after_the_first_token_is_not_tried_again() -> None:
    half = Answer(sse(delta("Hel"), done=False).pieces, then="reset")
    async with serving(half, OPENAI) as server:
        with pytest.raises(EngineError) as caught:
            await reply(server)
    assert caught.value.code == "brain_failed"
    assert len(server.bodies) == 1


async def test_a_connection_that_breaks_after_the_answer_was_whole_costs_nothing() -> None:
    async with serving(Answer(sse(delta("Hello."), delta(finish="stop"), done=False).pieces, then="reset")) as server:
        assert text_of(await reply(server)) == "Hello."


@pytest.mark.parametrize("pieces", [[], [": keep-alive\n\n"], sse(delta("Hel"), done=False).pieces])
async def test_a_server_that_goes_silent_is_left_at_the_deadline(pieces: list[str]) -> None:
    async with serving(Answer(pieces, then="hang")) as server:
        timeouts = ChatTimeouts(connect_s=0.05, first_s=0.1, next_s=0.1)
        with pytest.raises(EngineError, match="sent nothing") as caught:
            await reply(server, timeouts=timeouts)
        await asyncio.wait_for(server.left.wait(), 5)
    assert caught.value.code == "brain_timeout"


async def test_closing_the_iterator_closes_the_http_stream() -> None:
    async with serving(Answer(sse(delta("Hel"), done=False).pieces, then="hang")) as server:
        brain = ChatBrain(server.url, "m")
        events = brain.reply(HELLO)
        async with aclosing(events) as closing:  # type: ignore[type-var]
            assert await anext(closing) == TextDelta("Hel")
        await asyncio.wait_for(server.left.wait(), 5)
        await brain.close()
        await brain.close()


async def test_cancelling_the_task_closes_the_http_stream() -> None:
    async with serving(Answer([], then="hang")) as server:
        task = asyncio.create_task(reply(server))
        while not server.bodies:
            await asyncio.wait_for(asyncio.sleep(0), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 5)


@pytest.mark.parametrize("url", ["localhost:11434", "http://", "http://x:0x/", "ws://x/v1"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="http://localhost"):
        ChatBrain(url, "m")


def test_every_spelling_of_the_address_leads_to_the_same_place() -> None:
    spellings: list[Callable[[str], str]] = [str, lambda u: u + "/", lambda u: u + "/chat/completions"]
    assert len({ChatBrain(spell("http://h:1/v1"), "m")._url for spell in spellings}) == 1
