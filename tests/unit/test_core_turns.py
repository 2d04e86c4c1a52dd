"""Ducking, confirming, resuming; turns and their latency."""

from __future__ import annotations

import pytest

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.config import CoreConfig, TurnMode
from realtime_agent.events import ErrorRaised, TurnEnded, TurnStarted
from realtime_agent.protocol import (
    ConversationItemTruncate,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseCancel,
    ResponseCreate,
    SessionConfig,
)
from tests.core_driver import (
    Driver,
    Speaker,
    audio,
    audio_done,
    committed,
    created,
    done,
    item_added,
    item_done,
    speech_started,
    speech_stopped,
)


def _speaking(mode: TurnMode = "server", speaker: Speaker | None = None, duration_ms: int = 5000) -> Driver:
    """The agent speaks, the whole reply is received, and half a second of it was heard."""
    driver = Driver(CoreConfig(turn_mode=mode), speaker)
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", duration_ms))
    driver.feed(audio_done("r1", "a"), item_done("r1", "a"), done("r1"))
    driver.run(0.5)
    driver.log.clear()
    return driver


def _ducking(driver: Driver) -> list[str]:
    return [type(a).__name__ for a in driver.log if isinstance(a, act.Duck | act.Resume | act.Flush)]


def test_the_first_frame_of_local_speech_ducks_at_once() -> None:
    driver = _speaking()
    driver.run(0.02, speech=True)
    assert _ducking(driver) == ["Duck"]


def test_a_false_alarm_resumes_with_no_sample_lost() -> None:
    driver = _speaking()
    driver.run(0.1, speech=True)
    driver.run(6.0)
    assert _ducking(driver) == ["Duck", "Resume"]
    assert driver.speaker.played == 5 * 24_000
    assert [e.speaker for e in driver.events(TurnEnded)] == ["agent"]
    assert driver.done(act.Send) == []


def test_a_confirmed_onset_flushes_and_never_resumes() -> None:
    driver = _speaking()
    driver.run(0.2, speech=True)
    driver.feed(speech_started())
    driver.run(2.0, speech=True)
    assert _ducking(driver) == ["Duck", "Flush"]
    assert driver.sent(ConversationItemTruncate)[0].audio_end_ms == 520


def test_an_onset_that_nobody_confirms_is_dismissed_at_the_deadline_and_ducks_again_only_after_silence() -> None:
    driver = _speaking()
    driver.run(3.0, speech=True)
    assert _ducking(driver) == ["Duck", "Resume"]
    driver.run(0.4)
    driver.run(0.1, speech=True)
    assert _ducking(driver) == ["Duck", "Resume", "Duck"]


def test_a_microphone_that_falls_silent_for_good_while_ducked_does_not_leave_the_agent_ducked() -> None:
    driver = _speaking()
    driver.run(0.1, speech=True)
    driver.run(2.0, microphone=False)
    assert _ducking(driver) == ["Duck", "Resume"]


def test_the_end_of_the_microphone_resumes_at_once() -> None:
    driver = _speaking()
    driver.run(0.1, speech=True)
    driver.feed(inputs.MicrophoneEnded())
    assert _ducking(driver) == ["Duck", "Resume"]


def test_the_server_hearing_speech_that_we_did_not_flushes_directly() -> None:
    driver = _speaking()
    driver.feed(speech_started())
    assert _ducking(driver) == ["Flush"]


def test_nothing_ducks_while_the_agent_is_silent() -> None:
    driver = _speaking(duration_ms=100)
    driver.run(0.5, speech=True)
    assert _ducking(driver) == []


def test_an_answer_that_arrives_while_somebody_begins_to_speak_is_ducked_before_its_first_sample() -> None:
    driver = _speaking(duration_ms=100)
    driver.run(0.1, speech=True)
    driver.feed(created("r2"), item_added("r2", "b"), audio("r2", "b", 500))
    assert _ducking(driver) == ["Duck"]
    driver.run(3.0)
    assert _ducking(driver) == ["Duck", "Resume"]
    assert driver.speaker.played == 600 * 24


def test_ducking_can_be_switched_off() -> None:
    driver = Driver(CoreConfig(duck=False))
    driver.feed(created("r1"), audio("r1", "a", 1000))
    driver.run(0.5, speech=True)
    assert _ducking(driver) == []


