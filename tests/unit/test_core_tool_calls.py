"""Tool calls: started once, answered once, and what an interruption does to them."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from realtime_agent.core import actions as act
from realtime_agent.core import inputs
from realtime_agent.core.config import CoreConfig, DefaultToolPolicy
from realtime_agent.core.tool_calls import DROPPED
from realtime_agent.errors import ToolCrashed, ToolError
from realtime_agent.events import ErrorRaised, ToolFinished, ToolStarted
from realtime_agent.protocol import (
    ConversationItemCreate,
    FunctionCallOutputItem,
    ResponseCreate,
    SessionConfig,
    said_text,
)
from realtime_agent.tools import ToolPolicy
from tests.core_driver import (
    Driver,
    audio,
    call_done,
    call_item,
    created,
    done,
    item_added,
    item_done,
    speech_started,
    speech_stopped,
    text,
)


def _driver(**policy: object) -> Driver:
    return Driver(CoreConfig(tool_policies={"look_up": ToolPolicy(**policy)}))  # type: ignore[arg-type]


def _outputs(driver: Driver) -> list[tuple[str, str]]:
    items = [e.item for e in driver.sent(ConversationItemCreate)]
    return [(i.call_id, i.output) for i in items if isinstance(i, FunctionCallOutputItem)]


def test_a_call_is_started_answered_and_followed_by_one_response() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1", arguments='{"city": "Bonn"}'))
    assert driver.done(act.StartTool) == [act.StartTool("c1", "look_up", '{"city": "Bonn"}')]
    assert driver.events(ToolStarted)[0].arguments == {"city": "Bonn"}
    driver.answer("c1", "fog")
    assert _outputs(driver) == [("c1", "fog")]
    assert driver.sent(ResponseCreate) == []
    driver.feed(item_done("r1", "item_c1", **call_item("c1")), done("r1"))
    assert len(driver.sent(ResponseCreate)) == 1
    assert driver.events(ToolFinished)[0].output == "fog"


def test_a_call_that_three_events_tell_of_is_started_once() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), item_done("r1", "item_c1", **call_item("c1")))
    driver.feed(done("r1", output=[{"id": "item_c1", "status": "completed"} | call_item("c1")]))
    assert len(driver.done(act.StartTool)) == 1


def test_a_call_is_started_where_only_the_item_or_only_response_done_tells_of_it() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_done("r1", "i1", **call_item("c1")))
    driver.feed(done("r1", output=[{"id": "i2", "status": "completed"} | call_item("c2")]))
    assert [a.call_id for a in driver.done(act.StartTool)] == ["c1", "c2"]


def test_a_name_that_older_servers_leave_out_is_taken_from_the_item() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "item_c1", **call_item("c1", arguments="")))
    driver.feed(call_done("r1", "c1", name=None))  # type: ignore[arg-type]
    assert [a.name for a in driver.done(act.StartTool)] == ["look_up"]


def test_one_response_follows_when_all_parallel_calls_are_answered() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), call_done("r1", "c2"), done("r1"))
    driver.answer("c2")
    assert driver.sent(ResponseCreate) == []
    driver.answer("c1")
    assert len(driver.sent(ResponseCreate)) == 1


def test_a_second_result_and_one_for_an_unknown_call_are_ignored() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"))
    driver.answer("c1", "first")
    driver.answer("c1", "second")
    driver.answer("c9")
    assert _outputs(driver) == [("c1", "first")]
    assert driver.core.counts["late_tool_result"] == 2


def test_arguments_that_were_cut_short_wait_for_the_item_to_say_whether_the_call_stands() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1", arguments='{"city": "Bo'))
    assert driver.done(act.StartTool) == []
    driver.feed(item_done("r1", "item_c1", "incomplete", **call_item("c1", arguments='{"city": "Bo')))
    driver.feed(done("r1", "incomplete"))
    assert driver.done(act.StartTool) == []
    assert driver.core.idle


def test_arguments_that_are_no_json_reach_the_tool_runner_which_answers_them() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_done("r1", "item_c1", **call_item("c1", arguments="{oops")))
    assert driver.done(act.StartTool) == [act.StartTool("c1", "look_up", "{oops")]
    assert driver.events(ToolStarted)[0].arguments == {}


def test_a_call_of_a_cancelled_response_that_was_not_complete_is_not_started() -> None:
    driver = Driver()
    driver.feed(created("r1"), item_added("r1", "item_c1", **call_item("c1", arguments="")))
    driver.feed(speech_started(), call_done("r1", "c1"), item_done("r1", "item_c1", "incomplete", **call_item("c1")))
    driver.feed(done("r1", "cancelled", output=[{"id": "item_c1", "status": "completed"} | call_item("c1")]))
    assert driver.done(act.StartTool) == []


def test_a_complete_call_of_a_response_that_is_then_cancelled_is_answered() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), speech_started(), done("r1", "cancelled"))
    driver.answer("c1")
    assert [c for c, _ in _outputs(driver)] == ["c1"]


def test_an_interrupted_call_that_may_be_cancelled_is_answered_with_an_error_at_once() -> None:
    driver = _driver(on_interrupt="cancel")
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"), speech_started())
    assert driver.done(act.CancelTool) == [act.CancelTool("c1")]
    assert "tool_cancelled" in _outputs(driver)[0][1]
    driver.answer("c1", "too late")
    assert len(_outputs(driver)) == 1
    driver.feed(speech_stopped())
    driver.run(5.0)
    assert driver.sent(ResponseCreate) == []


@pytest.mark.parametrize(
    ("late_result", "told", "replies"), [("speak", "42", 1), ("silent", "42", 0), ("drop", DROPPED, 0)]
)
def test_a_late_result_is_treated_as_the_policy_says(late_result: str, told: str, replies: int) -> None:
    driver = _driver(late_result=late_result)
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"), speech_started())
    driver.answer("c1", "42")
    assert _outputs(driver) == [("c1", told)]
    assert driver.sent(ResponseCreate) == []  # the user is speaking
    driver.feed(speech_stopped())
    driver.run(3.0)
    assert len(driver.sent(ResponseCreate)) == replies


def test_a_filler_is_said_once_for_all_calls_of_a_response_when_nobody_speaks() -> None:
    driver = _driver(filler="One moment.", filler_after_s=1.0)
    driver.feed(created("r1"), call_done("r1", "c1"), call_done("r1", "c2"), done("r1"))
    driver.run(0.9)
    assert driver.sent(ResponseCreate) == []
    driver.run(0.2)
    assert [said_text(c.response.instructions) for c in driver.sent(ResponseCreate) if c.response] == ["One moment."]
    driver.feed(created("r2"), done("r2"))
    driver.run(5.0)
    driver.answer("c1")
    driver.answer("c2")
    assert len(driver.sent(ResponseCreate)) == 2


def test_a_filler_waits_while_the_agent_is_heard() -> None:
    driver = _driver(filler="One moment.", filler_after_s=0.5)
    driver.feed(created("r1"), audio("r1", "a", 2000), call_done("r1", "c1"), done("r1"))
    driver.run(1.9)
    assert driver.sent(ResponseCreate) == []
    driver.run(1.0)
    assert len(driver.sent(ResponseCreate)) == 1


def test_a_quick_tool_needs_no_filler() -> None:
    driver = _driver(filler="One moment.", filler_after_s=1.0)
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"))
    driver.answer("c1")
    driver.run(5.0)
    assert [c.response for c in driver.sent(ResponseCreate)] == [None]


def test_a_runner_that_does_not_answer_is_answered_for_after_timeout_and_grace() -> None:
    driver = _driver(timeout_s=5.0)
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"))
    driver.run(14.9)
    assert _outputs(driver) == []
    driver.run(0.2)
    assert "tool_timeout" in _outputs(driver)[0][1]
    assert driver.done(act.CancelTool) == [act.CancelTool("c1")]
    assert len(driver.sent(ResponseCreate)) == 1


def test_a_call_that_waits_for_a_person_to_approve_it_has_no_deadline_here() -> None:
    driver = _driver(timeout_s=5.0, needs_approval=True)
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"))
    driver.run(120.0)
    assert _outputs(driver) == []


def test_too_many_calls_at_once_are_answered_with_an_error_and_not_started() -> None:
    driver = Driver(CoreConfig(max_running_tools=2))
    driver.feed(created("r1"), *[call_done("r1", f"c{n}") for n in range(4)])
    assert len(driver.done(act.StartTool)) == 2
    assert [c for c, o in _outputs(driver) if "too_many_tools" in o] == ["c2", "c3"]


def test_a_model_that_answers_results_only_with_more_calls_is_stopped() -> None:
    driver = Driver(CoreConfig(max_tool_rounds=5))
    for n in range(20):
        driver.feed(created(f"r{n}"), call_done(f"r{n}", f"c{n}"), done(f"r{n}"))
        driver.answer(f"c{n}")
    assert len(driver.sent(ResponseCreate)) == 5
    assert {e.error.code for e in driver.events(ErrorRaised)} == {"tool_loop"}
    assert len(_outputs(driver)) == 20


def test_a_failed_tool_is_reported_and_its_words_reach_the_model() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"))
    crash = ToolCrashed("It broke.")
    driver.answer("c1", '{"error": "It broke."}', crash)
    assert driver.events(ToolFinished)[0].error is crash
    assert _outputs(driver) == [("c1", '{"error": "It broke."}')]
    assert len(driver.sent(ResponseCreate)) == 1


def test_stopping_the_agent_keeps_it_silent_also_about_results_it_just_got() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), done("r1"))
    driver.feed(created("r2"), text("r2", "a", "By the way"))
    driver.answer("c1")
    driver.feed(inputs.Interrupt(), done("r2", "cancelled"))
    driver.run(3.0)
    assert driver.sent(ResponseCreate) == []


def test_policies_can_change_while_the_session_runs() -> None:
    driver = Driver()
    policies = MappingProxyType({"look_up": DefaultToolPolicy(on_interrupt="cancel")})
    driver.feed(inputs.UpdateSession(SessionConfig(), tool_policies=policies))
    driver.feed(created("r1"), call_done("r1", "c1"), speech_started())
    assert driver.done(act.CancelTool) == [act.CancelTool("c1")]


def test_at_the_end_of_the_session_every_tool_that_started_is_finished() -> None:
    driver = Driver()
    driver.feed(created("r1"), call_done("r1", "c1"), call_done("r1", "c2"), inputs.Hangup())
    assert [e.call_id for e in driver.events(ToolFinished)] == ["c1", "c2"]
    assert all(isinstance(e.error, ToolError) for e in driver.events(ToolFinished))
    assert isinstance(driver.log[-1], act.Close)
