"""The person's turns: server VAD in all its fields, push-to-talk, idle timeout, telephone audio."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from realtime_agent.audio import g711
from realtime_agent.engine.parts import Message, TextDelta
from realtime_agent.server.core.actions import Heard, HearingFailed, Transcribe
from realtime_agent.server.core.vad_turns import MAX_TURN_MS
from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness, error_of, kinds, outputs_of

TURN = quiet(400) + loud(1000) + quiet(600)


def turns(**fields: Any) -> dict[str, Any]:
    return {"audio": {"input": {"turn_detection": {"type": "server_vad", **fields}}}}


def manual() -> dict[str, Any]:
    return {"audio": {"input": {"turn_detection": None}}}


def transcribing(**fields: Any) -> dict[str, Any]:
    return {"audio": {"input": {"transcription": {"model": "whisper-1", **fields}}}}


def pending(harness: Harness) -> list[Transcribe]:
    return [action for action in harness.work if isinstance(action, Transcribe)]


# server VAD


def test_one_id_runs_from_the_start_of_speech_to_the_item() -> None:
    harness = Harness()
    harness.hear(TURN)
    ids = {harness.last(f"input_audio_buffer.{kind}")["item_id"] for kind in ("speech_started", "speech_stopped")}
    ids.add(harness.last("input_audio_buffer.committed")["item_id"])
    ids.add(harness.of("conversation.item.added")[0]["item"]["id"])
    assert len(ids) == 1


def test_times_count_all_audio_and_include_padding_and_silence() -> None:
    harness = Harness()
    harness.update(**turns(prefix_padding_ms=300, silence_duration_ms=500))
    harness.hear(TURN)
    assert harness.last("input_audio_buffer.speech_started")["audio_start_ms"] == 100
    assert harness.last("input_audio_buffer.speech_stopped")["audio_end_ms"] == 1900
    harness.hear(TURN)
    assert harness.last("input_audio_buffer.speech_started")["audio_start_ms"] == 2100
    assert harness.last("input_audio_buffer.speech_stopped")["audio_end_ms"] == 3900


def test_padding_never_reaches_into_the_turn_before() -> None:
    harness = Harness()
    harness.update(**turns(prefix_padding_ms=5000, silence_duration_ms=200))
    harness.hear(loud(500) + quiet(300) + loud(500) + quiet(300))
    first, second = harness.of("input_audio_buffer.speech_started")
    assert first["audio_start_ms"] == 0
    assert second["audio_start_ms"] == harness.of("input_audio_buffer.speech_stopped")[0]["audio_end_ms"]


def test_the_turn_holds_exactly_the_audio_between_its_times() -> None:
    harness = Harness()
    harness.hear(TURN)
    item = harness.of("conversation.item.added")[0]["item"]
    [event] = harness.send("conversation.item.retrieve", item_id=item["id"])
    audio = base64.b64decode(event["item"]["content"][0]["audio"])
    assert audio == TURN[48 * 100 : 48 * 1900]


def test_a_click_is_no_turn_and_a_pause_does_not_end_one() -> None:
    harness = Harness()
    harness.hear(quiet(200) + loud(40) + quiet(800))
    assert harness.of("input_audio_buffer.speech_started") == []
    harness.hear(loud(400) + quiet(400) + loud(400) + quiet(600))
    assert len(harness.of("input_audio_buffer.speech_stopped")) == 1


@pytest.mark.parametrize("step_bytes", [2, 34, 960, 7_000, 200_000])
def test_however_audio_is_chunked_the_turns_are_the_same(step_bytes: int) -> None:
    harness = Harness()
    harness.hear(TURN, step_bytes=step_bytes)
    assert harness.last("input_audio_buffer.speech_started")["audio_start_ms"] == 100
    assert harness.last("input_audio_buffer.speech_stopped")["audio_end_ms"] == 1900


def test_without_create_response_the_turn_is_committed_and_nothing_answers() -> None:
    harness = Harness()
    harness.update(**turns(create_response=False))
    answer = kinds(harness.hear(TURN))
    assert answer[-3:] == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert harness.of("response.created") == []


def test_endless_speech_is_cut_into_turns() -> None:
    harness = Harness()
    harness.hear(loud(MAX_TURN_MS + 2000), step_bytes=48_000)
    assert len(harness.of("input_audio_buffer.committed")) == 1
    assert len(harness.of("input_audio_buffer.speech_started")) == 2


def test_clear_forgets_the_speech_that_was_going_on() -> None:
    harness = Harness()
    harness.hear(quiet(200) + loud(500))
    answer = kinds(harness.send("input_audio_buffer.clear"))
    assert answer == ["input_audio_buffer.speech_stopped", "input_audio_buffer.cleared"]
    assert harness.hear(quiet(800)) == []


def test_a_commit_under_vad_ends_the_turn_and_starts_no_response() -> None:
    harness = Harness()
    harness.hear(quiet(200) + loud(500))
    answer = kinds(harness.send("input_audio_buffer.commit"))
    assert answer[:2] == ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]
    assert harness.of("response.created") == []
    assert harness.hear(quiet(800)) == []


def test_turning_vad_off_while_somebody_speaks_leaves_the_audio_to_the_client() -> None:
    harness = Harness()
    harness.hear(quiet(200) + loud(500))
    assert kinds(harness.update(**manual())) == ["input_audio_buffer.speech_stopped", "session.updated"]
    assert harness.hear(quiet(800)) == []
    assert kinds(harness.send("input_audio_buffer.commit"))[0] == "input_audio_buffer.committed"
    ids = {event["item_id"] for event in harness.events if event["type"].startswith("input_audio_buffer.")}
    assert len(ids) == 1


def test_changing_vad_while_somebody_speaks_changes_the_turn_that_is_going_on() -> None:
    harness = Harness()
    harness.hear(quiet(200) + loud(500))
    harness.update(**turns(silence_duration_ms=100))
    harness.hear(quiet(100))
    assert harness.last("input_audio_buffer.speech_stopped")["audio_end_ms"] == 800


def test_switching_vad_off_and_on_begins_anew() -> None:
    harness = Harness()
    harness.hear(quiet(200) + loud(500))
    harness.update(**manual())
    harness.update(**turns())
    harness.hear(loud(500) + quiet(600))
    started, again = harness.of("input_audio_buffer.speech_started")
    assert started["item_id"] != again["item_id"]
    assert again["audio_start_ms"] == 700
    assert harness.response["status"] == "completed"


# barge-in


def test_speech_stops_the_agent_in_openais_order() -> None:
    harness = Harness(lambda _: [TextDelta("A long answer. " * 20)])
    harness.write("Tell me a story.")
    harness.eager = False
    harness.send("response.create")
    for output in outputs_of(harness.started(), harness.script)[:-1]:
        harness.answer(output)
    interrupted = kinds(harness.hear(loud(100)))
    assert interrupted == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert harness.response["status"] == "cancelled"
    assert harness.response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert harness.response["output"][0]["status"] == "incomplete"
    assert harness.stopped == [harness.response["id"]]


def test_speech_stops_an_answer_that_has_not_begun_to_sound() -> None:
    harness = Harness(eager=False)
    harness.hear(TURN)
    assert harness.of("response.created")
    harness.hear(loud(100))
    assert harness.response["status_details"]["reason"] == "turn_detected"
    assert harness.response["output"] == []
    assert harness.stopped == []  # the engine had not been asked


def test_without_interrupt_response_the_agent_speaks_on() -> None:
    harness = Harness(eager=False)
    harness.update(**turns(interrupt_response=False))
    harness.write("Tell me a story.")
    harness.send("response.create")
    harness.hear(TURN)
    assert harness.of("response.done") == []
    [error] = harness.of("error")
    assert error["error"]["code"] == "conversation_already_has_active_response"
    assert len(harness.of("input_audio_buffer.committed")) == 1


# push-to-talk


def test_push_to_talk_commits_and_waits_to_be_asked() -> None:
    harness = Harness()
    harness.update(**manual())
    assert harness.hear(TURN) == []
    answer = kinds(harness.send("input_audio_buffer.commit"))
    assert answer == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    harness.send("response.create")
    assert harness.response["status"] == "completed"
    assert harness.requests[-1].conversation == [Message("user", "hello there")]


def test_push_to_talk_can_be_read_along() -> None:
    harness = Harness(text="one two three four")
    harness.update(audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
    harness.hear(loud(1500))
    assert len(harness.of("conversation.item.input_audio_transcription.delta")) == 1
    harness.send("input_audio_buffer.commit")
    completed = harness.last("conversation.item.input_audio_transcription.completed")
    assert completed["item_id"] == harness.last("input_audio_buffer.committed")["item_id"]


def test_committing_too_little_is_an_error() -> None:
    harness = Harness()
    harness.update(**manual())
    harness.hear(quiet(60))
    error = error_of(harness.send("input_audio_buffer.commit", event_id="c1"))
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["event_id"] == "c1"


def test_the_buffer_refuses_more_than_it_holds() -> None:
    harness = Harness()
    harness.update(**manual())
    for _ in range(10):
        harness.hear(quiet(60_000), step_bytes=48 * 60_000)
    error = error_of(harness.hear(quiet(20)))
    assert error["code"] == "input_audio_buffer_full"
    harness.send("input_audio_buffer.clear")
    assert harness.hear(quiet(20)) == []


def test_half_a_sample_is_refused_and_nothing_of_it_is_heard() -> None:
    harness = Harness()
    error = error_of(harness.send("input_audio_buffer.append", audio=base64.b64encode(b"abc").decode(), event_id="a1"))
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_audio", "audio", "a1")


# idle timeout


def idle_harness() -> Harness:
    harness = Harness(lambda _: [TextDelta("Are you there? ")])
    harness.update(**turns(idle_timeout_ms=6000))
    return harness


def test_silence_after_an_answer_makes_the_agent_speak() -> None:
    harness = idle_harness()
    harness.hear(TURN)
    played_s = 15 * 0.04
    harness.hear(quiet(6600))
    assert harness.wait(played_s + 5.9) == []
    answer = kinds(harness.wait(0.2))
    assert answer[:7] == [
        "input_audio_buffer.timeout_triggered",
        "conversation.item.added",
        "conversation.item.done",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    triggered = harness.last("input_audio_buffer.timeout_triggered")
    assert triggered["audio_end_ms"] - triggered["audio_start_ms"] == pytest.approx(6000, abs=50)
    assert harness.last("input_audio_buffer.committed")["item_id"] == triggered["item_id"]
    harness.checker.finish()


def test_it_goes_on_as_long_as_nobody_speaks() -> None:
    harness = idle_harness()
    harness.hear(TURN)
    harness.wait(30)
    assert len(harness.of("input_audio_buffer.timeout_triggered")) == 4


def test_nothing_times_out_before_the_first_answer_or_while_somebody_speaks() -> None:
    harness = idle_harness()
    assert harness.wait(60) == []
    harness.hear(TURN)
    harness.hear(loud(200))
    harness.wait(60)
    assert harness.of("input_audio_buffer.timeout_triggered") == []


def test_turning_the_timeout_off_stops_it() -> None:
    harness = idle_harness()
    harness.hear(TURN)
    harness.update(**turns(idle_timeout_ms=None))
    assert harness.wait(60) == []


# transcription


def test_the_brain_reads_what_the_ear_heard_though_the_client_does_not() -> None:
    harness = Harness(text="what time is it")
    harness.hear(TURN)
    assert harness.requests[-1].conversation == [Message("user", "what time is it")]
    assert not [event for event in harness.events if "transcription" in event["type"]]


def test_a_client_that_asks_for_it_reads_along() -> None:
    harness = Harness(text="one two three four")
    harness.update(**transcribing())
    harness.hear(quiet(200) + loud(1500) + quiet(600))
    deltas = harness.of("conversation.item.input_audio_transcription.delta")
    assert len(deltas) > 1
    assert "".join(event["delta"] for event in deltas) == "one two three four"
    completed = harness.last("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "one two three four"
    assert completed["usage"] == {"type": "duration", "seconds": 2.2}


def test_words_that_changed_are_put_right_at_the_end() -> None:
    harness = Harness(text="wreck a nice beach today")
    harness.update(**transcribing())
    harness.hear(loud(1300))
    harness.text = "recognise speech today"
    harness.hear(loud(200) + quiet(600))
    assert harness.last("conversation.item.input_audio_transcription.completed")["transcript"] == (
        "recognise speech today"
    )


def test_the_transcript_made_in_the_pause_is_not_made_again() -> None:
    harness = Harness(eager=False)
    harness.hear(quiet(400) + loud(1000) + quiet(200))
    assert len(pending(harness)) == 1
    harness.run_engine()
    harness.hear(quiet(400))
    assert pending(harness) == []
    assert harness.started()


def test_speech_after_a_pause_makes_its_transcript_void() -> None:
    harness = Harness(eager=False)
    harness.hear(loud(500) + quiet(200))
    [before] = pending(harness)
    harness.hear(loud(500) + quiet(600))
    harness.answer(Heard(before.item_id, before.revision, "half of it"))
    last = pending(harness)[-1]
    harness.answer(Heard(last.item_id, last.revision, "all of it"))
    assert harness.requests[-1].conversation == [Message("user", "all of it")]


def test_a_late_transcript_is_waited_for() -> None:
    harness = Harness(eager=False)
    harness.hear(TURN)
    assert harness.of("response.created")
    assert harness.requests == []
    harness.run_engine()
    assert harness.response["status"] == "completed"


def test_a_failing_ear_fails_the_response_and_says_so() -> None:
    harness = Harness(eager=False)
    harness.update(**transcribing())
    harness.hear(TURN)
    last = pending(harness)[-1]
    harness.answer(HearingFailed(last.item_id, last.revision, "The ear is deaf.", "engine"))
    failed = harness.last("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["message"] == "The ear is deaf."
    assert harness.response["status"] == "failed"
    assert harness.response["status_details"]["error"]["message"] == "The ear is deaf."
    harness.checker.finish()


def test_an_ear_that_fails_in_a_pause_is_asked_again() -> None:
    harness = Harness(eager=False)
    harness.hear(loud(500) + quiet(200))
    [early] = pending(harness)
    harness.answer(HearingFailed(early.item_id, early.revision, "not yet"))
    harness.work.clear()
    harness.hear(quiet(400))
    assert len(pending(harness)) == 1


def test_hints_reach_the_ear() -> None:
    harness = Harness(eager=False)
    harness.update(**transcribing(language="en", prompt="Names: Aoife."))
    harness.hear(TURN)
    assert {(ask.language, ask.prompt) for ask in pending(harness)} == {("en", "Names: Aoife.")}


# telephone audio


@pytest.mark.parametrize("format", ["audio/pcmu", "audio/pcma"])
def test_telephone_audio_makes_the_same_turns_and_comes_back_as_it_came(format: str) -> None:
    harness = Harness()
    formats = {"format": {"type": format}}
    harness.update(audio={"input": formats, "output": formats})
    pcm = quiet(400, 8000) + loud(1000, 8000) + quiet(600, 8000)
    # A-law has no zero: its silence is told from speech by the detector's own ears, here by hand.
    codes = g711.ulaw_encode(pcm) if format == "audio/pcmu" else g711.alaw_encode(pcm)
    harness.hear(codes, step_bytes=160)
    if format == "audio/pcma":
        assert harness.of("input_audio_buffer.speech_started")
        return
    assert harness.last("input_audio_buffer.speech_started")["audio_start_ms"] == 100
    assert harness.last("input_audio_buffer.speech_stopped")["audio_end_ms"] == 1900
    item = harness.of("conversation.item.added")[0]["item"]
    [event] = harness.send("conversation.item.retrieve", item_id=item["id"])
    assert base64.b64decode(event["item"]["content"][0]["audio"]) == codes[800 : 8 * 1900]
    sizes = [len(base64.b64decode(event["delta"])) for event in harness.of("response.output_audio.delta")]
    assert sum(sizes) == 8 * 40 * len("You said hello there.")
    assert max(sizes) == 800
