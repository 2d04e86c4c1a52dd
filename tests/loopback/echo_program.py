"""An agent with open loudspeakers, run by `test_desktop_echo.py`: `echo_program.py on|off`.

It tells a story. When it has told ten seconds of it, or was interrupted, `ready` is printed; when a line comes in, it
goes on, until it is interrupted or for eight more seconds. Then what happened is printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from realtime_agent import Agent, Session
from realtime_agent.events import Interrupted, TurnStarted
from realtime_agent.transports.user.desktop import DesktopUser

_STORY = (
    "Once upon a time there was a small harbour town at the edge of a cold grey sea. Its people mended nets in the "
    "winter and sailed far out in the summer. The lighthouse keeper had three daughters, and each of them knew a "
    "different wind by name. When the autumn storms came, they would climb the stairs and sing to the ships. One "
    "evening a stranger arrived with a wooden box under his arm. He asked for a room, a candle, and a bowl of soup, "
    "and paid with a coin that nobody had seen before. The baker's boy was curious, and he waited until he slept."
)
_ALONE_S = 10.0
_PATIENCE_S = 8.0
_RATE_HZ = 24_000


class _Desktop(DesktopUser):
    ducked_at: float | None = None

    def duck(self) -> None:
        self.ducked_at = self.ducked_at or time.monotonic()
        super().duck()


class _Conversation:
    def __init__(self, session: Session, user: _Desktop) -> None:
        self._session, self._user = session, user
        self.user_turns = 0
        self.interrupted = asyncio.Event()

    async def listen(self) -> None:
        async for event in self._session:
            if isinstance(event, TurnStarted) and event.speaker == "user":
                self.user_turns += 1
            if isinstance(event, Interrupted):
                self.interrupted.set()

    def told(self) -> dict[str, Any]:
        return {
            "played_s": self._user.played / _RATE_HZ,
            "ducked": self._user.ducked_at is not None,
            "user_turns": self.user_turns,
            "interrupted": self.interrupted.is_set(),
        }


async def _heard(user: DesktopUser, conversation: _Conversation, seconds: float) -> None:
    async with asyncio.timeout(30):
        while user.played < seconds * _RATE_HZ and not conversation.interrupted.is_set():  # noqa: ASYNC110 - a position has no event
            await asyncio.sleep(0.02)


async def main(echo: str) -> dict[str, Any]:
    """Tell the story; what happened until the person spoke, and after."""
    user = _Desktop("micin", "spkout", echo_cancellation=echo == "on")
    session = Session(Agent("Tell stories."), model="embedded", user=user)
    async with session, asyncio.TaskGroup() as group:
        conversation = _Conversation(session, user)
        group.create_task(conversation.listen())
        session.say(_STORY)
        await _heard(user, conversation, _ALONE_S)
        alone = conversation.told()
        user.ducked_at = None
        began = time.monotonic()
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await conversation.interrupted.wait()
        except TimeoutError:
            pass
        after = conversation.told()
        after["ducked_after_s"] = None if user.ducked_at is None else user.ducked_at - began
        await session.close()
    return {"alone": alone, "after": after, "xruns": user.xruns}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1]))), flush=True)
