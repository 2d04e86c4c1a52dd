"""What every test gets: no warning, no leaked task."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """A script's background jobs ignore SIGINT, and so would every program that a test starts and stops with it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
async def no_task_is_left_behind() -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    before = asyncio.all_tasks()
    yield
    # pytest-asyncio finishes this fixture in a task of its own, which is no leak.
    left = [task for task in asyncio.all_tasks() - before if not task.done() and task is not asyncio.current_task()]
    assert not left, f"tasks left running: {left}"
