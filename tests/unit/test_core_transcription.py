"""The client's core of a transcription session: its life, and transcripts in the order of the conversation."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from realtime_agent.core import inputs
from realtime_agent.core.actions import Close, Emit, Send
from realtime_agent.core.stream import DRAIN_TIMEOUT_S, READY_TIMEOUT_S
from realtime_agent.core.transcription import TranscriptionCore, TranscriptionPlan
from realtime_agent.errors import ConnectFailed, PeerClosed, RemoteProtocolError, ServerError
from realtime_agent.events import ErrorRaised, UserTranscript
from realtime_agent.protocol import decode_server, encode
from realtime_agent.protocol.formats import PCM, PCMU, AudioFormat

ITEM = "conversation.item.input_audio_transcription"


class Desk:
    """A core, its server and its person."""

    def __init__(self, plan: TranscriptionPlan | None = None, *, ready: bool = True) -> None:
        self.core = TranscriptionCore(plan or TranscriptionPlan())
        self.now = 100.0
        self.sent: list[dict[str, Any]] = []
        self.told: list[tuple[str, str, bool]] = []
        self.errors: list[str] = []
        self.closed: list[Close] = []
        self.feed(inputs.Connected())
        if ready:
            self.server("session.created", session={"type": "transcription"})
            self.server("session.updated", session={"type": "transcription"})
            self.feed(inputs.Opened())

    def server(self, type: str, **fields: Any) -> None:
        self.feed(decode_server(json.dumps({"type": type, "event_id": "event_1", **fields})))

    def refuse(self, event_id: str | None, code: str = "invalid_value") -> None:
        error = {"type": "invalid_request_error", "code": code, "message": "No.", "event_id": event_id}
        self.server("error", error=error)

    def feed(self, event: Any) -> None:
        self.core.receive(event, self.now)
        self._drain()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        due = self.core.next_timer()
        if due is not None and due <= self.now:
            self.core.handle_timer(self.now)
        self._drain()

    def _drain(self) -> None:
        for action in self.core.actions():
            assert not self.closed, "an action after Close"
            match action:
                case Send(event=event):
                    self.sent.append(json.loads(encode(event)))
                case Emit(event=UserTranscript(item_id=item_id, text=text, final=final)):
                    self.told.append((item_id, text, final))
                case Emit(event=ErrorRaised(error=error)):
                    self.errors.append(error.code)
                case Close():
                    self.closed.append(action)

    def committed(self, item_id: str, previous: str | None) -> None:
        self.server("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)

    def delta(self, item_id: str, delta: str) -> None:
        self.server(f"{ITEM}.delta", item_id=item_id, content_index=0, delta=delta)

    def completed(self, item_id: str, text: str) -> None:
        self.server(f"{ITEM}.completed", item_id=item_id, content_index=0, transcript=text, usage=None)


def test_the_session_is_configured_before_audio_flows() -> None:
    desk = Desk(TranscriptionPlan(model="m", language="en", delay="low", audio_format=PCMU), ready=False)
    assert not desk.core.uplink_open
    desk.server("session.created", session={"type": "transcription"})
    [update] = desk.sent
    assert update["session"] == {
        "type": "transcription",
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "transcription": {"model": "m", "language": "en", "delay": "low"},
                "turn_detection": {"type": "server_vad"},
            }
        },
    }
    desk.server("session.updated", session={"type": "transcription"})
    assert desk.core.uplink_open


def test_manual_turns_switch_detection_off_and_commit() -> None:
    desk = Desk(TranscriptionPlan(turns="manual"))
    assert desk.sent[0]["session"]["audio"]["input"]["turn_detection"] is None
    desk.feed(inputs.Commit())
    desk.feed(inputs.ClearInput())
    assert [event["type"] for event in desk.sent[1:]] == ["input_audio_buffer.commit", "input_audio_buffer.clear"]


def test_a_refused_configuration_ends_the_session_with_the_servers_words() -> None:
    desk = Desk(ready=False)
    desk.server("session.created", session={"type": "transcription"})
    desk.refuse(desk.sent[0]["event_id"])
    assert isinstance(desk.closed[0].error, ServerError)
    assert desk.closed[0].reason == "refused"


def test_a_server_that_says_nothing_is_given_up() -> None:
    desk = Desk(ready=False)
    desk.wait(READY_TIMEOUT_S)
    assert isinstance(desk.closed[0].error, ConnectFailed)


def test_what_is_no_realtime_server_is_said_to_be_none() -> None:
    desk = Desk(ready=False)
    desk.feed(inputs.MessageRejected(RemoteProtocolError("not JSON")))
    assert isinstance(desk.closed[0].error, ConnectFailed)


def test_a_message_that_cannot_be_read_later_is_told_and_survived() -> None:
    desk = Desk()
    desk.feed(inputs.MessageRejected(RemoteProtocolError("not JSON", code="invalid_json")))
    assert desk.errors == ["invalid_json"]
    assert not desk.closed


def test_text_grows_and_is_final_once() -> None:
    desk = Desk()
    desk.server("input_audio_buffer.speech_started", item_id="a", audio_start_ms=0)
    desk.delta("a", "It was")
    desk.delta("a", " the best")
    desk.committed("a", None)
    desk.completed("a", "It was the best.")
    desk.completed("a", "Again.")
    desk.delta("a", " late")
    assert desk.told == [("a", "It was", False), ("a", "It was the best", False), ("a", "It was the best.", True)]


def test_a_short_item_that_is_finished_first_waits_for_the_long_one_before_it() -> None:
    desk = Desk()
    desk.committed("long", None)
    desk.committed("short", "long")
    desk.delta("short", "Yes")
    desk.completed("short", "Yes.")
    assert desk.told == []
    desk.delta("long", "Well")
    desk.completed("long", "Well, well.")
    assert desk.told == [("long", "Well", False), ("long", "Well, well.", True), ("short", "Yes.", True)]


def test_the_order_is_what_the_server_says_not_the_order_of_arrival() -> None:
    desk = Desk()
    desk.committed("a", None)
    desk.delta("c", "three")
    desk.committed("b", "a")
    desk.committed("c", "b")
    desk.completed("b", "two")
    desk.completed("c", "three")
    desk.completed("a", "one")
    assert [text for _, text, final in desk.told if final] == ["one", "two", "three"]


def test_a_failed_item_is_told_and_does_not_hold_up_the_next() -> None:
    desk = Desk()
    desk.committed("a", None)
    desk.committed("b", "a")
    desk.delta("b", "two")
    desk.server(f"{ITEM}.failed", item_id="a", content_index=0, error={"code": "overloaded", "message": "No."})
    assert desk.errors == ["overloaded"]
    assert desk.told == [("b", "two", False)]


def test_committed_silence_says_nothing() -> None:
    desk = Desk()
    desk.committed("a", None)
    desk.completed("a", "")
    assert desk.told == []


def test_what_is_cleared_before_it_is_committed_is_forgotten() -> None:
    desk = Desk()
    desk.server("input_audio_buffer.speech_started", item_id="a", audio_start_ms=0)
    desk.server("input_audio_buffer.cleared")
    desk.committed("b", None)
    desk.completed("b", "two")
    assert desk.told == [("b", "two", True)]


def test_when_the_person_leaves_the_rest_is_committed_and_waited_for() -> None:
    desk = Desk(TranscriptionPlan(turns="manual"))
    desk.feed(inputs.MicrophoneEnded())
    assert [event["type"] for event in desk.sent[1:]] == ["input_audio_buffer.commit", "input_audio_buffer.clear"]
    assert not desk.core.uplink_open
    desk.committed("a", None)
    desk.server("input_audio_buffer.cleared")
    assert not desk.closed
    desk.completed("a", "the end")
    assert desk.told == [("a", "the end", True)]
    assert (desk.closed[0].reason, desk.closed[0].error) == ("user left", None)


@pytest.mark.parametrize(("sound", "silence"), [(PCM, b"\0"), (PCMU, b"\xff")])
def test_where_the_server_finds_the_turns_silence_ends_the_last(sound: AudioFormat, silence: bytes) -> None:
    desk = Desk(TranscriptionPlan(audio_format=sound))
    desk.feed(inputs.MicrophoneEnded())
    *appends, clear = desk.sent[1:]
    assert clear["type"] == "input_audio_buffer.clear"
    audio = b"".join(base64.b64decode(event["audio"]) for event in appends)
    assert audio == silence * sound.size_bytes(1500)


def test_when_nothing_is_left_to_commit_that_is_no_error() -> None:
    desk = Desk(TranscriptionPlan(turns="manual"))
    desk.feed(inputs.MicrophoneEnded())
    desk.refuse(desk.sent[1]["event_id"], "input_audio_buffer_commit_empty")
    desk.server("input_audio_buffer.cleared")
    assert desk.errors == []
    assert desk.closed[0].error is None


def test_a_server_that_never_finishes_is_given_up() -> None:
    desk = Desk()
    desk.feed(inputs.MicrophoneEnded())
    desk.wait(DRAIN_TIMEOUT_S)
    assert desk.closed[0].error is not None
    assert desk.closed[0].error.code == "not_finished"


def test_an_empty_commit_of_the_callers_is_told() -> None:
    desk = Desk(TranscriptionPlan(turns="manual"))
    desk.feed(inputs.Commit())
    desk.refuse(desk.sent[1]["event_id"], "input_audio_buffer_commit_empty")
    assert desk.errors == ["input_audio_buffer_commit_empty"]


@pytest.mark.parametrize("error", [None, PeerClosed("gone", close_code=1006)])
def test_a_lost_connection_ends_it(error: PeerClosed | None) -> None:
    desk = Desk()
    desk.feed(inputs.Disconnected(error))
    assert desk.closed[0].error is error
    desk.feed(inputs.Hangup())
    desk.wait(100)
    assert len(desk.closed) == 1