# -- local mode


def test_locally_confirmed_speech_cancels_flushes_and_truncates() -> None:
    driver = _speaking("local")
    driver.feed(created("r2"), item_added("r2", "b"), audio("r2", "b", 100))
    driver.run(0.3, speech=True)
    assert _ducking(driver) == ["Duck", "Flush"]
    assert [c.response_id for c in driver.sent(ResponseCancel)] == ["r2"]
    assert driver.sent(ConversationItemTruncate)[0].audio_end_ms == 520


def test_the_end_of_local_speech_commits_and_asks_for_a_response() -> None:
    driver = _speaking("local", duration_ms=100)
    driver.run(1.0, speech=True)
    driver.run(0.48)
    assert driver.sent(InputAudioBufferCommit) == []
    driver.run(0.02)
    assert len(driver.sent(InputAudioBufferCommit)) == 1
    assert len(driver.sent(ResponseCreate)) == 1
    assert [e.speaker for e in driver.events(TurnStarted)] == ["user"]
    assert [e.speaker for e in driver.events(TurnEnded)] == ["user"]


def test_a_local_false_alarm_clears_the_input_so_that_noise_is_not_committed_later() -> None:
    driver = _speaking("local")
    driver.run(0.1, speech=True)
    driver.run(0.4)
    assert len(driver.sent(InputAudioBufferClear)) == 1
    assert driver.sent(InputAudioBufferCommit) == []
    assert _ducking(driver) == ["Duck", "Resume"]


def test_pauses_inside_an_onset_add_up_to_a_turn() -> None:
    driver = _speaking("local", duration_ms=100)
    for _ in range(3):
        driver.run(0.1, speech=True)
        driver.run(0.1)
    assert [e.speaker for e in driver.events(TurnStarted)] == ["user"]


def test_in_local_mode_only_what_may_be_speech_goes_up() -> None:
    driver = _speaking("local", duration_ms=100)
    seen = [driver.core.uplink_open]
    driver.run(0.02, speech=True)
    seen.append(driver.core.uplink_open)
    driver.run(0.4)
    seen.append(driver.core.uplink_open)
    assert seen == [False, True, False]
    before = driver.core.usage.audio_in_s
    driver.run(5.0)
    assert driver.core.usage.audio_in_s == before


def test_the_end_of_the_microphone_ends_a_local_turn() -> None:
    driver = _speaking("local", duration_ms=100)
    driver.run(1.0, speech=True)
    driver.feed(inputs.MicrophoneEnded())
    assert len(driver.sent(InputAudioBufferCommit)) == 1


def test_server_vad_events_in_local_mode_are_counted_and_cut_nothing() -> None:
    driver = _speaking("local")
    driver.feed(speech_started(), speech_stopped())
    assert driver.log == []
    assert driver.core.counts["unexpected_server_vad"] == 1


# -- push-to-talk


def test_push_to_talk_commits_what_was_said_and_asks_for_a_response() -> None:
    driver = _speaking("manual", duration_ms=100)
    driver.feed(inputs.ClearInput())
    driver.run(1.0, speech=True)
    driver.feed(inputs.Commit())
    sent = [type(a.event).__name__ for a in driver.log if isinstance(a, act.Send)]
    assert sent == ["InputAudioBufferClear", "InputAudioBufferCommit", "ResponseCreate"]
    assert [e.speaker for e in driver.events(TurnStarted)] == ["user"]
    assert [e.speaker for e in driver.events(TurnEnded)] == ["user"]


def test_a_key_that_is_released_at_once_commits_nothing() -> None:
    driver = _speaking("manual", duration_ms=100)
    driver.feed(inputs.ClearInput())
    driver.run(0.08)
    driver.feed(inputs.Commit())
    assert driver.sent(InputAudioBufferCommit) == []
    assert [e.error.code for e in driver.events(ErrorRaised)] == ["commit_empty"]
    assert len(driver.events(TurnEnded)) == 1


def test_noise_neither_ducks_nor_opens_a_turn_in_push_to_talk() -> None:
    driver = _speaking("manual")
    driver.run(1.0, speech=True)
    assert driver.log == []


