"""Whatever happens in whatever order: a call id is answered once, its tool runs at most once, nothing is left."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from realtime_agent.errors import ToolError
from realtime_agent.tools import ToolCall, ToolOutcome, ToolRegistry, ToolRunner, tool

TIMEOUT_S = 30.0
CALL_IDS = st.sampled_from(["a", "b", "c", "d"])


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose clock is moved by hand."""

    now_s = 1000.0

    def time(self) -> float:
        return self.now_s


class Runner(RuleBasedStateMachine):
    """The model: for each call id how often it was asked, how often answered, how often its tool ran."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = _Loop()
        self.asked: Counter[str] = Counter()
        self.answers: dict[str, list[ToolOutcome]] = {}
        self.ran: Counter[str] = Counter()
        self.waiting: dict[str, list[asyncio.Future[str]]] = {}
        self.approvals: list[asyncio.Future[bool]] = []
        self.closed = False

        async def work(key: str, stubborn: bool) -> str:
            self.ran[key] += 1
            future: asyncio.Future[str] = self.loop.create_future()
            self.waiting.setdefault(key, []).append(future)
            while True:
                try:
                    return await asyncio.shield(future)
                except asyncio.CancelledError:
                    if not stubborn or future.cancelled():
                        raise

        async def approve(call: ToolCall) -> bool:
            self.approvals.append(self.loop.create_future())
            return await self.approvals[-1]

        tools = [
            tool(name="work", timeout_s=TIMEOUT_S)(work),
            tool(name="guarded", timeout_s=TIMEOUT_S, needs_approval=True)(work),
        ]
        self.runner = ToolRunner(ToolRegistry(tools), approve=approve, approval_timeout_s=TIMEOUT_S)

    def spin(self) -> None:
        async def turns() -> None:
            for _ in range(8):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    @rule(
        key=CALL_IDS, name=st.sampled_from(["work", "guarded", "unknown"]), stubborn=st.booleans(), spin=st.booleans()
    )
    def start(self, key: str, name: str, stubborn: bool, spin: bool) -> None:
        async def start() -> None:
            before = len(self.answers.setdefault(key, []))
            arguments = f'{{"key": "{key}", "stubborn": {str(stubborn).lower()}}}'
            new = self.runner.start(key, name, arguments, self.answers[key].append)
            assert new == (self.asked[key] == 0)
            assert len(self.answers[key]) == before, "answered before start returned"

        self.loop.run_until_complete(start())
        self.asked[key] += 1
        if spin:
            self.spin()

    @rule(key=CALL_IDS, fails=st.sampled_from([None, ToolError("no"), ValueError("no")]))
    def finish(self, key: str, fails: Exception | None) -> None:
        for future in self.waiting.get(key, []):
            if not future.done():
                future.set_exception(fails) if fails else future.set_result("done")
        self.spin()

    @rule(key=CALL_IDS)
    def cancel(self, key: str) -> None:
        async def cancel() -> None:
            self.runner.cancel(key)

        self.loop.run_until_complete(cancel())
        self.spin()
        assert len(self.answers.get(key, [])) == self.asked[key]

    @precondition(lambda self: self.approvals)
    @rule(answer=st.booleans())
    def answer_approval(self, answer: bool) -> None:
        future = self.approvals.pop(0)
        if not future.done():
            future.set_result(answer)
        self.spin()

    @rule(seconds=st.sampled_from([1.0, TIMEOUT_S / 2, TIMEOUT_S]))
    def let_time_pass(self, seconds: float) -> None:
        self.loop.now_s += seconds
        self.spin()

    @rule()
    def all_times_are_over(self) -> None:
        """After the longest possible life of a call everything asked is answered."""
        for _ in range(2):  # approval, then the tool
            self.loop.now_s += TIMEOUT_S + 1
            self.spin()
        assert {key: len(told) for key, told in self.answers.items()} == dict(self.asked)

    @invariant()
    def no_tool_runs_twice(self) -> None:
        assert not any(count > 1 for count in self.ran.values())

    @invariant()
    def all_answers_to_a_call_are_the_same(self) -> None:
        for key, told in self.answers.items():
            assert len(told) <= self.asked[key]
            assert len({id(outcome) for outcome in told}) <= 1
            for outcome in told:
                assert (outcome.error is None) == (outcome.output == "done")

    def teardown(self) -> None:
        waiting: list[asyncio.Future[Any]] = [each for many in self.waiting.values() for each in many]
        for future in [*self.approvals, *waiting]:
            future.cancel()
        self.spin()
        self.loop.run_until_complete(self.runner.close())
        self.spin()
        assert {key: len(told) for key, told in self.answers.items()} == dict(self.asked)
        assert self.runner.stragglers == 0
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()


Runner.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRunner: Any = Runner.TestCase
