"""When a path is dead: the judgement of a connection's two guards, pure, with `now` as an argument.

A silently dropped path raises nothing: sends go into the kernel's buffer and receives wait. Two questions find it out:

*Do we hear anything?* While the server is silent, which it may be for as long as it likes, we PING; a healthy server
answers. When nothing at all has come for `silence_timeout_s`, the path is dead.

*Does the path take what we send?* When bytes wait in our buffer and not one of them leaves for `send_deadline_s`, it is
dead too. A path that is slow but moves is alive, and so counts as heard: the PONG stands in line behind our own bytes.

Both deadlines stop while we ourselves do not run. If our own timer fires late (a stalled event loop, a suspended
process), by so much everything is shifted: what came meanwhile lies unread in the kernel, and is no fault of the path.

    state      on a check (the first line that holds)              then        says
    ---------  --------------------------------------------------  ----------  -------
    any        bytes wait and none moved for send_deadline_s       -           stuck
    any        something heard, or waiting bytes moved             heard       fine
    any        nothing for silence_timeout_s                       -           silent
    heard      nothing for one tick                                asked       ping
    asked      nothing, silence_timeout_s not yet over             asked       fine
"""

from __future__ import annotations

from typing import Literal

Verdict = Literal["fine", "ping", "silent", "stuck"]

_TICKS_IN_A_DEADLINE = 4


class PathWatchdog:
    """Checked every `tick_s`, tells whether the path is alive, and when to ping."""

    def __init__(self, now: float, *, silence_timeout_s: float, send_deadline_s: float) -> None:
        self.tick_s = min(silence_timeout_s, send_deadline_s) / _TICKS_IN_A_DEADLINE
        self._silence_timeout_s = silence_timeout_s
        self._send_deadline_s = send_deadline_s
        self._heard_at = now
        self._moved_at = now
        self._checked_at = now
        self._left_bytes = 0
        self._buffered_bytes = 0
        self._asked = False

    def heard(self, now: float) -> None:
        """Something came in."""
        self._heard_at = now
        self._asked = False

    def check(self, now: float, *, heard: bool, queued_bytes: int, buffered_bytes: int) -> Verdict:
        """Judge the path.

        Args:
            heard: whether anything came in since the last check.
            queued_bytes: all bytes given to the connection so far.
            buffered_bytes: how many of them still wait.
        """
        late_s = max(0.0, now - self._checked_at - self.tick_s)
        self._heard_at += late_s
        self._moved_at += late_s
        self._checked_at = now
        left_bytes = queued_bytes - buffered_bytes
        waited = self._buffered_bytes > 0
        moved = left_bytes > self._left_bytes
        if not buffered_bytes or not waited or moved:
            self._moved_at = now
        self._left_bytes = left_bytes
        self._buffered_bytes = buffered_bytes
        if buffered_bytes and now - self._moved_at >= self._send_deadline_s:
            return "stuck"
        if heard or (waited and moved):
            self.heard(now)
            return "fine"
        if now - self._heard_at >= self._silence_timeout_s:
            return "silent"
        if not self._asked:
            self._asked = True
            return "ping"
        return "fine"
