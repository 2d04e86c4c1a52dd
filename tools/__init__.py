"""Tools: plain functions that the model may call.

@tool
def order_tea(kind: Literal["green", "black"], cups: int = 1) -> str:
    '''Order tea from the kitchen.

    Args:
        kind: which tea.
        cups: how many cups.
    '''
    return f"{cups} cups of {kind} tea are on their way."
"""

from realtime_agent.tools.call import Approve, ToolCall, ToolOutcome
from realtime_agent.tools.context import ToolContext
from realtime_agent.tools.policy import ToolPolicy
from realtime_agent.tools.registry import ToolRegistry
from realtime_agent.tools.runner import ToolRunner
from realtime_agent.tools.tool import Tool, tool

__all__ = [
    "Approve",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolOutcome",
    "ToolPolicy",
    "ToolRegistry",
    "ToolRunner",
    "tool",
]
