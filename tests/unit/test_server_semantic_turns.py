"""The person's turns where a judge says whether they sounded finished: semantic VAD."""

from __future__ import annotations

from typing import Any

import pytest

from realtime_agent.engine.parts import Message
from realtime_agent.server.core.actions import Heard, HearingFailed, JudgeTurnEnd, Transcribe, TurnJudged
from realtime_agent.server.core.turn_end import FINISHED_MS, MAX_WAIT_MS, silence_needed_ms
from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness

TURN = quiet(400) + loud(1000) + quiet(600)


def semantic(eagerness: str) -> dict[str, Any]:
    return {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}}}


def test_a_finished_sentence_ends_the_turn_soon() -> None:
    harness = Harness(text="What time is it?")
    harness.update(**semantic("medium"))
    harness.hear(loud(1000) + quiet(700))
    assert 1500 <= harness.last("input_audio_buffer.speech_stopped")["audio_end_ms"] <= 1600


def test_a_hanging_sentence_gets_time_and_then_the_turn_ends_anyway() -> None:
    harness = Harness(text="I would like to")
    harness.update(**semantic("medium"))
    harness.hear(loud(1000) + quiet(3900))
    assert harness.of("input_audio_buffer.speech_stopped") == []
    harness.hear(quiet(100))
    assert harness.last("input_audio_buffer.speech_stopped")["audio_end_ms"] == 5000


def test_going_on_after_a_pause_is_the_same_turn() -> None:
    harness = Harness(text="I would like to")
    harness.update(**semantic("low"))
    harness.hear(loud(1000) + quiet(2000))
    harness.text = "I would like to book a table."
    harness.hear(loud(1000) + quiet(1700))
    assert len(harness.of("input_audio_buffer.committed")) == 1
    assert harness.requests[-1].conversation[-1] == Message("user", "I would like to book a table.")


@pytest.mark.parametrize("eagerness", ["low", "medium", "high"])
def test_the_surer_it_is_the_shorter_the_wait(eagerness: Any) -> None:
    waits = [silence_needed_ms(step / 100, eagerness) for step in range(-10, 111)]
    assert waits == sorted(waits, reverse=True)
    assert (waits[0], waits[-1]) == (MAX_WAIT_MS[eagerness], FINISHED_MS[eagerness])


def judgement(harness: Harness) -> JudgeTurnEnd:
    """What is asked of the judge of turn ends."""
    asked = [action for action in harness.work if isinstance(action, JudgeTurnEnd)]
    harness.work = [action for action in harness.work if not isinstance(action, JudgeTurnEnd)]
    return asked[-1]


def heard(harness: Harness, text: str) -> None:
    """The ear answers what it was asked last."""
    asked = [action for action in harness.work if isinstance(action, Transcribe)][-1]
    harness.work = [action for action in harness.work if not isinstance(action, Transcribe)]
    harness.answer(Heard(asked.item_id, asked.revision, text))


def test_the_judge_hears_the_turn_up_to_the_pause_and_reads_its_words() -> None:
    harness = Harness(eager=False)
    harness.update(**semantic("medium"))
    harness.hear(quiet(1000) + loud(600) + quiet(200))
    heard(harness, "Well, I think.")
    asked = judgement(harness)
    assert asked.text == "Well, I think."
    assert asked.pcm == quiet(300) + loud(600) + quiet(100)


def test_of_a_long_turn_the_judge_hears_the_last_seconds() -> None:
    harness = Harness(eager=False)
    harness.update(**semantic("medium"))
    harness.hear(loud(11_000) + quiet(200))
    heard(harness, "so many words")
    assert len(judgement(harness).pcm) == len(quiet(8000))


def test_until_the_judge_has_spoken_and_where_it_never_does_the_longest_silence_holds() -> None:
    harness = Harness(eager=False)
    harness.update(**semantic("high"))
    harness.hear(loud(600) + quiet(1900))
    heard(harness, "What time is it?")
    assert not harness.of("input_audio_buffer.speech_stopped")
    harness.hear(quiet(100))
    assert harness.of("input_audio_buffer.speech_stopped")


def test_a_verdict_on_a_pause_that_is_over_changes_nothing() -> None:
    harness = Harness(eager=False)
    harness.update(**semantic("high"))
    harness.hear(loud(600) + quiet(200))
    heard(harness, "What time is it?")
    asked = judgement(harness)
    harness.hear(loud(600) + quiet(120))
    harness.answer(TurnJudged(asked.item_id, asked.revision, 1.0))
    harness.hear(quiet(600))
    assert not harness.of("input_audio_buffer.speech_stopped")


def test_where_the_ear_failed_the_sound_alone_is_judged() -> None:
    harness = Harness(eager=False)
    harness.update(**semantic("medium"))
    harness.hear(loud(600) + quiet(200))
    asked = [action for action in harness.work if isinstance(action, Transcribe)][-1]
    harness.answer(HearingFailed(asked.item_id, asked.revision, "deaf"))
    assert judgement(harness).text == ""


def test_with_plain_server_vad_nobody_is_asked() -> None:
    harness = Harness(eager=False)
    harness.hear(loud(600) + quiet(200))
    heard(harness, "What time is it?")
    assert not [action for action in harness.work if isinstance(action, JudgeTurnEnd)]
