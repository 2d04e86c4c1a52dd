"""Every tool call is answered exactly once, in time, whatever the tool does."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from realtime_agent.errors import (
    ToolArgumentsInvalid,
    ToolCancelled,
    ToolCrashed,
    ToolDenied,
    ToolError,
    ToolNotFound,
    ToolResultInvalid,
    ToolTimeout,
)
from realtime_agent.tools import ToolCall, ToolContext, ToolOutcome, ToolRegistry, ToolRunner, tool
from realtime_agent.tools.background import MAX_HELD
from realtime_agent.tools.runner import MAX_CALLS, REMEMBERED_CALLS

Make = Callable[..., ToolRunner]
SHORT_S = 0.05
PATIENCE_S = 5.0


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes runners, and closes them."""
    made: list[ToolRunner] = []

    def runner(*tools: Any, **settings: Any) -> ToolRunner:
        made.append(ToolRunner(ToolRegistry(tools), **settings))
        return made[-1]

    yield runner
    for each in made:
        await each.close()
        async with asyncio.timeout(PATIENCE_S):
            while each.stragglers:  # noqa: ASYNC110 (a thread that was just released takes a moment to end)
                await asyncio.sleep(0.001)


async def run(runner: ToolRunner, name: str, call_id: str = "c1", **arguments: Any) -> ToolOutcome:
    async with asyncio.timeout(PATIENCE_S):
        return await runner.run(call_id, name, json.dumps(arguments))


def told(outcome: ToolOutcome) -> Any:
    return json.loads(outcome.output)["error"]


async def test_an_async_tool_runs_on_the_loop_and_a_plain_one_does_not(make: Make) -> None:
    @tool
    async def on_loop(a: int) -> str:
        return f"{a} {threading.get_ident() == here}"

    @tool
    def in_thread(a: int) -> str:
        return f"{a} {threading.get_ident() == here}"

    here = threading.get_ident()
    runner = make(on_loop, in_thread)
    assert (await run(runner, "on_loop", "c1", a=1)).output == "1 True"
    outcome = await run(runner, "in_thread", "c2", a=2)
    assert outcome.output == "2 False"
    assert outcome.error is None
    assert 0 <= outcome.duration_s < PATIENCE_S


async def test_several_calls_run_at_the_same_time(make: Make) -> None:
    meeting = asyncio.Barrier(3)
    thread_meeting = threading.Barrier(3)

    @tool
    async def meet() -> None:
        await meeting.wait()

    @tool
    def meet_in_thread() -> None:
        thread_meeting.wait(PATIENCE_S)

    runner = make(meet, meet_in_thread)
    names = ["meet"] * 3 + ["meet_in_thread"] * 3
    outcomes = await asyncio.gather(*(run(runner, name, f"c{number}") for number, name in enumerate(names)))
    assert [outcome.output for outcome in outcomes] == ["ok"] * 6


async def test_an_unknown_tool_is_a_typed_error(make: Make) -> None:
    outcome = await run(make(), "nothing")
    assert isinstance(outcome.error, ToolNotFound)
    assert told(outcome)["code"] == "tool_not_found"


async def test_bad_arguments_are_a_typed_error_and_run_nothing(make: Make) -> None:
    ran = []

    @tool
    async def count(number: int) -> None:
        ran.append(number)

    outcome = await run(make(count), "count", number="many")
    assert isinstance(outcome.error, ToolArgumentsInvalid)
    assert not ran