def test_a_key_that_was_pressed_and_forgotten_does_not_keep_the_agent_from_speaking() -> None:
    driver = _speaking("manual", duration_ms=100)
    driver.feed(inputs.ClearInput())
    driver.run(1.0)
    driver.feed(inputs.Say("Are you there?"))
    assert len(driver.sent(ResponseCreate)) == 1


# -- turns of the server


def test_a_turn_that_starts_twice_starts_once_and_one_that_is_committed_unstopped_ends() -> None:
    driver = Driver()
    driver.feed(speech_started("u1"), speech_started("u1"), committed("u1"), speech_stopped("u1"))
    assert [e.item_id for e in driver.events(TurnStarted)] == ["u1"]
    assert [e.item_id for e in driver.events(TurnEnded)] == ["u1"]
    assert driver.core.counts["duplicate_speech_started"] == 1


def test_a_second_turn_without_an_end_of_the_first_ends_the_first() -> None:
    driver = Driver()
    driver.feed(speech_started("u1"), speech_started("u2"), speech_stopped("u2"))
    assert [e.item_id for e in driver.events(TurnStarted)] == ["u1", "u2"]
    assert [e.item_id for e in driver.events(TurnEnded)] == ["u1", "u2"]


def test_trailing_local_speech_after_the_servers_end_is_not_a_new_onset() -> None:
    driver = Driver()
    driver.run(0.2, speech=True)
    driver.feed(speech_started("u1"))
    driver.run(0.5, speech=True)
    driver.feed(speech_stopped("u1"), committed("u1"), created("r1"), audio("r1", "a", 1000))
    driver.run(0.1, speech=True)
    assert _ducking(driver) == []


def test_the_latency_of_a_turn_runs_from_the_end_of_the_question_to_the_first_sample_heard() -> None:
    driver = Driver(speaker=Speaker(latency_ms=100))
    driver.feed(speech_started("u1"))
    driver.run(1.0, speech=True)
    driver.feed(speech_stopped("u1"), committed("u1"))
    driver.run(0.3)
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 200), done("r1"))
    driver.run(1.0)
    agent = driver.events(TurnStarted)[-1]
    assert agent.speaker == "agent"
    assert agent.latency_s == pytest.approx(0.42, abs=0.021)
    driver.feed(created("r2"), item_added("r2", "b"), audio("r2", "b", 200), done("r2"))
    driver.run(1.0)
    assert driver.events(TurnStarted)[-1].latency_s is None


def test_two_replies_played_without_a_gap_are_two_turns_each_with_its_own_time() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 1000), done("r1"))
    driver.feed(created("r2"), item_added("r2", "b"), audio("r2", "b", 1000), done("r2"))
    driver.run(3.0)
    started = {e.item_id: e.time_s for e in driver.events(TurnStarted)}
    ended = {e.item_id: e.time_s for e in driver.events(TurnEnded)}
    assert started["a"] == pytest.approx(0.02, abs=0.03)
    assert ended["a"] == pytest.approx(1.0, abs=0.05)
    assert started["b"] == pytest.approx(1.0, abs=0.05)
    assert ended["b"] == pytest.approx(2.0, abs=0.05)


def test_an_underrun_does_not_end_the_agents_turn() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 100))
    driver.run(1.0)
    assert driver.events(TurnEnded) == []
    driver.feed(audio("r1", "a", 100), done("r1"))
    driver.run(1.0)
    assert len(driver.events(TurnStarted)) == len(driver.events(TurnEnded)) == 1


def test_a_response_that_ends_after_all_of_it_was_heard_ends_the_turn_then() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "a"), audio("r1", "a", 100))
    driver.run(1.0)
    driver.feed(done("r1"))
    assert len(driver.events(TurnEnded)) == 1


def test_changing_whose_turn_it_is_ends_an_open_turn_and_a_duck() -> None:
    driver = _speaking()
    driver.run(0.1, speech=True)
    driver.feed(inputs.UpdateSession(SessionConfig(), turn_mode="manual"))
    assert _ducking(driver) == ["Duck", "Resume"]
    driver.run(0.1, speech=True)
    assert _ducking(driver) == ["Duck", "Resume"]
