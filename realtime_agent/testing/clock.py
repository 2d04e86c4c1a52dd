"""A virtual clock for asyncio: an hour of conversation in a second of test time.

`VirtualClockLoop` is an event loop whose `time()` stands still while anything can run and jumps to the next timer when
nothing can (trio's autojump clock). Timers fire in order, so what a test sees is the same on every run.

Work that really takes time outside the loop (threads, processes, sockets) is waited for: as long as a real file
descriptor or thread may still wake the loop, hold the clock with `held()`.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_PATIENCE_S = 0.05  # how long a held clock waits for the outside world before it looks again


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps: where the loop would wait for a timer, it moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.holds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.holds or timeout is None:
            return super().select(_PATIENCE_S)
        self.now += timeout
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop with virtual time, starting at 0.0 seconds."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jumping.now

    @contextmanager
    def held(self) -> Iterator[None]:
        """Time stands still inside, so that real work can finish first."""
        self._jumping.holds += 1
        try:
            yield
        finally:
            self._jumping.holds -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, under virtual time."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)


def virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make an async test one that runs under virtual time."""

    @wraps(test)
    def run_it(*args: P.args, **kwargs: P.kwargs) -> None:
        run(test(*args, **kwargs))

    return run_it
