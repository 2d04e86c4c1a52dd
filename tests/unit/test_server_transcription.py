"""A transcription session: it writes down, in order, and does nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from realtime_agent.server.core.actions import HearingFailed, Transcribe
from realtime_agent.server.core.opening import OpenSession
from realtime_agent.server.core.session import ServerSession
from realtime_agent.server.core.settings import Capabilities
from realtime_agent.server.core.transcription.session import TranscriptionSession
from tests.fakes_engine import loud, quiet
from tests.order_checker import Json
from tests.server_harness import Harness, error_of, kinds

COMPLETED = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"


def transcribing(text: str = "hello there", *, eager: bool = True) -> Harness:
    return Harness(text=text, eager=eager, make_session=TranscriptionSession)


def update(harness: Harness, **sound: Any) -> list[Json]:
    session = {"type": "transcription", "audio": {"input": sound}}
    return harness.send("session.update", event_id="mine", session=session)


def joined(harness: Harness) -> str:
    return "".join(event["delta"] for event in harness.of(DELTA))


def test_the_greeting_tells_the_whole_configuration() -> None:
    session = transcribing().events[0]["session"]
    assert session["type"] == "transcription"
    assert session["object"] == "realtime.transcription_session"
    sound = session["audio"]["input"]
    assert sound["transcription"]["model"] == "test-model"
    assert sound["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
    }
    assert "output" not in session["audio"]


def test_a_spoken_turn_is_committed_and_written_down() -> None:
    harness = transcribing()
    events = harness.hear(quiet(400) + loud(1000) + quiet(800))
    assert [kind for kind in kinds(events) if kind != DELTA] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        COMPLETED,
    ]
    assert len({event.get("item_id") or event["item"]["id"] for event in events}) == 1
    assert harness.last(COMPLETED)["transcript"] == joined(harness) == "hello there"
    harness.checker.finish()


def test_nobody_answers() -> None:
    harness = transcribing()
    harness.hear(loud(1000) + quiet(2000))
    harness.wait(60)
    assert harness.requests == []
    assert not any(event["type"].startswith("response.") for event in harness.events)


def test_without_turn_detection_the_client_commits() -> None:
    harness = transcribing()
    update(harness, turn_detection=None)
    harness.hear(loud(1000) + quiet(2000))
    assert harness.of("input_audio_buffer.committed") == []
    harness.send("input_audio_buffer.commit")
    assert harness.last(COMPLETED)["transcript"] == "hello there"
    assert error_of(harness.send("input_audio_buffer.commit"))["code"] == "input_audio_buffer_commit_empty"


def test_items_name_the_one_before() -> None:
    harness = transcribing()
    for _ in range(3):
        harness.hear(loud(500) + quiet(800))
    committed = harness.of("input_audio_buffer.committed")
    assert [event["previous_item_id"] for event in committed] == [None, *(event["item_id"] for event in committed[:2])]


def test_an_ear_that_fails_is_told_and_the_session_goes_on() -> None:
    harness = transcribing(eager=False)
    harness.hear(loud(500) + quiet(800))
    asked = [action for action in harness.work if isinstance(action, Transcribe)][-1]
    for _ in range(2):
        harness.answer(HearingFailed(asked.item_id, asked.revision, "It is deaf.", "overloaded"))
    failed = harness.last("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["code"] == "overloaded"
    harness.work.clear()
    harness.eager = True
    harness.hear(loud(500) + quiet(800))
    assert harness.last(COMPLETED)["transcript"] == "hello there"


def test_delay_says_how_early_text_appears() -> None:
    decodes = {}
    for delay in ("minimal", "low", "medium", "high", "xhigh"):
        harness = transcribing("one two three four", eager=True)
        update(harness, turn_detection=None, transcription={"model": "x", "delay": delay})
        pieces = range(200)
        decodes[delay] = next(piece for piece in pieces if harness.hear(loud(20)))
    assert list(decodes.values()) == sorted(decodes.values())
    assert len(set(decodes.values())) == 5


def test_a_patient_session_decodes_less_often() -> None:
    counts = []
    for delay in ("minimal", "high"):
        harness = transcribing(eager=False)
        update(harness, turn_detection=None, transcription={"delay": delay})
        harness.hear(loud(4000))
        counts.append(len(harness.work))
    assert counts[0] > counts[1] > 5


def test_hints_go_to_the_ear() -> None:
    harness = transcribing(eager=False)
    update(harness, turn_detection=None, transcription={"model": "x", "language": "en", "prompt": "Aoife."})
    harness.hear(loud(500))
    asked = harness.work[-1]
    assert isinstance(asked, Transcribe)
    assert (asked.language, asked.prompt) == ("en", "Aoife.")


def test_a_prompt_is_refused_where_the_ear_reads_none() -> None:
    def make(**options: Any) -> TranscriptionSession:
        return TranscriptionSession(**{**options, "capabilities": Capabilities(reads_prompts=False)})

    error = error_of(update(Harness(make_session=make), transcription={"prompt": "Aoife."}))
    assert (error["code"], error["param"]) == ("unsupported_value", "session.audio.input.transcription.prompt")


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"type": "realtime"}, "invalid_value", "session.type"),
        ({"instructions": "Be brief."}, "unsupported_value", "session.instructions"),
        ({"tools": []}, "unsupported_value", "session.tools"),
        ({"output_modalities": ["text"]}, "unsupported_value", "session.output_modalities"),
        ({"audio": {"output": {"voice": "alloy"}}}, "unsupported_value", "session.audio.output"),
        ({"audio": {"input": {"transcription": None}}}, "invalid_value", "session.audio.input.transcription"),
        (
            {"audio": {"input": {"transcription": {"language": "de"}}}},
            "invalid_value",
            "session.audio.input.transcription.language",
        ),
        (
            {"audio": {"input": {"transcription": {"keywords": ["x"]}}}},
            "unsupported_value",
            "session.audio.input.transcription.keywords",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": True}}}},
            "unsupported_value",
            "session.audio.input.turn_detection.create_response",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}}}},
            "unsupported_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        ({"include": ["item.input_audio_transcription.logprobs"]}, "unsupported_value", "session.include[0]"),
        ({"colour": "red"}, "unknown_parameter", "session.colour"),
        ({"id": "sess_other"}, "invalid_value", "session.id"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(session: Json, code: str, param: str) -> None:
    harness = transcribing()
    before = harness.events[0]["session"]
    answer = harness.send("session.update", event_id="mine", session={"type": "transcription", **session})
    error = error_of(answer)
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
    [after] = harness.send("session.update", session={"type": "transcription"})
    assert after["session"] == before


@pytest.mark.parametrize(
    ("type", "fields"),
    [
        ("response.create", {}),
        ("response.cancel", {}),
        ("conversation.item.delete", {"item_id": "item_1"}),
        ("conversation.item.retrieve", {"item_id": "item_1"}),
        ("output_audio_buffer.clear", {}),
        ("conversation.item.create", {"item": {"type": "message", "role": "user", "content": []}}),
    ],
)
def test_what_belongs_to_a_voice_agent_is_refused(type: str, fields: Json) -> None:
    error = error_of(transcribing().send(type, event_id="mine", **fields))
    assert (error["code"], error["param"], error["event_id"]) == ("unsupported_value", "type", "mine")
    assert type in error["message"]


def test_a_client_may_send_back_the_session_that_it_was_given() -> None:
    harness = transcribing()
    given = harness.events[0]["session"]
    [answer] = harness.send("session.update", session=given)
    assert answer["session"] == given


def test_what_does_not_answer_may_be_switched_off_in_words() -> None:
    harness = transcribing()
    off = {"type": "server_vad", "create_response": False, "interrupt_response": False, "idle_timeout_ms": None}
    [answer] = update(harness, turn_detection=off)
    assert answer["type"] == "session.updated"
    assert "create_response" not in answer["session"]["audio"]["input"]["turn_detection"]


# A session that becomes one


def opened() -> Harness:
    def make(**options: Any) -> OpenSession:
        agent = ServerSession(**options)
        return OpenSession(agent, lambda: TranscriptionSession(**options, session_id=agent.id))

    return Harness(make_session=make)


def test_the_first_update_may_make_it_a_transcription_session() -> None:
    harness = opened()
    [answer] = update(harness, turn_detection=None)
    assert answer["type"] == "session.updated"
    assert answer["session"]["type"] == "transcription"
    assert answer["session"]["id"] == harness.events[0]["session"]["id"]
    harness.hear(loud(500))
    harness.send("input_audio_buffer.commit")
    assert harness.last(COMPLETED)["transcript"] == "hello there"
    assert error_of(harness.send("response.create"))["code"] == "unsupported_value"


def test_a_refused_update_leaves_it_a_voice_agent() -> None:
    harness = opened()
    assert error_of(update(harness, transcription={"language": "de"}))["event_id"] == "mine"
    harness.write("Hello.")
    harness.send("response.create")
    assert harness.response["status"] == "completed"


@pytest.mark.parametrize("touch", ["hear", "write", "ask"])
def test_a_session_that_has_begun_keeps_its_type(touch: str) -> None:
    harness = opened()
    if touch == "hear":
        harness.hear(quiet(20))
    elif touch == "write":
        harness.write("Hello.")
    else:
        harness.send("response.create", response={"conversation": "none", "input": []})
    assert error_of(update(harness))["param"] == "session.type"
