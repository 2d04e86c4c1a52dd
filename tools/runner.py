"""Runs tool calls: each is answered exactly once, in time, whatever the tool does.

    start() ── unknown tool, bad arguments ────────────────────────▶ answered
       │
    asking ── no, nobody to ask, no answer in time ────────────────▶ answered
       │ yes, or no approval needed
    running ── result, error ──────────────────────────────────────▶ answered
            ── the tool's time is over, cancel(), close() ─────────▶ answered, and the tool becomes a straggler

The first answer counts and later ones are dropped. A straggler is a tool that was told to stop and has not yet: an
async one that swallows its cancellation, a thread that hangs. It delays nobody; it is held, counted, and ended by
`close()` as far as Python allows. A worker process is killed instead.

| kind of tool   | where it runs            | what its time limit does                                    |
|----------------|--------------------------|-------------------------------------------------------------|
| async def      | a task on the event loop | cancels the task                                            |
| def            | a thread                 | abandons the thread, a fresh one takes its place            |
| isolate=True   | a worker process         | kills the process (and its children)                        |

A call id is answered once for good: calling again with the same id gives the same outcome and runs nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from realtime_agent.errors import ToolCancelled, ToolCrashed, ToolDenied, ToolError, ToolTimeout
from realtime_agent.tools.approval import ask, needs_approval
from realtime_agent.tools.background import Background, end_tasks
from realtime_agent.tools.call import Approve, CallUnderWay, OnDone, ToolOutcome
from realtime_agent.tools.context import ToolContext
from realtime_agent.tools.registry import ToolRegistry
from realtime_agent.tools.results import encode_error, encode_result
from realtime_agent.tools.threads import ThreadPool
from realtime_agent.tools.tool import Tool
from realtime_agent.tools.worker import WorkerPool

logger = logging.getLogger("realtime_agent.tools")

MAX_CALLS = 64  # running calls and stragglers; more are refused with `tool_busy`
REMEMBERED_CALLS = 512  # outcomes kept for a repeated call id; the oldest go first


class ToolRunner:
    """Runs the calls of one session on the running event loop. Close it.

    Attributes:
        registry: the tools. May be replaced at any time; calls under way keep theirs.

    `approve` is asked about every call whose tool needs approval; sync (it runs in a thread and may block) or async. It
    gets a `ToolCall` and answers True or False; raising `ToolDenied` says no in its own words. Without an answer in
    `approval_timeout_s`, and without anybody to ask, the call is denied. `context` becomes `ToolContext.session`,
    `announce` is called (on the loop) with what tools want said.
    """

    def __init__(
        self,
        registry: ToolRegistry,
        *,
        approve: Approve | None = None,
        context: object = None,
        announce: Callable[[str], None] | None = None,
        approval_timeout_s: float = 60.0,
        max_threads: int = 8,
        max_workers: int = 4,
    ) -> None:
        self.registry = registry
        self._approve = approve
        self._context = context
        self._say = announce
        self._approval_timeout_s = approval_timeout_s
        self._max_threads = max_threads
        self._max_workers = max_workers
        self._calls: dict[str, CallUnderWay] = {}
        self._answered: OrderedDict[str, ToolOutcome] = OrderedDict()
        self._stragglers: set[asyncio.Task[None]] = set()
        self._threads: ThreadPool | None = None
        self._workers: WorkerPool | None = None
        self._held: Background | None = None
        self._closed = False

    async def run(self, call_id: str, name: str, arguments: str) -> ToolOutcome:
        """Run one call. Never raises, except when cancelled: then the call is cancelled too."""
        done: asyncio.Future[ToolOutcome] = asyncio.get_running_loop().create_future()

        def answer(outcome: ToolOutcome) -> None:
            if not done.done():
                done.set_result(outcome)

        mine = self.start(call_id, name, arguments, answer)
        try:
            return await done
        except asyncio.CancelledError:
            if mine:
                self.cancel(call_id)
            raise

    def start(self, call_id: str, name: str, arguments: str, on_done: OnDone) -> bool:
        """Run one call in the background and call `on_done` on the loop, once, never before this returns.

        `arguments` is JSON text. False where the call id is known already; `on_done` gets that call's outcome then.
        """
        loop = asyncio.get_running_loop()
        known = self._answered.get(call_id)
        if known is not None:
            loop.call_soon(on_done, known)
            return False
        if call_id in self._calls:
            self._calls[call_id].listeners.append(on_done)
            return False
        try:
            tool = self._admit(name)
            values = tool.arguments.read(arguments)
        except ToolError as error:
            refused = ToolOutcome(encode_error(error), error, 0.0)
            self._remember(call_id, refused)
            loop.call_soon(on_done, refused)
            return True
        call = self._calls[call_id] = CallUnderWay(call_id, tool, arguments, values, loop.time(), on_done)
        produce = self._on_loop if tool.is_async and not tool.policy.isolate else self._elsewhere
        if tool.policy.needs_approval is not False and needs_approval(call):
            produce = partial(self._after_approval, produce)
        elif produce == self._on_loop:
            self._start_clock(call)
        call.task = loop.create_task(self._perform(call, produce))
        return True

    def cancel(self, call_id: str) -> None:
        """Answer a running call with `ToolCancelled` now, and stop its tool. Nothing where it is not running."""
        call = self._calls.get(call_id)
        if call is not None:
            self._stop(call, ToolCancelled("The call was cancelled."))

    async def warm_up(self) -> None:
        """Start a worker process ahead of the first call, where a tool needs one. Optional.

        Raises:
            ToolError: it cannot be started.
        """
        isolated = next((one for one in self.registry if one.policy.isolate), None)
        if isolated is not None and not self._closed:
            await self._worker_pool().warm_up(isolated)

    @property
    def stragglers(self) -> int:
        """Tools that were told to stop and have not yet: tasks and threads."""
        return len(self._stragglers) + (self._threads.abandoned if self._threads else 0)

    async def close(self) -> None:
        """Cancel all calls, stop what runs, release threads and processes. Idempotent, bounded in time."""
        self._closed = True
        for call in list(self._calls.values()):
            self._stop(call, ToolCancelled("The session is over."))
        await end_tasks(self._stragglers)
        if self._held is not None:
            await self._held.close()
        if self._workers is not None:
            await self._workers.close()
        if self._threads is not None:
            self._threads.close()
            if self._threads.abandoned:
                logger.warning("%d tool threads still run; they end with the program.", self._threads.abandoned)

    # ---- the life of a call

    def _admit(self, name: str) -> Tool:
        if self._closed:
            raise ToolCancelled("The session is over.")
        if len(self._calls) + len(self._stragglers) >= MAX_CALLS:
            raise ToolError("Too many tools are running. Try again later.", code="tool_busy")
        return self.registry.get(name)

    async def _perform(self, call: CallUnderWay, produce: Callable[[CallUnderWay], Awaitable[str]]) -> None:
        try:
            output = await produce(call)
        except ToolError as error:
            self._fail(call, error)
        except asyncio.CancelledError:
            # Dropped where we did it: the call is answered by then.
            self._fail(call, ToolCancelled("The tool cancelled itself."))
            raise
        except (Exception, SystemExit) as error:
            # The user's function. Its message stays here, for it may hold a key; `ToolError` speaks to the model.
            logger.exception("Tool %s failed", call.tool.name)
            self._fail(call, ToolCrashed(f"The tool failed ({type(error).__name__})."))
        else:
            self._answer(call, output, None)

    async def _after_approval(self, produce: Callable[[CallUnderWay], Awaitable[str]], call: CallUnderWay) -> str:
        nobody = ToolDenied("The person was asked for approval and did not answer.")
        call.deadline = asyncio.get_running_loop().call_later(self._approval_timeout_s, self._stop, call, nobody)
        await ask(self._approve, call, self._thread_pool())
        call.deadline.cancel()
        if produce == self._on_loop:
            self._start_clock(call)
        return await produce(call)

    async def _on_loop(self, call: CallUnderWay) -> str:
        value = await call.tool.function(**self._given(call))
        return encode_result(value, call.tool.policy.max_output_bytes)

    async def _elsewhere(self, call: CallUnderWay) -> str:
        tool = call.tool
        start_clock = partial(self._start_clock, call)
        if tool.policy.isolate:
            return await self._worker_pool().call(
                tool, call.call_id, call.raw, start_clock, self._background().announce
            )
        start_clock()
        result = await self._thread_pool().run(partial(_call_and_encode, tool, self._given(call)))
        if isinstance(result, str):
            return result
        # A plain function that gave something to await: a decorator hid that it is async.
        return encode_result(await result, tool.policy.max_output_bytes)

    def _given(self, call: CallUnderWay) -> dict[str, Any]:
        name = call.tool.arguments.context_parameter
        if name is None:
            return call.arguments
        background = self._background()
        context = ToolContext(call.call_id, call.tool.name, self._context, background.announce, background.hold)
        return {**call.arguments, name: context}

    def _start_clock(self, call: CallUnderWay) -> None:
        timeout_s = call.tool.policy.timeout_s
        call.deadline = asyncio.get_running_loop().call_later(timeout_s, self._expire, call)

    def _expire(self, call: CallUnderWay) -> None:
        self._stop(call, ToolTimeout(f"The tool did not answer within {call.tool.policy.timeout_s:g} seconds."))

    def _stop(self, call: CallUnderWay, error: ToolError) -> None:
        """Answer now; the tool is told to stop and may take its time."""
        loop = asyncio.get_running_loop()
        for tell in self._settle(call, encode_error(error), error):
            loop.call_soon(tell)  # not from here: whoever cancels a call is not called back while he does
        task = call.task
        if task is not None and not task.done():
            self._stragglers.add(task)
            task.add_done_callback(self._stragglers.discard)
            task.cancel()

    def _fail(self, call: CallUnderWay, error: ToolError) -> None:
        self._answer(call, encode_error(error), error)

    def _answer(self, call: CallUnderWay, output: str, error: ToolError | None) -> None:
        """The call's own task has an answer: told at once, for a turn of a busy loop may take milliseconds."""
        for tell in self._settle(call, output, error):
            if call.task is None:  # an eager task: `start` has not returned yet, and calls back only after it has
                asyncio.get_running_loop().call_soon(tell)
            else:
                tell()

    def _settle(self, call: CallUnderWay, output: str, error: ToolError | None) -> list[Callable[[], None]]:
        """What is left to do for an answer: tell those who wait. Nothing where there was an answer already."""
        if self._calls.get(call.call_id) is not call:
            return []
        del self._calls[call.call_id]
        if call.deadline is not None:
            call.deadline.cancel()
        outcome = ToolOutcome(output, error, asyncio.get_running_loop().time() - call.started_s)
        self._remember(call.call_id, outcome)
        return [partial(on_done, outcome) for on_done in call.listeners]

    def _remember(self, call_id: str, outcome: ToolOutcome) -> None:
        self._answered[call_id] = outcome
        if len(self._answered) > REMEMBERED_CALLS:
            self._answered.popitem(last=False)

    # ---- what is made when it is first needed

    def _thread_pool(self) -> ThreadPool:
        if self._threads is None:
            self._threads = ThreadPool(self._max_threads)
        return self._threads

    def _worker_pool(self) -> WorkerPool:
        if self._workers is None:
            self._workers = WorkerPool(self._max_workers)
        return self._workers

    def _background(self) -> Background:
        if self._held is None:
            self._held = Background(self._say)
        return self._held


def _call_and_encode(tool: Tool, arguments: dict[str, Any]) -> str | Awaitable[Any]:
    """In the thread, so that writing a large result does not stop the loop either."""
    value = tool.function(**arguments)
    return value if inspect.isawaitable(value) else encode_result(value, tool.policy.max_output_bytes)
