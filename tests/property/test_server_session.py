"""Whatever a client sends, whatever the engine does and in whatever order, a session keeps its promises.

A rule-based machine plays client, person, engine and clock. After every step all events have passed the SDK's types
and the order checker (in the harness); at the end everything that was begun must have ended.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from realtime_agent.engine.parts import Message
from realtime_agent.server.core.actions import (
    Heard,
    HearingFailed,
    JudgeTurnEnd,
    ResponseCall,
    ResponseEnded,
    ResponseSpeech,
    ResponseText,
    ResponseUsed,
    StartResponse,
    Transcribe,
    TurnJudged,
)
from realtime_agent.server.core.responses import MAX_OUT_OF_BAND
from realtime_agent.server.core.session import ServerSession
from realtime_agent.server.core.settings import Capabilities
from realtime_agent.server.core.usage import text_tokens
from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness

PIXEL = "data:image/png;base64,iVBORw0KGgo="
CONTEXT_TOKENS = 60
WORDS = st.sampled_from(["", "hello", "what time is it?", "I would like to", "Ünïcödé… 日本語 ", "a. b. c. "])
TURN_DETECTION = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": st.just("server_vad")},
        optional={
            "silence_duration_ms": st.sampled_from([0, 40, 200, 500]),
            "prefix_padding_ms": st.sampled_from([0, 20, 300]),
            "idle_timeout_ms": st.sampled_from([None, 5000, 5000]),
            "create_response": st.booleans(),
            "interrupt_response": st.booleans(),
        },
    ),
    st.fixed_dictionaries({"type": st.just("semantic_vad"), "eagerness": st.sampled_from(["low", "high", "auto"])}),
)
FORMATS = st.sampled_from(["audio/pcm", "audio/pcmu", "audio/pcma"])
NOISE = st.sampled_from(
    [None, {"type": "near_field"}, {"type": "far_field", "strength": 0.5}, {"type": "middle_field"}]
)
TRUNCATION = st.sampled_from(
    [
        "auto",
        "disabled",
        {"type": "retention_ratio", "retention_ratio": 0.5},
        {"type": "retention_ratio", "retention_ratio": 0.0, "token_limits": {"post_instructions": 7}},
    ]
)
TRANSCRIPTION = st.sampled_from(
    [None, {"model": "whisper-1"}, {"delay": "minimal"}, {"delay": "xhigh", "language": "en"}, {"language": "tlh"}]
)
ITEMS = st.sampled_from(
    [
        {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "audio": "AAAA"}]},
        {"type": "message", "role": "user", "content": []},
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAA"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAAAAAA"}] * 3},
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "http://x/y.png"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": PIXEL}]},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "word " * 80}]},
        {"type": "message", "role": "nobody", "content": [{"type": "input_text", "text": "x"}]},
        {"type": "function_call", "name": "f", "call_id": "c1", "arguments": "{}"},
        {"type": "function_call", "name": "f", "call_id": "c1", "arguments": "[1"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "nobody's", "output": "1"},
        {"type": "item_reference", "id": "item_1"},
        {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
        {"type": "mystery"},
        {"id": "item_1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "twice"}]},
        {"id": "x" * 999, "type": "message", "role": "user", "content": [{"type": "input_text", "text": "long"}]},
    ]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


class AnySession(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        capabilities = Capabilities(voices=("fake",), languages=("en",), context_tokens=CONTEXT_TOKENS)
        self.harness = Harness(
            eager=False, make_session=lambda **known: ServerSession(**{**known, "capabilities": capabilities})
        )

    # the client

    @rule(
        turn_detection=TURN_DETECTION, reads=st.booleans(), speaks=st.booleans(), limit=st.sampled_from(["inf", 1, 9])
    )
    def configure(self, turn_detection: Any, reads: bool, speaks: bool, limit: Any) -> None:
        transcription = {"model": "whisper-1"} if reads else None
        self.harness.update(
            audio={"input": {"turn_detection": turn_detection, "transcription": transcription}},
            output_modalities=["audio" if speaks else "text"],
            max_output_tokens=limit,
        )

    @rule(noise=NOISE, truncation=TRUNCATION, transcription=TRANSCRIPTION, strict=st.booleans())
    def configure_the_rest(self, noise: Any, truncation: Any, transcription: Any, strict: bool) -> None:
        sound = {"noise_reduction": noise, "transcription": transcription}
        answer = self.harness.update(
            audio={"input": sound}, truncation=truncation, parallel_tool_calls=strict, tracing="auto"
        )
        assert [event["type"] for event in answer] in (["session.updated"], ["error"])

    @rule(item=ITEMS, outside=st.booleans())
    def put_in_any_item(self, item: Any, outside: bool) -> None:
        if outside:
            answer = self.harness.send("response.create", response={"conversation": "none", "input": [item]})
        else:
            answer = self.harness.send("conversation.item.create", item=item)
        assert answer, "a client's event without an answer"

    @rule()
    def ask_for_too_much_at_once(self) -> None:
        for _ in range(MAX_OUT_OF_BAND + 2):
            assert self.harness.send("response.create", response={"conversation": "none"})
        assert len(self.harness.checker.responses) <= MAX_OUT_OF_BAND + 1

    @rule(size=st.sampled_from([1, 3, 100_001, 100_000]), speech=st.booleans())
    def append_at_once(self, size: int, speech: bool) -> None:
        """Much audio in one event, or half a sample."""
        audio = (b"\x10" if speech else b"\x00") * size
        self.harness.send("input_audio_buffer.append", audio=base64.b64encode(audio).decode())

    @rule(format_in=FORMATS, format_out=FORMATS)
    def change_format(self, format_in: str, format_out: str) -> None:
        self.harness.update(
            audio={"input": {"format": {"type": format_in}}, "output": {"format": {"type": format_out}}}
        )

    @rule(ms=st.sampled_from([10, 60, 300, 900]), speech=st.booleans(), step=st.sampled_from([320, 960, 10_000]))
    def hear(self, ms: int, speech: bool, step: int) -> None:
        self.harness.hear(loud(ms) if speech else quiet(ms), step_bytes=step)

    @rule()
    def say_something_short(self) -> None:
        self.harness.hear(quiet(100) + loud(300) + quiet(800), step_bytes=4800)

    @rule()
    def have_the_silence_measured(self) -> None:
        vad = {"type": "server_vad", "idle_timeout_ms": 5000}
        self.harness.update(audio={"input": {"turn_detection": vad, "transcription": {"model": "whisper-1"}}})

    @rule(text=WORDS, eager=st.booleans())
    def talk_with_a_quick_engine(self, text: str, eager: bool) -> None:
        """A whole turn, with partial transcripts and an answer."""
        self.harness.text, self.harness.eager = text, True
        self.harness.hear(quiet(100) + loud(1500) + quiet(800), step_bytes=4800)
        self.harness.eager = eager

    @rule(verb=st.sampled_from(["commit", "clear"]))
    def commit_or_clear(self, verb: str) -> None:
        self.harness.send(f"input_audio_buffer.{verb}")

    @rule(text=WORDS, role=st.sampled_from(["user", "system"]), place=st.integers(-1, 5) | st.none())
    def write(self, text: str, role: str, place: int | None) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": role, "content": content}
        previous = None if place is None else "root" if place == -1 else self.item_id(place)
        self.harness.send("conversation.item.create", item=item, previous_item_id=previous)

    @rule(place=st.integers(0, 5), verb=st.sampled_from(["retrieve", "delete"]))
    def retrieve_or_delete(self, place: int, verb: str) -> None:
        self.harness.send(f"conversation.item.{verb}", item_id=self.item_id(place))

    @rule(
        place=st.integers(0, 5),
        end_ms=st.sampled_from([0, 1, 50, 400, 5000]),
        what=st.sampled_from(["user", "assistant"]),
    )
    def truncate(self, place: int, end_ms: int, what: str) -> None:
        items = [entry.id for entry in self.harness.session.conversation if entry.role == what] or ["item_nowhere"]
        fields = {"item_id": items[place % len(items)], "content_index": 0, "audio_end_ms": end_ms}
        self.harness.send("conversation.item.truncate", **fields)

    @rule(outside=st.booleans(), empty=st.booleans())
    def ask(self, outside: bool, empty: bool) -> None:
        response: dict[str, Any] = {"conversation": "none"} if outside else {}
        if empty:
            response["input"] = []
        self.harness.send("response.create", response=response)

    @rule()
    def answer_calls(self) -> None:
        for entry in list(self.harness.session.conversation):
            if entry.type == "function_call":
                item = {"type": "function_call_output", "call_id": entry.call_id, "output": "42"}
                self.harness.send("conversation.item.create", item=item)

    @rule(place=st.integers(-1, 3))
    def cancel(self, place: int) -> None:
        ids = list(self.harness.checker.responses)
        self.harness.send("response.cancel", **({"response_id": ids[place]} if 0 <= place < len(ids) else {}))

    @rule(
        junk=JSON_VALUES, kind=st.sampled_from(["session.update", "response.create", "conversation.item.create", "x"])
    )
    def send_junk(self, junk: Any, kind: str) -> None:
        field = {"session.update": "session", "response.create": "response"}.get(kind, "item")
        answer = self.harness.send_raw(json.dumps({"type": kind, field: junk, "event_id": "junk"}))
        assert answer, "a client's event without an answer"

    # the engine

    def asked(self, kind: type[Any]) -> list[Any]:
        return [action for action in self.harness.work if isinstance(action, kind)]

    @precondition(lambda self: self.asked(Transcribe))
    @rule(text=WORDS, newest=st.booleans(), fails=st.booleans())
    def ear_answers(self, text: str, newest: bool, fails: bool) -> None:
        action = self.asked(Transcribe)[-1 if newest else 0]
        if not fails or newest:
            self.harness.work.remove(action)
        if fails:
            self.harness.answer(HearingFailed(action.item_id, action.revision, "deaf"))
        else:
            self.harness.answer(Heard(action.item_id, action.revision, text))

    @precondition(lambda self: self.asked(JudgeTurnEnd))
    @rule(complete=st.sampled_from([0.0, 0.5, 1.0, -3.0]), newest=st.booleans(), again=st.booleans())
    def judge_answers(self, complete: float, newest: bool, again: bool) -> None:
        action = self.asked(JudgeTurnEnd)[-1 if newest else 0]
        if not again:
            self.harness.work.remove(action)
        self.harness.answer(TurnJudged(action.item_id, action.revision, complete))

    @precondition(lambda self: self.asked(StartResponse))
    @rule(text=WORDS, ms=st.sampled_from([0, 10, 250]), which=st.integers(0, 3))
    def engine_speaks(self, text: str, ms: int, which: int) -> None:
        action = self.pick(which)
        if action.speaks:
            self.harness.answer(ResponseSpeech(action.response_id, text, bytes(action.format.size_bytes(ms))))
        else:
            self.harness.answer(ResponseText(action.response_id, text))

    @precondition(lambda self: self.asked(StartResponse))
    @rule(which=st.integers(0, 3))
    def engine_calls(self, which: int) -> None:
        action = self.pick(which)
        self.harness.answer(ResponseUsed(action.response_id, 3, 4))
        self.harness.answer(ResponseCall(action.response_id, "do_it", '{"x": 1}'))

    @precondition(lambda self: self.asked(StartResponse))
    @rule(which=st.integers(0, 3), fails=st.booleans())
    def engine_ends(self, which: int, fails: bool) -> None:
        action = self.pick(which)
        if action in self.harness.work:
            self.harness.work.remove(action)
        self.harness.answer(ResponseEnded(action.response_id, "no more" if fails else None))
        self.harness.answer(ResponseEnded(action.response_id))  # twice does no harm

    @rule()
    def engine_does_its_work(self) -> None:
        self.harness.run_engine()

    def pick(self, which: int) -> StartResponse:
        actions: list[StartResponse] = self.asked(StartResponse)
        return actions[which % len(actions)]

    # the time

    @rule(seconds=st.sampled_from([0.0, 0.5, 6.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.harness.wait(seconds)

    def item_id(self, place: int) -> str:
        """An item of the conversation; sometimes none."""
        items: list[str] = [entry.id for entry in self.harness.session.conversation] + ["item_nowhere"]
        return items[place % len(items)]

    @invariant()
    def at_most_one_active_response(self) -> None:
        active = [r for r in self.harness.checker.responses.values() if r.in_conversation]
        assert len(active) <= 1

    @invariant()
    def the_client_knows_every_item(self) -> None:
        known = set(self.harness.checker.added) - self.harness.checker.deleted
        assert {entry.id for entry in self.harness.session.conversation} == known

    @invariant()
    def every_response_can_go_on(self) -> None:
        """A response that is open waits for the engine, or for an ear that was asked."""
        waits = [*self.asked(StartResponse), *self.asked(Transcribe)]
        assert len(self.harness.checker.responses) == 0 or waits

    @invariant()
    def no_brain_reads_more_than_it_can(self) -> None:
        for request in self.harness.requests:
            words = sum(text_tokens(item.text) for item in request.conversation if isinstance(item, Message))
            spoken = [item for item in request.conversation if isinstance(item, Message) and item.role == "assistant"]
            assert words <= CONTEXT_TOKENS or spoken, "what is spoken counts by its sound, not by its words"
        self.harness.requests.clear()

    def teardown(self) -> None:
        harness = self.harness
        for _ in range(50):
            if not harness.work:
                break
            harness.run_engine()
        harness.send("input_audio_buffer.clear")
        harness.checker.finish()
        harness.session.close()


TestAnySession = AnySession.TestCase
TestAnySession.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.text(), st.text())
def test_tokens_add_up(left: str, right: str) -> None:
    assert text_tokens(f"{left} {right}") == text_tokens(left) + text_tokens(right)
