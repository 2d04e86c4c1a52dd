"""Tool calls: each started once, each answered exactly once, across interruption, timeout and late results.

Theory. The model's calls come inside a response, several at once. A call is complete with its
`function_call_arguments.done`, its `output_item.done`, or at the latest with the `response.done` that lists it,
whichever tells first that it is whole. Of a response that was cut off before that, a call is not started. The calls
of one response are a *round*: when the response is done and all its calls are answered, one `response.create` lets
the model go on.

| call          | event                                | next     | effect                                            |
|---------------|--------------------------------------|----------|---------------------------------------------------|
| none          | complete, response not cut           | running  | start the tool                                    |
| none          | complete, too many run already       | answered | an error for the model                            |
| running       | returned                             | answered | the output for the model; the round may be over   |
| running       | filler is due, and nobody speaks     | running  | say the filler                                    |
| running       | the user cuts in, policy `cancel`    | answered | cancel the tool; an error for the model; no reply |
| running       | the user cuts in, policy `continue`  | late     |                                                   |
| running, late | deadline (the runner did not answer) | answered | cancel the tool; an error for the model           |
| late          | returned, `speak`                    | answered | the output; a reply as soon as nobody speaks      |
| late          | returned, `silent`                   | answered | the output; no reply asked for                    |
| late          | returned, `drop`                     | answered | a note in place of the output; no reply           |
| answered      | anything                             | answered | counted                                           |

"Cuts in" is any turn of the user that begins while the call runs, also where the agent was silent: what the call was
for may not be wanted any more. A model that only answers tool results with more calls is stopped after a number of
rounds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from realtime_agent.core.actions import CancelTool, StartTool
from realtime_agent.core.config import CoreConfig, DefaultToolPolicy, ToolPolicy
from realtime_agent.core.outbox import Outbox
from realtime_agent.core.requests import Requests, Wanted
from realtime_agent.errors import RemoteProtocolError, ToolCancelled, ToolError, ToolTimeout
from realtime_agent.events import ToolFinished, ToolStarted
from realtime_agent.protocol import (
    ConversationItemCreate,
    FunctionCallItem,
    FunctionCallOutputItem,
    ResponseConfig,
    say_instructions,
)

DROPPED = '{"note":"The result came after the user had gone on, and was dropped."}'
_REMEMBERED_CALLS = 2048
_MOST_ROUNDS = 256
_DEFAULT_POLICY = DefaultToolPolicy()


@dataclass(slots=True)
class _Call:
    call_id: str
    name: str
    response_id: str
    policy: ToolPolicy
    started_at: float
    deadline: float | None
    filler_at: float | None
    late: bool = False


@dataclass(slots=True)
class _Round:
    running: set[str] = field(default_factory=set)
    unacknowledged: set[str] = field(default_factory=set)  # answers that the server has not shown to have
    response_done: bool = False
    wants_reply: bool = False


class ToolCalls:
    """The calls that run, and the ids of those that were answered."""

    def __init__(self, out: Outbox, config: CoreConfig, requests: Requests) -> None:
        self.timer: float | None = None
        self.policies = config.tool_policies
        self._out = out
        self._config = config
        self._requests = requests
        self._running: dict[str, _Call] = {}
        self._rounds: dict[str, _Round] = {}
        self._seen: dict[str, None] = {}
        self._rounds_in_a_row = 0

    @property
    def idle(self) -> bool:
        """Nothing runs."""
        return not self._running

    def complete(self, response_id: str, call_id: str, name: str, arguments: str) -> None:
        """A whole call."""
        if call_id in self._seen:
            return
        self._seen[call_id] = None
        if len(self._seen) > _REMEMBERED_CALLS:
            self._forget_oldest()
        round_ = self._rounds.setdefault(response_id, _Round())
        if len(self._rounds) > _MOST_ROUNDS:
            del self._rounds[next(iter(self._rounds))]
        now = self._out.now
        policy = self.policies.get(name, _DEFAULT_POLICY)
        asks_first = policy.needs_approval is not False
        call = _Call(
            call_id,
            name,
            response_id,
            policy,
            now,
            None if asks_first else now + policy.timeout_s + self._config.tool_grace_s,
            None if policy.filler is None else now + policy.filler_after_s,
        )
        round_.running.add(call_id)
        self._running[call_id] = call
        self._out.emit(ToolStarted(call_id, name, _decoded(arguments), self._out.time_s))
        if len(self._running) > self._config.max_running_tools:
            error = ToolError("Too many tools run already.", code="too_many_tools")
            self._answer(call, error_output(error), error, reply=True)
            return
        self._out.do(StartTool(call_id, name, arguments))
        self._rearm()

    def returned(self, call_id: str, output: str, error: ToolError | None) -> None:
        """A tool gave its result."""
        call = self._running.get(call_id)
        if call is None:
            self._out.count("late_tool_result")
            return
        reply = True
        if call.late:
            reply = call.policy.late_result == "speak"
            if call.policy.late_result == "drop":
                output = DROPPED
        self._answer(call, output, error, reply=reply)

    def acknowledged(self, call_id: str) -> None:
        """The server has the answer to this call."""
        for round_ in self._rounds.values():
            round_.unacknowledged.discard(call_id)
        self._requests.acknowledged(call_id)

    def response_over(self, response_id: str) -> None:
        """The response that made the calls is done: it makes no more."""
        round_ = self._rounds.get(response_id)
        if round_ is not None:
            round_.response_done = True
            self._maybe_reply(response_id, round_)

    def user_cut_in(self) -> None:
        """The user began to speak, or stopped the agent."""
        self._rounds_in_a_row = 0
        for call in list(self._running.values()):
            if call.policy.on_interrupt == "cancel":
                self._cancel(call, ToolCancelled("Cancelled, because the user cut in."), reply=False)
            else:
                call.late = True
                call.filler_at = None
        self._rearm()

    def user_wrote(self) -> None:
        """The user or the application asked for something: tool rounds count from here."""
        self._rounds_in_a_row = 0

    def end(self) -> None:
        """The session is over: nothing can be answered any more."""
        for call in list(self._running.values()):
            self._out.do(CancelTool(call.call_id))
            error = ToolCancelled("The session ended.")
            self._finish(call, error_output(error), error)

    def handle_timer(self, *, quiet: bool) -> None:
        """Deadlines and fillers. `quiet`: nobody speaks, and nobody is about to."""
        now = self._out.now
        for call in list(self._running.values()):
            if call.deadline is not None and now >= call.deadline:
                self._cancel(call, ToolTimeout("The tool did not answer."), reply=not call.late or _speaks(call))
            elif call.filler_at is not None and now >= call.filler_at:
                call.filler_at = None if quiet else now + max(call.policy.filler_after_s, 0.25)
                if quiet and call.policy.filler is not None:
                    self._say_filler(call, call.policy.filler)
        self._rearm()

    # -- inside

    def _say_filler(self, call: _Call, filler: str) -> None:
        for other in self._running.values():  # one is enough for all that run together
            if other.response_id == call.response_id:
                other.filler_at = None
        config = ResponseConfig(instructions=say_instructions(filler), tool_choice="none")
        self._requests.want(Wanted(config, "filler"))

    def _cancel(self, call: _Call, error: ToolError, *, reply: bool) -> None:
        self._out.do(CancelTool(call.call_id))
        self._answer(call, error_output(error), error, reply=reply)

    def _answer(self, call: _Call, output: str, error: ToolError | None, *, reply: bool) -> None:
        self._out.send(
            ConversationItemCreate(
                event_id=self._out.new_event_id("tool_output"),
                item=FunctionCallOutputItem(call_id=call.call_id, output=output),
            )
        )
        self._finish(call, output, error)
        round_ = self._rounds.setdefault(call.response_id, _Round(response_done=True))
        round_.running.discard(call.call_id)
        round_.unacknowledged.add(call.call_id)
        round_.wants_reply = round_.wants_reply or reply
        self._maybe_reply(call.response_id, round_)

    def _finish(self, call: _Call, output: str, error: ToolError | None) -> None:
        del self._running[call.call_id]
        self._out.emit(
            ToolFinished(call.call_id, call.name, output, error, self._out.now - call.started_at, self._out.time_s)
        )
        self._rearm()

    def _maybe_reply(self, response_id: str, round_: _Round) -> None:
        if not round_.response_done or round_.running:
            return
        del self._rounds[response_id]
        self._requests.drop("filler")
        if not round_.wants_reply:
            return
        self._rounds_in_a_row += 1
        if self._rounds_in_a_row > self._config.max_tool_rounds:
            self._out.raise_error(
                RemoteProtocolError("The model called tools again and again; it was stopped.", code="tool_loop")
            )
            return
        self._requests.want(Wanted(kind="tool_reply", merges=True, covers=round_.unacknowledged))

    def _rearm(self) -> None:
        due = [t for call in self._running.values() for t in (call.deadline, call.filler_at) if t is not None]
        self.timer = min(due) if due else None

    def _forget_oldest(self) -> None:
        for call_id in self._seen:
            if call_id not in self._running:
                del self._seen[call_id]
                return


def whole_call(item: FunctionCallItem) -> bool:
    """Whether a function call that is done may be run: not one that was cut short."""
    return item.call_id is not None and item.status != "incomplete"


def is_whole(arguments: str) -> bool:
    """Whether these arguments are complete JSON."""
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return True


def error_output(error: ToolError) -> str:
    """What the model is told of an error."""
    return json.dumps({"error": {"code": error.code, "message": error.message}})


def _speaks(call: _Call) -> bool:
    return call.policy.late_result == "speak"


def _decoded(arguments: str) -> dict[str, Any]:
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
