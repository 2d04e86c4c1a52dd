"""What the server is told when the user cuts in."""

from __future__ import annotations

import pytest

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.config import CoreConfig
from realtime_agent.events import AgentTranscript, Interrupted, TurnEnded, TurnStarted
from realtime_agent.protocol import ConversationItemDelete, ConversationItemTruncate, ResponseCancel, SessionConfig
from tests.core_driver import (
    Driver,
    Speaker,
    audio,
    audio_done,
    created,
    done,
    item_added,
    item_done,
    speech_started,
    text,
    transcript,
)


def _two_items(driver: Driver) -> None:
    """A reply of two items of five seconds each, all received at once, as servers do."""
    driver.feed(created("r1"))
    for item_id in ("a", "b"):
        driver.feed(item_added("r1", item_id))
        for _ in range(50):
            driver.feed(audio("r1", item_id, 100))
        driver.feed(audio_done("r1", item_id), item_done("r1", item_id))
    driver.feed(done("r1"))


def test_of_two_queued_items_the_one_being_heard_is_truncated_and_the_other_deleted() -> None:
    driver = Driver()
    _two_items(driver)
    driver.run(2.0)
    driver.feed(speech_started())
    (truncate,) = driver.sent(ConversationItemTruncate)
    (delete,) = driver.sent(ConversationItemDelete)
    assert (truncate.item_id, truncate.content_index, truncate.audio_end_ms) == ("a", 0, 2000)
    assert delete.item_id == "b"
    assert driver.sent(ResponseCancel) == []
    (interrupted,) = driver.events(Interrupted)
    assert (interrupted.item_id, interrupted.heard_ms) == ("a", 2000)


def test_latency_of_the_device_is_not_heard_time() -> None:
    driver = Driver(speaker=Speaker(latency_ms=800))
    _two_items(driver)
    driver.run(2.0)
    driver.feed(speech_started())
    (truncate,) = driver.sent(ConversationItemTruncate)
    assert (truncate.item_id, truncate.audio_end_ms) == ("a", 1200)


def test_what_the_device_cannot_give_back_counts_as_heard() -> None:
    driver = Driver(speaker=Speaker(held_ms=60))
    _two_items(driver)
    driver.run(2.0)
    driver.feed(speech_started())
    assert driver.sent(ConversationItemTruncate)[0].audio_end_ms == 2060


def test_a_cut_in_the_second_item_leaves_the_first_alone() -> None:
    driver = Driver()
    _two_items(driver)
    driver.run(6.0)
    driver.feed(speech_started())
    (truncate,) = driver.sent(ConversationItemTruncate)
    assert (truncate.item_id, truncate.audio_end_ms) == ("b", 1000)
    assert driver.sent(ConversationItemDelete) == []


def test_nothing_is_sent_when_all_was_heard() -> None:
    driver = Driver()
    _two_items(driver)
    driver.run(11.0)
    driver.log.clear()
    driver.feed(speech_started())
    assert driver.done(act.Send) == []
    assert driver.done(act.Flush) == []
    assert driver.events(Interrupted) == []


def test_a_reply_of_which_nothing_was_heard_yet_is_deleted_not_truncated_at_zero() -> None:
    driver = Driver(speaker=Speaker(latency_ms=500))
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 1000))
    driver.run(0.2)
    driver.feed(speech_started())
    assert driver.sent(ConversationItemTruncate) == []
    assert [d.item_id for d in driver.sent(ConversationItemDelete)] == ["a"]
    assert driver.events(Interrupted)[0].heard_ms == 0


def test_audio_of_a_cut_response_that_comes_late_is_never_played_and_its_late_items_are_deleted() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 1000))
    driver.run(0.5)
    driver.feed(speech_started())
    late = driver.feed(
        audio("r1", "a", 100),
        transcript("r1", "a", "late"),
        item_added("r1", "b"),
        audio("r1", "b", 100),
        item_done("r1", "b", "incomplete"),
        done("r1", "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"}),
    )
    assert not any(isinstance(a, act.Play) for a in late)
    assert [d.item_id for d in driver.sent(ConversationItemDelete)] == ["b"]
    assert len(driver.sent(ConversationItemTruncate)) == 1


def test_an_item_that_only_response_done_tells_of_is_deleted_too() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 1000))
    driver.run(0.5)
    driver.feed(speech_started())
    message = {"type": "message", "role": "assistant", "content": []}
    driver.feed(done("r1", "cancelled", output=[{"id": "a"} | message, {"id": "b"} | message]))
    assert [d.item_id for d in driver.sent(ConversationItemDelete)] == ["b"]


def test_a_truncation_is_never_longer_than_what_was_received() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 333))
    driver.run(1.0)  # it ran dry: the rest is still to come
    driver.feed(speech_started())
    (truncate,) = driver.sent(ConversationItemTruncate)
    assert truncate.audio_end_ms == 333


def test_each_content_part_is_cut_at_its_own_time() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"))
    driver.feed(audio("r1", "a", 1000, 0), audio_done("r1", "a", 0), audio("r1", "a", 1000, 1))
    driver.run(1.5)
    driver.feed(speech_started())
    (truncate,) = driver.sent(ConversationItemTruncate)
    assert (truncate.content_index, truncate.audio_end_ms) == (1, 500)


