"""The life of a session: greeting, readiness, errors, the end."""

from __future__ import annotations

from typing import Any

import pytest

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.config import CoreConfig
from realtime_agent.core.session import SessionCore
from realtime_agent.errors import ConnectFailed, PeerClosed, RemoteProtocolError, ServerError
from realtime_agent.events import ErrorRaised, TurnEnded, TurnStarted
from realtime_agent.protocol import (
    ConversationItemCreate,
    InputAudioBufferAppend,
    MessageItem,
    ResponseCreate,
    SessionConfig,
    SessionUpdate,
    UnknownEvent,
    encode,
)
from tests.core_driver import (
    Driver,
    audio,
    committed,
    created,
    done,
    error,
    item_added,
    server,
    speech_started,
    speech_stopped,
)

_SESSION = {"type": "realtime", "model": "gpt-realtime"}


def _greeted(config: CoreConfig | None = None) -> Driver:
    driver = Driver(config, ready=False)
    driver.feed(inputs.Connected(), server("session.created", session=_SESSION))
    return driver


def test_the_configuration_is_asked_for_upon_the_greeting_and_readiness_comes_with_the_answer() -> None:
    driver = _greeted()
    (update,) = driver.sent(SessionUpdate)
    assert isinstance(update.session, SessionConfig)
    assert update.session.instructions == "Be brief."
    ready = [driver.core.ready]
    driver.feed(server("session.updated", session=_SESSION))
    assert [*ready, driver.core.ready] == [False, True]


def test_a_session_with_nothing_to_configure_is_ready_upon_the_greeting() -> None:
    driver = _greeted(CoreConfig())
    assert driver.core.ready
    assert driver.log == []


def test_a_session_joined_late_is_ready_with_the_first_configuration_it_hears_of() -> None:
    driver = Driver(CoreConfig(), ready=False)
    driver.feed(inputs.Connected(), server("session.updated", session=_SESSION))
    assert driver.core.ready


def test_what_is_asked_for_before_the_session_is_ready_is_done_then_in_order() -> None:
    driver = _greeted()
    driver.feed(inputs.SendText("First"), inputs.Say("Second"))
    assert driver.sent(ConversationItemCreate) == []
    driver.feed(server("session.updated", session=_SESSION))
    assert len(driver.sent(ConversationItemCreate)) == 1
    assert len(driver.sent(ResponseCreate)) == 1
    driver.feed(created("r1"), done("r1"))
    assert len(driver.sent(ResponseCreate)) == 2


def test_too_much_asked_for_before_the_session_is_ready_is_refused() -> None:
    driver = _greeted(CoreConfig(session=SessionConfig(), max_held_inputs=2))
    driver.feed(*[inputs.Say(str(n)) for n in range(3)])
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["queue_full"]


def test_a_server_that_never_greets_is_given_up() -> None:
    driver = Driver(ready=False)
    driver.feed(inputs.Connected())
    driver.run(10.1)
    closed = driver.log[-1]
    assert isinstance(closed, act.Close)
    assert isinstance(closed.error, ConnectFailed)


@pytest.mark.parametrize("named", [True, False])
def test_a_configuration_that_the_server_refuses_ends_the_session(named: bool) -> None:
    driver = _greeted()
    event_id = driver.sent(SessionUpdate)[0].event_id if named else None
    driver.feed(error("invalid_value", event_id, "Voice 'x' is not supported."))
    closed = driver.log[-1]
    assert isinstance(closed, act.Close)
    assert isinstance(closed.error, ServerError)
    assert closed.error.code == "invalid_value"


def test_an_answer_that_is_no_realtime_protocol_ends_the_session() -> None:
    driver = Driver(ready=False)
    driver.feed(inputs.Connected(), inputs.MessageRejected(RemoteProtocolError("message is not JSON")))
    closed = driver.log[-1]
    assert isinstance(closed, act.Close)
    assert isinstance(closed.error, ConnectFailed)


def test_a_malformed_message_later_is_an_error_and_the_session_lives() -> None:
    driver = Driver()
    driver.feed(inputs.MessageRejected(RemoteProtocolError("broken", code="invalid_json")))
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["invalid_json"]
    assert not driver.core.closed


def test_a_change_of_configuration_that_is_refused_later_is_reported_and_the_session_lives() -> None:
    driver = Driver()
    driver.feed(inputs.UpdateSession(SessionConfig(instructions="Be long.")))
    driver.feed(error("cannot_update_voice", driver.sent(SessionUpdate)[-1].event_id))
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["cannot_update_voice"]
    assert not driver.core.closed


def test_a_race_that_is_lost_fairly_is_counted_and_not_reported() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 1000))
    driver.run(0.5)
    driver.feed(inputs.Interrupt())
    cancel, truncate = (a.event for a in driver.log if isinstance(a, act.Send))
    driver.feed(error("response_cancel_not_active", cancel.event_id), error("invalid_value", truncate.event_id))
    driver.feed(error("response_cancel_not_active"), error("conversation_already_has_active_response"))
    assert driver.events(ErrorRaised) == []
    assert sum(n for what, n in driver.core.counts.items() if what.startswith("benign_error")) == 4


