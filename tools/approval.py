"""Asks the person before a tool does something that needs it. Anything but a clear yes is no."""

from __future__ import annotations

import inspect
import logging
from functools import partial
from typing import Any

from realtime_agent.errors import ToolDenied, ToolError
from realtime_agent.tools.call import Approve, CallUnderWay, ToolCall
from realtime_agent.tools.schema import innermost
from realtime_agent.tools.threads import ThreadPool

logger = logging.getLogger("realtime_agent.tools")


def needs_approval(call: CallUnderWay) -> bool:
    """Whether the policy asks for approval of this very call. A policy that fails asks for it."""
    asks = call.tool.policy.needs_approval
    if isinstance(asks, bool):
        return asks
    try:
        return bool(asks(dict(call.arguments)))
    except Exception:
        logger.exception("needs_approval of tool %s failed; the person is asked", call.tool.name)
        return True


async def ask(approve: Approve | None, call: CallUnderWay, threads: ThreadPool) -> None:
    """Ask for approval; a sync callback runs in a thread, for it may wait for a person.

    Raises:
        ToolDenied: there was no clear yes.
        ToolError: what the callback raised, if it was one.
    """
    if approve is None:
        raise ToolDenied("This tool needs the person's approval, and nobody is there to ask.")
    asked = ToolCall(call.call_id, call.tool.name, dict(call.arguments), call.tool.description)
    try:
        if inspect.iscoroutinefunction(innermost(approve)):
            answer: Any = approve(asked)
        else:
            answer = await threads.run(partial(approve, asked))
        if inspect.isawaitable(answer):
            answer = await answer
    except ToolError:
        raise
    except Exception as error:
        logger.exception("The approval callback failed on tool %s", call.tool.name)
        raise ToolDenied("The person could not be asked for approval.") from error
    if answer is not True:
        raise ToolDenied("The person did not approve this call.")