def test_the_words_that_were_heard_are_told() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"))
    driver.feed(transcript("r1", "a", "One two three. "), audio("r1", "a", 1000))
    driver.feed(transcript("r1", "a", "Four five six. "), audio("r1", "a", 1000))
    driver.run(1.0)
    driver.feed(speech_started())
    (interrupted,) = driver.events(Interrupted)
    assert interrupted.heard_text == "One two three."
    assert driver.core.conversation.get("a").heard_text == "One two three."  # type: ignore[union-attr]


def test_a_times_table_of_the_server_decides_which_words_were_heard() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"))
    driver.feed(transcript("r1", "a", "Well. ", start_time=0.0), transcript("r1", "a", "Now then.", start_time=1.8))
    driver.feed(audio("r1", "a", 2000))
    driver.run(1.8)
    driver.feed(speech_started())
    assert driver.events(Interrupted)[0].heard_text == "Well."


def test_interrupting_cancels_the_response_by_name_before_it_truncates() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 1000))
    driver.run(0.4)
    driver.feed(inputs.Interrupt())
    sent = [a.event for a in driver.log if isinstance(a, act.Send)]
    assert isinstance(sent[0], ResponseCancel)
    assert sent[0].response_id == "r1"
    assert isinstance(sent[1], ConversationItemTruncate)
    assert sent[1].audio_end_ms == 400


def test_a_response_that_was_asked_for_and_has_no_name_yet_is_cancelled_as_soon_as_it_has() -> None:
    driver = Driver()
    driver.feed(inputs.SendText("Hello"), inputs.Interrupt())
    assert driver.sent(ResponseCancel) == []
    driver.feed(created("r1"))
    assert [c.response_id for c in driver.sent(ResponseCancel)] == ["r1"]
    late = driver.feed(audio("r1", "a", 100))
    assert late == []


def test_phrases_that_wait_to_be_said_are_forgotten_when_the_user_cuts_in() -> None:
    driver = Driver()
    driver.feed(inputs.Say("One"), created("r1"), inputs.Say("Two"), audio("r1", "a", 1000))
    driver.run(0.2)
    driver.feed(speech_started())
    driver.log.clear()
    driver.feed(done("r1", "cancelled"))
    driver.run(5.0)
    assert driver.done(act.Send) == []


def test_with_interrupt_response_false_speech_neither_ducks_nor_cuts_but_interrupting_still_does() -> None:
    session = SessionConfig.model_validate(
        {
            "type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}},
        }
    )
    driver = Driver(CoreConfig(session=session))
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 3000))
    driver.run(0.5)
    driver.run(0.5, speech=True)
    driver.feed(speech_started())
    assert not driver.done(act.Duck)
    assert not driver.done(act.Flush)
    assert [e.speaker for e in driver.events(TurnStarted)] == ["agent", "user"]
    driver.feed(inputs.Interrupt())
    assert driver.sent(ConversationItemTruncate)[0].audio_end_ms == 1000


def test_a_written_answer_is_left_as_it_is() -> None:
    driver = Driver()
    driver.feed(created("r1", output_modalities=["text"]), item_added("r1", "a"), text("r1", "a", "Well"))
    driver.feed(speech_started())
    assert driver.sent(ConversationItemDelete) == []
    assert driver.sent(ConversationItemTruncate) == []
    assert [e.speaker for e in driver.events(TurnEnded)] == ["agent"]


def test_out_of_band_speech_is_cut_off_but_the_server_is_told_nothing_of_items_it_does_not_have() -> None:
    driver = Driver()
    driver.feed(created("r9", conversation_id=None, metadata={"realtime_agent": "ra_1"}))
    driver.feed(item_added("r9", "x"), audio("r9", "x", 1000))
    driver.run(0.2)
    driver.feed(speech_started())
    assert driver.done(act.Flush)
    assert driver.sent(ConversationItemTruncate) == []
    assert driver.sent(ConversationItemDelete) == []


def test_a_cancelled_response_whose_speech_started_was_lost_is_cut_all_the_same() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 1000))
    driver.run(0.3)
    driver.feed(done("r1", "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"}))
    assert driver.done(act.Flush)
    assert driver.sent(ConversationItemTruncate)[0].audio_end_ms == 300


def test_every_transcript_that_was_begun_is_finished_also_of_a_deleted_item() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), transcript("r1", "a", "Never heard"))
    driver.feed(speech_started())
    assert [(e.text, e.final) for e in driver.events(AgentTranscript)] == [
        ("Never heard", False),
        ("Never heard", True),
    ]
    assert driver.core.conversation.items == ()


@pytest.mark.parametrize("heard_ms", [20, 500, 1980])
def test_the_order_is_user_turn_then_interruption_then_the_agents_turn_ends(heard_ms: int) -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 2000))
    driver.run(heard_ms / 1000)
    before = len(driver.log)
    driver.feed(speech_started())
    emitted = [a.event for a in driver.log[before:] if isinstance(a, act.Emit)]
    assert [type(e).__name__ for e in emitted] == ["TurnStarted", "Interrupted", "TurnEnded"]


def test_a_transport_that_flushes_by_itself_is_an_interruption() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 2000))
    driver.run(0.5)
    driver.feed(inputs.PlaybackFlushed(driver.speaker.flush()))
    assert driver.sent(ConversationItemTruncate)[0].audio_end_ms == 500
    assert driver.core.counts["unasked_flush"] == 1
