"""Drives a server session without asyncio, engine or clock: the test is the client, the ear, the brain and the time.

Everything passes through bytes, as on the wire. Every server event is checked by OpenAI's own types (strictly) and by
the order checker.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from realtime_agent.engine.parts import BrainRequest, BrainUsage, TextDelta, ToolCallRequest
from realtime_agent.engine.turn_end import probability, words_logit
from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import decode_client, encode
from realtime_agent.server.core.actions import (
    Action,
    Emit,
    EngineOutput,
    Heard,
    JudgeTurnEnd,
    ResponseCall,
    ResponseEnded,
    ResponseSpeech,
    ResponseText,
    ResponseUsed,
    StartResponse,
    StopResponse,
    StopTranscribing,
    Transcribe,
    TurnJudged,
)
from realtime_agent.server.core.session import ServerSession
from realtime_agent.server.core.settings import Capabilities
from tests.fakes_engine import MS_PER_CHARACTER, Script, echo, make_loudness_detector
from tests.order_checker import Json, OrderChecker


@cache
def oracle() -> TypeAdapter[Any]:
    return TypeAdapter(RealtimeServerEvent)


def counting_ids() -> Callable[[str], str]:
    counts: dict[str, int] = defaultdict(int)

    def new_id(kind: str) -> str:
        counts[kind] += 1
        return f"{kind}_{counts[kind]}"

    return new_id


class Harness:
    """A session, and everybody it talks to. The engine works when `run_engine` is called, or at once if `eager`."""

    def __init__(
        self,
        script: Script = echo,
        *,
        text: str = "hello there",
        eager: bool = True,
        make_session: Callable[..., Any] = ServerSession,
    ) -> None:
        self.script = script
        self.text = text
        self.eager = eager
        self.now = 1000.0
        self.events: list[Json] = []
        self.checker = OrderChecker()
        self.work: list[Action] = []  # what the engine was asked and has not done
        self.requests: list[BrainRequest] = []
        self.stopped: list[str] = []
        self.session = make_session(
            model="test-model",
            expires_at=1_800_000_000,
            new_id=counting_ids(),
            make_detector=make_loudness_detector,
            capabilities=Capabilities(voices=("fake",), languages=("en",)),
        )
        self.session.start(self.now)
        self._settle()

    # the client

    def send(self, type: str, **fields: Any) -> list[Json]:
        """Send one event; returns the events that answer it."""
        return self.send_raw(json.dumps({"type": type, **fields}))

    def send_raw(self, message: str | bytes) -> list[Json]:
        seen = len(self.events)
        try:
            event = decode_client(message)
        except RemoteProtocolError as error:
            self.session.refuse(error)
        else:
            self.session.receive(event, self.now)
        self._settle()
        return self.events[seen:]

    def update(self, **session: Any) -> list[Json]:
        return self.send("session.update", session={"type": "realtime", **session})

    def hear(self, pcm: bytes, *, step_bytes: int = 960) -> list[Json]:
        """The person's audio, in pieces of 20 ms."""
        seen = len(self.events)
        for offset in range(0, len(pcm), step_bytes):
            piece = base64.b64encode(pcm[offset : offset + step_bytes]).decode()
            self.send("input_audio_buffer.append", audio=piece)
        return self.events[seen:]

    def write(self, text: str) -> list[Json]:
        content = [{"type": "input_text", "text": text}]
        return self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    # the time

    def wait(self, seconds: float) -> list[Json]:
        seen = len(self.events)
        end = self.now + seconds
        while (due := self.session.next_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            self.session.handle_timer(self.now)
            self._settle()
        self.now = end
        return self.events[seen:]

    # the engine

    def run_engine(self) -> list[Json]:
        """Do all that was asked of the engine."""
        seen = len(self.events)
        while self.work:
            action = self.work.pop(0)
            if isinstance(action, Transcribe):
                self.answer(Heard(action.item_id, action.revision, self.text))
            elif isinstance(action, JudgeTurnEnd):
                self.answer(TurnJudged(action.item_id, action.revision, probability(words_logit(action.text))))
            elif isinstance(action, StartResponse):
                for output in outputs_of(action, self.script):
                    self.answer(output)
        return self.events[seen:]

    def answer(self, output: EngineOutput) -> list[Json]:
        seen = len(self.events)
        self.session.answer(output, self.now)
        self._drain()
        return self.events[seen:]

    def started(self) -> StartResponse:
        """The response that waits for the engine; the test plays the engine."""
        [action] = [action for action in self.work if isinstance(action, StartResponse)]
        self.work.remove(action)
        return action

    def _settle(self) -> None:
        self._drain()
        if self.eager:
            self.run_engine()

    def _drain(self) -> None:
        for action in self.session.actions():
            match action:
                case Emit(event=event):
                    wire = json.loads(encode(event))
                    oracle().validate_python(wire)
                    self.checker.feed(wire)
                    self.events.append(wire)
                case StartResponse(request=request):
                    self.requests.append(request)
                    self.work.append(action)
                case Transcribe() | JudgeTurnEnd():
                    self.work.append(action)
                case StopResponse(response_id=stopped):
                    self.stopped.append(stopped)
                    self.work = [work for work in self.work if getattr(work, "response_id", None) != stopped]
                case StopTranscribing(item_id=stopped):
                    self.work = [work for work in self.work if getattr(work, "item_id", None) != stopped]

    # looking at what came

    def of(self, type: str) -> list[Json]:
        return [event for event in self.events if event["type"] == type]

    def last(self, type: str) -> Json:
        return self.of(type)[-1]

    @property
    def response(self) -> Json:
        """The last response that was done."""
        response: Json = self.last("response.done")["response"]
        return response


def outputs_of(action: StartResponse, script: Script) -> Sequence[EngineOutput]:
    """What the shell would answer, with a voice that takes 40 ms a character."""
    outputs: list[EngineOutput] = []
    for event in script(action.request):
        match event:
            case TextDelta(text=text) if action.speaks:
                outputs.append(ResponseSpeech(action.response_id, text, sound_of(text, action)))
            case TextDelta(text=text):
                outputs.append(ResponseText(action.response_id, text))
            case ToolCallRequest(name=name, arguments=arguments):
                outputs.append(ResponseCall(action.response_id, name, arguments))
            case BrainUsage(input_tokens=read, output_tokens=written):
                outputs.append(ResponseUsed(action.response_id, read, written))
    return [*outputs, ResponseEnded(action.response_id)]


def sound_of(text: str, action: StartResponse) -> bytes:
    return bytes(action.format.size_bytes(len(text) * MS_PER_CHARACTER))


def kinds(events: Sequence[Json]) -> list[str]:
    """The types of events; deltas in a row count once."""
    types: list[str] = []
    for event in events:
        if not (types and types[-1] == event["type"] and event["type"].endswith(".delta")):
            types.append(event["type"])
    return types


def error_of(events: Sequence[Json]) -> Json:
    """The one error in an answer that consists of nothing else."""
    assert [event["type"] for event in events] == ["error"], kinds(events)
    error: Json = events[0]["error"]
    return error
