"""One response at a time, whatever races on the wire."""

from __future__ import annotations

import pytest

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.config import CoreConfig
from realtime_agent.events import AgentTranscript, ErrorRaised, TurnEnded, TurnStarted
from realtime_agent.protocol import ResponseCancel, ResponseConfig, ResponseCreate, said_text
from tests.core_driver import (
    Driver,
    added,
    audio,
    call_done,
    committed,
    created,
    done,
    error,
    item_added,
    item_done,
    speech_started,
    speech_stopped,
    text,
)

ACTIVE = "conversation_already_has_active_response"


def test_a_response_is_asked_for_only_after_the_one_before_is_done() -> None:
    driver = Driver()
    driver.feed(inputs.Say("One"), inputs.Say("Two"))
    assert len(driver.sent(ResponseCreate)) == 1
    driver.feed(created("r1"))
    assert len(driver.sent(ResponseCreate)) == 1
    driver.feed(done("r1"))
    creates = driver.sent(ResponseCreate)
    assert [said_text(c.response.instructions) for c in creates if c.response] == ["One", "Two"]
    assert all(c.response and c.response.tool_choice == "none" for c in creates)


def test_wanted_replies_that_one_response_answers_are_asked_for_once() -> None:
    driver = Driver()
    driver.feed(created("r1"), inputs.SendText("a"), inputs.SendText("b"), inputs.SendText("c"), done("r1"))
    assert len(driver.sent(ResponseCreate)) == 1


def test_a_request_that_meets_an_active_response_is_repeated_after_that_one() -> None:
    driver = Driver()
    driver.feed(inputs.Say("Hello"))
    (create,) = driver.sent(ResponseCreate)
    driver.feed(created("r_auto"), error(ACTIVE, create.event_id))
    assert driver.events(ErrorRaised) == []
    assert len(driver.sent(ResponseCreate)) == 1
    driver.feed(done("r_auto"))
    assert len(driver.sent(ResponseCreate)) == 2


def test_the_refusal_may_come_before_the_response_that_it_speaks_of_is_known() -> None:
    driver = Driver()
    driver.feed(inputs.Say("Hello"))
    driver.feed(error(ACTIVE))
    driver.run(0.1)
    assert len(driver.sent(ResponseCreate)) == 1
    driver.run(0.3)
    assert len(driver.sent(ResponseCreate)) == 2


def test_a_server_that_refuses_for_ever_is_given_up_with_an_error() -> None:
    driver = Driver()
    driver.feed(inputs.Say("Hello"))
    for _ in range(30):
        driver.feed(error(ACTIVE))
        driver.run(0.3)
    assert len(driver.sent(ResponseCreate)) == 9
    assert [e.error.code for e in driver.events(ErrorRaised)] == [ACTIVE]


def test_another_refusal_is_reported_and_frees_the_way() -> None:
    driver = Driver()
    driver.feed(inputs.Say("Hello"), inputs.Say("World"))
    (create,) = driver.sent(ResponseCreate)
    driver.feed(error("invalid_value", create.event_id))
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["invalid_value"]
    assert len(driver.sent(ResponseCreate)) == 2


def test_a_request_that_nobody_answers_is_given_up_at_its_deadline() -> None:
    driver = Driver()
    driver.feed(inputs.Say("Hello"), inputs.Say("World"))
    driver.run(15.1)
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["response_timeout"]
    assert len(driver.sent(ResponseCreate)) == 2


def test_nothing_is_asked_for_while_the_user_speaks_nor_until_the_server_has_answered_by_itself() -> None:
    driver = Driver()
    driver.feed(speech_started("u"), inputs.Say("Hello"))
    driver.run(1.0)
    driver.feed(speech_stopped("u"), committed("u"))
    assert driver.sent(ResponseCreate) == []
    assert not driver.core.idle
    driver.feed(created("r1"), done("r1"))
    assert len(driver.sent(ResponseCreate)) == 1


def test_an_answer_that_the_server_owes_and_does_not_give_is_waited_for_two_seconds() -> None:
    driver = Driver()
    driver.feed(speech_started("u"), inputs.Say("Hello"), speech_stopped("u"), committed("u"))
    driver.run(1.9)
    assert driver.sent(ResponseCreate) == []
    driver.run(0.2)
    assert len(driver.sent(ResponseCreate)) == 1