def test_another_error_of_the_server_is_reported_with_all_that_it_says() -> None:
    driver = Driver()
    driver.feed(error("rate_limit_exceeded", "ours", "Slow down."))
    (raised,) = driver.events(ErrorRaised)
    assert isinstance(raised.error, ServerError)
    assert (raised.error.code, raised.error.type, raised.error.event_id) == (
        "rate_limit_exceeded",
        "invalid_request_error",
        "ours",
    )


def test_unknown_events_are_counted() -> None:
    driver = Driver()
    driver.feed(UnknownEvent("ping", {}), UnknownEvent("response.hologram.delta", {}))
    assert driver.log == []
    assert driver.core.counts["unknown_event"] == 2


def test_the_end_of_the_connection_closes_with_its_error_and_nothing_happens_after() -> None:
    driver = Driver()
    lost = PeerClosed("gone", close_code=1006)
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 1000), speech_started())
    driver.run(0.2)
    driver.feed(inputs.Disconnected(lost))
    assert driver.log[-1] == act.Close("disconnected", lost)
    assert len(driver.events(TurnStarted)) == len(driver.events(TurnEnded))
    assert driver.core.next_timer() is None
    after = driver.feed(inputs.Hangup(), created("r2"), audio("r2", "b", 100), inputs.Say("x"), speech_started())
    assert after + driver.run(60.0) == []


def test_hanging_up_gives_its_reason() -> None:
    driver = Driver()
    assert driver.feed(inputs.Hangup("goodbye")) == [act.Close("goodbye", None)]


def test_a_picture_is_sent_with_its_question() -> None:
    driver = Driver()
    driver.feed(inputs.SendImage("data:image/png;base64,AAAA", "What is this?"))
    (create,) = driver.sent(ConversationItemCreate)
    assert isinstance(create.item, MessageItem)
    assert [p.type for p in create.item.content] == ["input_image", "input_text"]
    assert b'"image_url":"data:image/png;base64,AAAA"' in encode(create)


def test_idle_means_that_nobody_speaks_and_nothing_is_owed() -> None:
    driver = Driver()
    seen = {"at first": driver.core.idle}
    driver.feed(speech_started("u"))
    seen["user speaks"] = driver.core.idle
    driver.feed(speech_stopped("u"), committed("u"))
    seen["the server owes an answer"] = driver.core.idle
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 200))
    seen["a response is active"] = driver.core.idle
    driver.feed(done("r1"))
    seen["its audio is heard"] = driver.core.idle
    driver.run(1.0)
    seen["all was heard"] = driver.core.idle
    assert seen == {
        "at first": True,
        "user speaks": False,
        "the server owes an answer": False,
        "a response is active": False,
        "its audio is heard": False,
        "all was heard": True,
    }


def test_usage_adds_up_over_responses_and_counts_the_seconds_that_were_heard() -> None:
    driver = Driver()
    usage: dict[str, Any] = {
        "total_tokens": 30,
        "input_tokens": 20,
        "output_tokens": 10,
        "input_token_details": {"text_tokens": 5, "audio_tokens": 15, "cached_tokens": 4},
        "output_token_details": {"text_tokens": 3, "audio_tokens": 7},
    }
    for n in range(2):
        driver.feed(created(f"r{n}"), audio(f"r{n}", f"a{n}", 1000), done(f"r{n}", usage=usage))
    driver.run(1.5)
    used = driver.core.usage
    assert (used.responses, used.total_tokens, used.input_audio_tokens, used.output_audio_tokens) == (2, 60, 30, 14)
    assert used.audio_in_s == pytest.approx(1.5)
    assert used.audio_out_s == 2.0
    assert used.input_cached_tokens == 8


def test_microphone_audio_waits_for_the_session_to_be_ready() -> None:
    driver = _greeted()
    seen = [driver.core.uplink_open]
    driver.feed(server("session.updated", session=_SESSION))
    seen.append(driver.core.uplink_open)
    driver.feed(inputs.Hangup())
    seen.append(driver.core.uplink_open)
    assert seen == [False, True, False]


def test_client_events_carry_ids_that_are_never_used_twice() -> None:
    driver = Driver()
    for n in range(700):
        driver.feed(inputs.SendText(str(n)), created(f"r{n}"), done(f"r{n}"))
    sent = [a.event for a in driver.log if isinstance(a, act.Send)]
    ids = [e.event_id for e in sent if not isinstance(e, InputAudioBufferAppend)]
    assert len(ids) == len(set(ids)) == 1400
    assert len(driver.core._out._purposes) <= 512


def test_the_core_makes_no_actions_of_its_own_before_anything_happened() -> None:
    core = SessionCore(CoreConfig())
    assert core.actions() == []
    assert core.next_timer() is None
    core.handle_timer(5.0)
    assert core.actions() == []


def test_the_configuration_of_the_server_tells_whether_speech_interrupts() -> None:
    driver = Driver()
    detection = {"type": "semantic_vad", "interrupt_response": False, "create_response": False}
    driver.feed(
        server("session.updated", session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
    )
    driver.feed(created("r1"), audio("r1", "a", 1000))
    driver.run(0.1, speech=True)
    driver.feed(speech_started("u"))
    assert not driver.done(act.Duck)
    assert not driver.done(act.Flush)
    driver.feed(speech_stopped("u"), committed("u"), done("r1"), inputs.SendText("x"))
    assert len(driver.sent(ResponseCreate)) == 1  # nothing is expected of the server
