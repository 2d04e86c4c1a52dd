"""Microphone pace and a speaker for transports without a device, on the event loop's clock.

Everything is scheduled by index from the moment of opening, so that nothing drifts, and `loop.time()` is the only
clock, so that it all works under a virtual one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realtime_agent.protocol.formats import AudioFormat
from realtime_agent.transports.user.base import UserReceiver
from realtime_agent.transports.user.playout import Playout

FRAME_MS = 20
_CATCH_UP_FRAMES = 25  # a late loop gets so many frames at once, and the rest after others had their turn
_EPSILON_SAMPLES = 0.01  # a timer may fire a rounding error before its sample

SILENT_SAMPLE = {"audio/pcm": b"\0\0", "audio/pcmu": b"\xff", "audio/pcma": b"\xd5"}


class FrameClock:
    """Calls back once for each 20 ms of time, at the end of it. Frames are late on a late loop, never lost."""

    def __init__(self, on_frame: Callable[[], None]) -> None:
        self._on_frame = on_frame
        self._frames = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, started: float | None = None) -> None:
        """Begin to count: at this time of the loop, or now."""
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time() if started is None else started
        self._schedule()

    def stop(self) -> None:
        """No more calls. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._timer = self._loop.call_at(self._due(), self._tick)

    def _due(self) -> float:
        return self._started + (self._frames + 1) * FRAME_MS / 1000

    def _tick(self) -> None:
        now = self._loop.time()
        for _ in range(_CATCH_UP_FRAMES):
            self._frames += 1
            self._on_frame()
            if self._timer is None:  # stopped by the callback
                return
            if self._due() > now:
                break
        self._schedule()


class SimulatedSpeaker:
    """A `Playout` on the loop's clock that tells a receiver when runs begin and end.

    One timer is armed at a time, for the next edge, and moved when the edge moves: while audio streams in, a wake-up
    for nothing ten times a second would cost more than all the rest.
    """

    def __init__(self, format: AudioFormat, playout: Playout) -> None:
        self._format = format
        self._playout = playout
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0  # kept here: uvloop's handles do not always tell
        self._receiver: UserReceiver | None = None

    def open(self, receiver: UserReceiver, started: float | None = None) -> None:
        """Start the device's clock: at this time of the loop, or now."""
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time() if started is None else started
        self._receiver = receiver

    def close(self) -> None:
        """Stop: what was heard by now is all there will be. Idempotent."""
        if self._receiver is not None:
            self._playout.advance(self._now())
            self._playout.edges()
            self._receiver = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def play(self, audio: bytes) -> None:
        """Queue agent audio; after `close` it goes nowhere."""
        if self._receiver is not None:
            self._playout.play(audio, self._now())
            self._arm()

    def duck(self) -> None:
        """Fall silent."""
        if self._receiver is not None:
            self._playout.duck(self._now())
            self._arm()

    def resume(self) -> None:
        """Go on."""
        if self._receiver is not None:
            self._playout.resume(self._now())
            self._arm()

    def flush(self) -> int:
        """Drop what is queued; the final position."""
        if self._receiver is None:
            return self._playout.heard
        position = self._playout.flush(self._now())
        self._arm()
        return position

    @property
    def played(self) -> int:
        """Samples of agent audio heard until now."""
        if self._receiver is not None:
            self._playout.advance(self._now())
            self._arm()
        return self._playout.heard

    def take_line(self, samples: int | None = None) -> bytes:
        """What came out of the speaker since the last call, silence included; no more than so many samples."""
        if self._receiver is not None:
            self._playout.advance(self._now())
            self._arm()
        return self._playout.take_line(samples)

    def _now(self) -> int:
        return int((self._loop.time() - self._started) * self._format.rate_hz + _EPSILON_SAMPLES)

    def _arm(self) -> None:
        """See that a timer fires at the next edge or before it: no receiver is called from within its own call."""
        due_sample = 0 if self._playout.has_edges else self._playout.next_edge()
        if due_sample is None:
            return
        due = self._started + due_sample / self._format.rate_hz
        if self._timer is not None:
            if self._timer_due == due:
                return
            self._timer.cancel()
        self._timer, self._timer_due = self._loop.call_at(due, self._on_timer), due

    def _on_timer(self) -> None:
        self._timer = None
        self._playout.advance(self._now())
        for edge in self._playout.edges():
            if self._receiver is not None:  # it may close us in its callback
                self._receiver.on_playback(edge.position, edge.playing)
        if self._receiver is not None:
            self._arm()
