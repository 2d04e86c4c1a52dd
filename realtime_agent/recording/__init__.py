"""What remains of a conversation: its log, and a page that shows it on one time line."""

from realtime_agent.recording.log import ConversationLog, LoggedCall, LoggedTurn
from realtime_agent.recording.timeline import write_timeline

__all__ = ["ConversationLog", "LoggedCall", "LoggedTurn", "write_timeline"]