def test_a_lost_response_done_is_made_up_for_by_the_next_response() -> None:
    driver = Driver()
    driver.feed(created("r1", output_modalities=["text"]), item_added("r1", "a"), text("r1", "a", "Hm"))
    driver.feed(created("r2"))
    assert len(driver.events(TurnStarted)) == len(driver.events(TurnEnded)) == 1
    driver.feed(done("r1"), done("r2"), done("r2"))
    assert driver.core.counts["lost_response_done"] == 1
    assert driver.core.counts["duplicate_response_done"] == 2
    assert driver.core.idle


def test_a_response_that_falls_silent_is_cancelled_and_given_up() -> None:
    driver = Driver()
    driver.feed(created("r1"), inputs.Say("Hello"))
    driver.run(50.0)
    driver.feed(text("r1", "a", "still here"))
    driver.run(50.0)
    assert driver.sent(ResponseCreate) == []
    driver.run(10.1)
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["response_stalled"]
    assert [c.response_id for c in driver.sent(ResponseCancel)] == ["r1"]
    assert len(driver.sent(ResponseCreate)) == 1


def test_audio_whose_response_created_was_lost_is_played_and_the_response_ends() -> None:
    driver = Driver()
    driver.feed(item_added("r1", "a"), audio("r1", "a", 100))
    assert driver.done(act.Play)
    assert not driver.core.idle
    driver.feed(created("r1"), done("r1"))
    driver.run(1.0)
    assert driver.core.idle


def test_content_that_comes_after_response_done_is_late_and_dropped() -> None:
    driver = Driver()
    driver.feed(created("r1"), done("r1"))
    assert driver.feed(audio("r1", "a", 100), text("r1", "a", "x"), call_done("r1", "c1")) == []
    assert driver.core.counts["late_response_event"] == 3


def test_out_of_band_responses_wait_for_nothing_and_block_nothing() -> None:
    driver = Driver()
    driver.feed(created("r1"))
    driver.feed(inputs.Respond(ResponseConfig(conversation="none", metadata={"topic": "mood"})))
    (create,) = driver.sent(ResponseCreate)
    assert create.response is not None
    metadata = create.response.metadata
    assert metadata is not None
    assert metadata["topic"] == "mood"
    driver.feed(created("r9", conversation_id=None, metadata=metadata), text("r9", "x", "calm"))
    driver.feed(done("r1"), inputs.Say("Hello"))
    assert len(driver.sent(ResponseCreate)) == 2
    driver.feed(item_done("r9", "x"), done("r9", metadata=metadata))
    assert [e.text for e in driver.events(AgentTranscript) if e.final] == ["calm"]
    assert [i.item_id for i in driver.core.conversation.items] == []


def test_more_waiting_responses_than_the_bound_are_refused_with_an_error() -> None:
    driver = Driver(CoreConfig(max_waiting_creates=3))
    driver.feed(created("r1"), *[inputs.Say(str(n)) for n in range(5)])
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["queue_full"] * 2


def test_a_failed_response_is_reported_with_the_servers_code() -> None:
    driver = Driver()
    failure = {"type": "failed", "error": {"type": "server_error", "code": "rate_limit_exceeded", "message": "slow"}}
    driver.feed(created("r1"), done("r1", "failed", status_details=failure))
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["rate_limit_exceeded"]


def test_the_servers_own_answer_serves_for_a_tool_result_that_it_had_seen() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"))
    driver.feed(speech_started("u"))
    driver.answer("c1", "42")
    driver.feed(added("o", None, type="function_call_output", call_id="c1", output="42"))
    driver.feed(speech_stopped("u"), committed("u"), created("r2"), done("r2"))
    assert driver.sent(ResponseCreate) == []
    assert driver.core.idle


def test_a_tool_result_that_the_servers_own_answer_may_not_have_seen_is_answered_after_it() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"))
    driver.feed(speech_started("u"))
    driver.answer("c1", "42")
    driver.feed(speech_stopped("u"), committed("u"), created("r2"), done("r2"))
    assert len(driver.sent(ResponseCreate)) == 1


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed", "cancelled"])
def test_each_turn_that_starts_ends_once_however_the_response_ends(status: str) -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 200), done("r1", status))
    driver.feed(done("r1", status), item_done("r1", "a"))
    driver.run(1.0)
    assert len(driver.events(TurnStarted)) == len(driver.events(TurnEnded)) == 1
