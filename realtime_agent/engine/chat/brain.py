"""A brain behind any OpenAI-compatible `/chat/completions`: OpenAI, Ollama, vLLM, llama.cpp and others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from realtime_agent.engine.chat.errors import Adaptation, Refused, adaptation, refusal
from realtime_agent.engine.chat.messages import chat_body
from realtime_agent.engine.chat.stream import ChatStream, SseLines
from realtime_agent.engine.parts import BrainEvent, BrainRequest, TextDelta
from realtime_agent.errors import ConfigError, EngineError, MissingExtra

if TYPE_CHECKING:
    import httpx

_LONGEST_BODY_BYTES = 1 << 22
_LONGEST_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class ChatTimeouts:
    """How long to wait for the chat server, in seconds: to connect, for the first chunk (a local server may still be
    loading its model), for each one after it, and before the one second try."""

    connect_s: float = 5.0
    first_s: float = 60.0
    next_s: float = 20.0
    pause_s: float = 0.25


class ChatBrain:
    """Answers with a chat model, streaming, with tools.

    Args:
        base_url: where `/chat/completions` is, usually ending in `/v1`: `http://localhost:11434/v1` for Ollama.
        model: the model's name there.
        api_key: sent as a bearer token where given.
        options: more fields of the request's body, such as `{"temperature": 0.3}`.
        headers: more HTTP headers.
        timeouts: how long to wait.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: ChatTimeouts | None = None,
    ) -> None:
        if not base_url.startswith(("http://", "https://")) or not _has_host(base_url):
            raise ConfigError("The address of a chat server looks like http://localhost:11434/v1, not like this one.")
        self._url = base_url.rstrip("/").removesuffix("/chat/completions") + "/chat/completions"
        self._model = model
        self._api_key = api_key
        self._options = dict(options or {})
        self._headers = dict(headers or {})
        self._timeouts = timeouts or ChatTimeouts()
        self._client: httpx.AsyncClient | None = None
        openai = "api.openai.com" in base_url or ".openai.azure.com" in base_url
        # What the server was found to take; learnt from its refusals.
        self._tokens_field = "max_completion_tokens" if openai else "max_tokens"
        self._include_usage = True

    @property
    def name(self) -> str:
        return self._model

    async def reply(self, request: BrainRequest) -> AsyncIterator[BrainEvent]:
        """Answer as the model writes. Tool calls and usage come at the end.

        Raises:
            EngineError: code "brain_unreachable", "brain_timeout", "brain_auth", "brain_model_not_found",
                "brain_rate_limited", "brain_refused", "brain_failed" or "brain_malformed".
            MissingExtra: httpx is not installed.
        """
        retried, adapted = False, set[Adaptation]()
        while True:
            begun = False
            try:
                async with aclosing(self._attempt(request)) as events:
                    async for event in events:
                        begun = True
                        yield event
            except Refused as refused:
                change = adaptation(refused)
                if not begun and change is not None and change not in adapted:
                    adapted.add(change)
                    self._adapt(change)
                    continue
                if begun or retried or not refused.passing:
                    raise EngineError(refused.message, code=refused.code) from None
                retried = True
                await asyncio.sleep(min(refused.retry_after_s or self._timeouts.pause_s, _LONGEST_PAUSE_S))
            else:
                return

    async def close(self) -> None:
        """Close the connections. Idempotent; the brain may be used again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _adapt(self, change: Adaptation) -> None:
        if change == "without_usage":
            self._include_usage = False
        else:
            self._tokens_field = "max_tokens" if self._tokens_field != "max_tokens" else "max_completion_tokens"

    async def _attempt(self, request: BrainRequest) -> AsyncGenerator[BrainEvent, None]:
        body = chat_body(request, self._model, tokens_field=self._tokens_field, include_usage=self._include_usage)
        stream = ChatStream()
        try:
            async with aclosing(self._chunks({**body, **self._options})) as chunks:
                async for chunk in chunks:
                    text = stream.feed(chunk)
                    if text:
                        yield TextDelta(text)
        except Refused:
            if stream.finish_reason is None:
                raise
            # The answer was whole; only its end was untidy.
        if not stream.chunks:
            raise EngineError(f"{self._where} answered with an empty stream.", code="brain_malformed")
        rest = stream.end()
        if rest:
            yield TextDelta(rest)
        for call in stream.calls:
            yield call
        if stream.usage is not None:
            yield stream.usage

    async def _chunks(self, body: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        """The `data` of each chunk, until `[DONE]` or the end.

        Raises:
            Refused: there is no answer, or no more of it.
        """
        client = self._open()
        content = json.dumps(body, ensure_ascii=False).encode()
        patience = _Patience(self._timeouts.connect_s + self._timeouts.first_s)
        with self._told_clearly(patience):
            async with patience.step():
                response = await client.send(client.build_request("POST", self._url, content=content), stream=True)
            pieces = response.aiter_bytes()
            try:
                if response.status_code != 200 or "json" in response.headers.get("content-type", ""):
                    async with patience.step():
                        whole = await _whole(pieces)
                    if response.status_code != 200:
                        raise refusal(response.status_code, whole, response.headers, self._model, self._where)
                    yield whole.decode("utf-8", "replace")  # not streamed, all the same an answer
                    return
                lines, ended = SseLines(), False
                while not ended:
                    async with patience.step():
                        piece = await anext(pieces, None)
                    ended = piece is None
                    for data in lines.end() if piece is None else lines.feed(piece):
                        if data == "[DONE]":
                            return
                        yield data
                        patience.renew(self._timeouts.next_s)
            finally:
                # Closing the response before its end closes the connection: the server stops writing.
                await response.aclose()
                await _unwound(pieces)

    @contextmanager
    def _told_clearly(self, patience: _Patience) -> Iterator[None]:
        httpx = _httpx()
        try:
            yield
        except TimeoutError:
            raise Refused(f"{self._where} sent nothing for {patience.wait_s:g} seconds.", "brain_timeout") from None
        except httpx.ConnectTimeout:
            raise Refused(f"{self._where} did not answer. Is it running?", "brain_unreachable") from None
        except httpx.ConnectError:
            sentence = f"{self._where} cannot be reached. Is it running?"
            raise Refused(sentence, "brain_unreachable", passing=True) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            sentence = f"The connection to the chat server broke ({type(error).__name__})."
            raise Refused(sentence, "brain_failed", passing=True) from None

    @property
    def _where(self) -> str:
        host = self._url.split("://", 1)[1].split("/", 1)[0].rpartition("@")[2]
        return f"The chat server at {host}"

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            httpx = _httpx()
            headers = {"Content-Type": "application/json", "Accept": "text/event-stream", **self._headers}
            if self._api_key is not None:
                headers["Authorization"] = f"Bearer {self._api_key}"
            # Only connecting is httpx's to time: what the server may take to answer is timed by chunks above.
            limits = httpx.Timeout(None, connect=self._timeouts.connect_s)
            self._client = httpx.AsyncClient(headers=headers, timeout=limits)
        return self._client


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        raise MissingExtra("A chat model as brain", "engine") from None
    return httpx


async def _whole(pieces: AsyncIterator[bytes]) -> bytes:
    """A body that is not a stream, up to a limit."""
    body = b""
    async for piece in pieces:
        body += piece
        if len(body) > _LONGEST_BODY_BYTES:
            break
    return body


async def _unwound(pieces: AsyncIterator[bytes]) -> None:
    """Run the nested generators of a closed response to their end; left half way, each would be closed by a task that
    the garbage collector starts and nobody holds."""
    httpx = _httpx()
    try:
        async for _ in pieces:
            pass  # what was buffered
    except (httpx.HTTPError, httpx.StreamError):
        pass


class _Patience:
    """A deadline over several waits: only what counts renews it, and no time runs while the caller has the chunk."""

    def __init__(self, wait_s: float) -> None:
        self.renew(wait_s)

    def renew(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self._until = asyncio.get_running_loop().time() + wait_s

    def step(self) -> asyncio.Timeout:
        """The time that is left, for one wait."""
        return asyncio.timeout_at(self._until)