@pytest.mark.parametrize("plain", [True, False])
async def test_an_exception_tells_the_model_its_type_and_not_its_text(
    make: Make, plain: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def work() -> None:
        raise ValueError("password=sesame")

    async def work_async() -> None:
        work()

    outcome = await run(make(tool(name="work")(work if plain else work_async)), "work")
    assert isinstance(outcome.error, ToolCrashed)
    assert told(outcome) == {"code": "tool_crashed", "message": "The tool failed (ValueError)."}
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("error", [SystemExit(1), StopIteration(3), StopAsyncIteration(), RecursionError(), OSError()])
async def test_no_exception_of_a_tool_gets_out(make: Make, plain: bool, error: BaseException) -> None:
    def work() -> None:
        raise error

    async def work_async() -> None:
        raise error

    outcome = await run(make(tool(name="work")(work if plain else work_async)), "work")
    assert isinstance(outcome.error, ToolCrashed)


async def test_a_thread_may_end_with_anything(make: Make) -> None:
    @tool
    def work() -> None:
        raise KeyboardInterrupt

    assert isinstance((await run(make(work), "work")).error, ToolCrashed)


async def test_a_tool_error_tells_the_model_in_its_own_words(make: Make) -> None:
    @tool
    def pay() -> None:
        raise ToolError("The card has expired.", code="card_expired")

    outcome = await run(make(pay), "pay")
    assert told(outcome) == {"code": "card_expired", "message": "The card has expired."}


@pytest.mark.parametrize("plain", [True, False])
async def test_a_result_without_json_form_is_a_typed_error(make: Make, plain: bool) -> None:
    def work() -> object:
        return object()

    async def work_async() -> object:
        return object()

    outcome = await run(make(tool(name="work")(work if plain else work_async)), "work")
    assert isinstance(outcome.error, ToolResultInvalid)


async def test_a_huge_result_is_cut(make: Make) -> None:
    @tool(max_output_bytes=1000)
    def work() -> str:
        return "x" * 100_000_000

    outcome = await run(make(work), "work")
    assert outcome.error is None
    assert len(outcome.output) <= 1000


async def test_an_async_tool_is_stopped_when_its_time_is_over(make: Make) -> None:
    stopped = asyncio.Event()

    @tool(timeout_s=SHORT_S)
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    outcome = await run(make(hang), "hang")
    assert isinstance(outcome.error, ToolTimeout)
    assert SHORT_S <= outcome.duration_s < SHORT_S + 0.5
    async with asyncio.timeout(PATIENCE_S):
        await stopped.wait()


async def test_a_tool_that_swallows_its_cancellation_does_not_delay_the_answer(make: Make) -> None:
    swallowed = asyncio.Event()

    @tool(timeout_s=SHORT_S)
    async def stubborn() -> str:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed.set()

    runner = make(stubborn)
    outcome = await run(runner, "stubborn")
    assert isinstance(outcome.error, ToolTimeout)
    assert outcome.duration_s < SHORT_S + 0.5
    async with asyncio.timeout(PATIENCE_S):
        await swallowed.wait()
    assert runner.stragglers == 1


async def test_a_result_after_the_time_is_dropped(make: Make) -> None:
    finished = asyncio.Event()
    answers: list[ToolOutcome] = []

    @tool(timeout_s=SHORT_S)
    async def late() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            finished.set()
        return "late"

    runner = make(late)
    runner.start("c1", "late", "{}", answers.append)
    async with asyncio.timeout(PATIENCE_S):
        await finished.wait()
    await runner.close()
    assert [type(answer.error) for answer in answers] == [ToolTimeout]


async def test_a_tool_that_cancels_itself_is_answered(make: Make) -> None:
    @tool
    async def odd() -> None:
        raise asyncio.CancelledError

    assert isinstance((await run(make(odd), "odd")).error, ToolCancelled)


async def test_a_call_id_is_run_once_and_gives_the_same_outcome_again(make: Make) -> None:
    ran: list[int] = []

    @tool
    async def count() -> int:
        ran.append(1)
        await asyncio.sleep(0)
        return len(ran)

    runner = make(count)
    together = await asyncio.gather(*(run(runner, "count", "same") for _ in range(5)))
    later = await run(runner, "count", "same")
    other_name = await run(runner, "nothing", "same")
    assert ran == [1]
    assert {id(outcome) for outcome in [*together, later, other_name]} == {id(together[0])}


async def test_errors_are_remembered_too(make: Make) -> None:
    runner = make()
    assert await run(runner, "nothing", "same") is await run(runner, "nothing", "same")


async def test_remembering_is_bounded(make: Make) -> None:
    ran: list[str] = []

    @tool
    async def note(text: str) -> None:
        ran.append(text)

    runner = make(note)
    for number in range(REMEMBERED_CALLS + 1):
        await run(runner, "note", f"c{number}", text=str(number))
    await run(runner, "note", f"c{REMEMBERED_CALLS}", text="known")
    await run(runner, "note", "c0", text="forgotten")
    assert "known" not in ran
    assert ran[-1] == "forgotten"


async def test_cancelling_who_waits_cancels_the_tool(make: Make) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    @tool
    async def hang() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    runner = make(hang)
    waiting = asyncio.create_task(runner.run("c1", "hang", "{}"))
    async with asyncio.timeout(PATIENCE_S):
        await started.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await stopped.wait()
    assert isinstance((await run(runner, "hang", "c1")).error, ToolCancelled)


async def test_cancelling_a_second_waiter_leaves_the_tool_alone(make: Make) -> None:
    go = asyncio.Event()

    @tool
    async def wait() -> str:
        await go.wait()
        return "done"

    runner = make(wait)
    first = asyncio.create_task(runner.run("c1", "wait", "{}"))
    await asyncio.sleep(0)
    second = asyncio.create_task(runner.run("c1", "wait", "{}"))
    await asyncio.sleep(0)
    second.cancel()
    go.set()
    async with asyncio.timeout(PATIENCE_S):
        assert (await first).output == "done"


async def test_cancel_answers_at_once_but_not_while_the_caller_is_at_work(make: Make) -> None:
    answers: list[ToolOutcome] = []

    @tool
    async def hang() -> None:
        await asyncio.Event().wait()

    runner = make(hang)
    assert runner.start("c1", "hang", "{}", answers.append)
    await asyncio.sleep(0)
    runner.cancel("c1")
    runner.cancel("c1")
    runner.cancel("unknown")
    assert answers == []
    await asyncio.sleep(0)
    assert [type(answer.error) for answer in answers] == [ToolCancelled]


async def test_a_call_cancelled_before_its_first_step_never_runs(make: Make) -> None:
    ran: list[int] = []

    @tool
    async def count() -> None:
        ran.append(1)

    runner = make(count)
    runner.start("c1", "count", "{}", lambda outcome: None)
    runner.cancel("c1")
    await run(runner, "count", "c2")
    assert ran == [1]


async def test_too_many_calls_are_refused(make: Make) -> None:
    @tool
    async def hang() -> None:
        await asyncio.Event().wait()

    runner = make(hang)
    for number in range(MAX_CALLS):
        runner.start(f"c{number}", "hang", "{}", lambda outcome: None)
    outcome = await run(runner, "hang", "one more")
    assert outcome.error is not None
    assert outcome.error.code == "tool_busy"


async def test_what_a_decorator_hides_is_awaited_all_the_same(make: Make) -> None:
    def hide(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(a: int) -> Any:
            return function(a)

        return wrapper

    @tool(name="work")
    @hide
    async def work(a: int) -> int:
        return a + 1

    assert not work.is_async
    assert (await run(make(work), "work", a=1)).output == "2"


async def test_an_async_partial_runs_on_the_loop(make: Make) -> None:
    async def add(a: int, b: int) -> int:
        return a + b

    adding = tool(functools.partial(add, b=2))
    assert adding.is_async
    assert (await run(make(adding), "add", a=1)).output == "3"


async def test_a_tool_knows_its_call_and_its_session(make: Make) -> None:
    @tool
    def who(context: ToolContext) -> str:
        return f"{context.call_id} {context.tool_name} {context.session}"

    assert (await run(make(who, context="the session"), "who", "c7")).output == "c7 who the session"


@pytest.mark.parametrize("plain", [True, False])
async def test_an_announcement_reaches_the_owner_on_the_loop(make: Make, plain: bool) -> None:
    heard: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    def work(context: ToolContext) -> None:
        context.announce("tea is ready")

    async def work_async(context: ToolContext) -> None:
        context.announce("tea is ready")

    runner = make(
        tool(name="work")(work if plain else work_async),
        announce=lambda text: heard.put_nowait((text, threading.get_ident())),
    )
    await run(runner, "work")
    async with asyncio.timeout(PATIENCE_S):
        assert await heard.get() == ("tea is ready", threading.get_ident())


async def test_an_announcement_that_cannot_be_made_disturbs_nobody(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(text: str) -> None:
        raise RuntimeError("closed")

    @tool
    async def work(context: ToolContext) -> None:
        context.announce("x")

    runner = make(work, announce=refuse)
    await run(runner, "work")
    await asyncio.sleep(0)
    assert "could not be made" in caplog.text


@pytest.mark.parametrize("plain", [True, False])
async def test_work_may_go_on_after_the_answer_and_speak(make: Make, plain: bool) -> None:
    go = asyncio.Event()
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def later(context: ToolContext) -> None:
        await go.wait()
        context.announce("now")

    def work(context: ToolContext) -> None:
        context.go_on(later(context))

    async def work_async(context: ToolContext) -> None:
        context.go_on(later(context))

    runner = make(tool(name="work")(work if plain else work_async), announce=heard.put_nowait)
    assert (await run(runner, "work")).output == "ok"
    go.set()
    async with asyncio.timeout(PATIENCE_S):
        assert await heard.get() == "now"


async def test_work_that_goes_on_is_cancelled_by_close_and_its_failure_logged(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[str] = []
    failed = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("wait")

    async def fail() -> None:
        failed.set()
        raise ValueError("no")

    @tool
    async def work(context: ToolContext) -> None:
        context.go_on(wait())
        context.go_on(fail())

    runner = make(work)
    await run(runner, "work")
    async with asyncio.timeout(PATIENCE_S):
        await failed.wait()
    await runner.close()
    assert ended == ["wait"]
    assert "Background work of a tool failed" in caplog.text


async def test_work_that_goes_on_is_bounded(make: Make) -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    @tool
    async def work(context: ToolContext) -> None:
        for _ in range(MAX_HELD + 1):
            context.go_on(wait())

    outcome = await run(make(work), "work")
    assert outcome.error is not None
    assert outcome.error.code == "tool_busy"


def test_a_tool_can_be_called_by_hand_with_an_empty_context() -> None:
    @tool
    def work(context: ToolContext) -> str:
        context.announce("nobody hears")
        return "done"

    assert work(ToolContext()) == "done"


class TestApproval:
    @staticmethod
    def pay(ran: list[float], **policy: Any) -> Any:
        @tool(**{"needs_approval": True, **policy})
        async def pay(amount: float, to: str = "Ada") -> str:
            """Pay somebody."""
            ran.append(amount)
            return "paid"

        return pay

    @pytest.mark.parametrize("sync", [True, False])
    async def test_the_callback_sees_name_and_values_and_a_yes_runs_the_tool(self, make: Make, sync: bool) -> None:
        seen: list[ToolCall] = []

        def approve(call: ToolCall) -> bool:
            seen.append(call)
            return True

        async def approve_async(call: ToolCall) -> bool:
            return approve(call)

        ran: list[float] = []
        runner = make(self.pay(ran), approve=approve if sync else approve_async)
        assert (await run(runner, "pay", amount=5)).output == "paid"
        assert seen == [ToolCall("c1", "pay", {"amount": 5.0, "to": "Ada"}, "Pay somebody.")]
        assert ran == [5.0]

    @pytest.mark.parametrize("answer", [False, None, 0, "yes", 1])
    async def test_anything_but_true_is_no(self, make: Make, answer: Any) -> None:
        ran: list[float] = []
        outcome = await run(make(self.pay(ran), approve=lambda call: answer), "pay", amount=5)
        assert isinstance(outcome.error, ToolDenied)
        assert not ran

    async def test_nobody_to_ask_is_no(self, make: Make) -> None:
        ran: list[float] = []
        outcome = await run(make(self.pay(ran)), "pay", amount=5)
        assert isinstance(outcome.error, ToolDenied)
        assert not ran

    async def test_a_callback_that_fails_is_no(self, make: Make) -> None:
        ran: list[float] = []

        def approve(call: ToolCall) -> bool:
            raise OSError("no terminal")

        outcome = await run(make(self.pay(ran), approve=approve), "pay", amount=5)
        assert isinstance(outcome.error, ToolDenied)
        assert "terminal" not in outcome.output
        assert not ran

    async def test_a_refusal_may_say_why(self, make: Make) -> None:
        def approve(call: ToolCall) -> bool:
            raise ToolDenied("Not more than ten.")

        outcome = await run(make(self.pay([]), approve=approve), "pay", amount=50)
        assert told(outcome) == {"code": "tool_denied", "message": "Not more than ten."}

    @pytest.mark.parametrize("sync", [True, False])
    async def test_no_answer_in_time_is_no(self, make: Make, sync: bool) -> None:
        release = threading.Event()

        async def approve_async(call: ToolCall) -> bool:
            await asyncio.Event().wait()
            return True

        def approve(call: ToolCall) -> bool:
            return release.wait(PATIENCE_S)

        ran: list[float] = []
        runner = make(self.pay(ran), approve=approve if sync else approve_async, approval_timeout_s=SHORT_S)
        try:
            outcome = await run(runner, "pay", amount=5)
        finally:
            release.set()
        assert isinstance(outcome.error, ToolDenied)
        await runner.close()
        assert not ran

    async def test_the_time_of_the_person_is_not_the_time_of_the_tool(self, make: Make) -> None:
        async def approve(call: ToolCall) -> bool:
            await asyncio.sleep(4 * SHORT_S)
            return True

        ran: list[float] = []
        outcome = await run(make(self.pay(ran, timeout_s=2 * SHORT_S), approve=approve), "pay", amount=5)
        assert outcome.output == "paid"

    async def test_a_function_of_the_arguments_decides(self, make: Make) -> None:
        asked: list[float] = []

        def approve(call: ToolCall) -> bool:
            asked.append(call.arguments["amount"])
            return True

        ran: list[float] = []
        runner = make(self.pay(ran, needs_approval=lambda arguments: arguments["amount"] > 10), approve=approve)
        await run(runner, "pay", "c1", amount=5)
        await run(runner, "pay", "c2", amount=50)
        assert asked == [50.0]
        assert ran == [5.0, 50.0]

    async def test_a_policy_that_fails_asks(self, make: Make) -> None:
        asked: list[ToolCall] = []
        runner = make(self.pay([], needs_approval=lambda arguments: arguments["nothing"]), approve=asked.append)
        await run(runner, "pay", amount=5)
        assert len(asked) == 1

    async def test_a_callback_cannot_change_the_arguments(self, make: Make) -> None:
        def approve(call: ToolCall) -> bool:
            call.arguments["amount"] = 1e9  # type: ignore[index]
            return True

        ran: list[float] = []
        await run(make(self.pay(ran), approve=approve), "pay", amount=5)
        assert ran == [5.0]


class TestClose:
    async def test_running_calls_are_answered(self, make: Make) -> None:
        @tool
        async def hang() -> None:
            await asyncio.Event().wait()

        runner = make(hang)
        waiting = asyncio.create_task(run(runner, "hang"))
        await asyncio.sleep(0)
        await runner.close()
        assert isinstance((await waiting).error, ToolCancelled)

    async def test_a_call_after_close_is_answered(self, make: Make) -> None:
        runner = make()
        await runner.close()
        await runner.close()
        assert isinstance((await run(runner, "x")).error, ToolCancelled)

    async def test_it_ends_a_task_that_swallows_cancellation_for_ever(self, make: Make) -> None:
        @tool
        async def stubborn() -> None:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    pass

        runner = make(stubborn)
        runner.start("c1", "stubborn", "{}", lambda outcome: None)
        await asyncio.sleep(0)
        started = time.perf_counter()
        await runner.close()
        assert time.perf_counter() - started < 3
        assert runner.stragglers == 0

    async def test_it_ends_idle_threads(self, make: Make) -> None:
        @tool
        def work() -> str:
            return threading.current_thread().name

        runner = make(work)
        name = (await run(runner, "work")).output
        assert name in {thread.name for thread in threading.enumerate()}
        await runner.close()
        assert name not in {thread.name for thread in threading.enumerate()}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_eager_tasks_do_not_answer_before_start_returns(make: Make) -> None:
    @tool
    async def quick() -> str:
        return "done"

    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]
    answers: list[ToolOutcome] = []
    runner = make(quick)
    runner.start("c1", "quick", "{}", answers.append)
    assert answers == []
    await asyncio.sleep(0)
    assert answers[0].output == "done"
