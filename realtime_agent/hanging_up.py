"""How every session lets go of the person and the model: in order, and bounded in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from realtime_agent.errors import DeviceError
from realtime_agent.transports.model.base import ModelConnection
from realtime_agent.transports.user.base import UserTransport

logger = logging.getLogger("realtime_agent")

_TIMEOUT_S = 5.0


async def hang_up(
    user: UserTransport | None, connection: ModelConnection | None, *others: Callable[[], Awaitable[None]]
) -> DeviceError | None:
    """Close the person's side, the others, and the connection; a device's last error, if it had one."""
    failure: DeviceError | None = None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            try:
                if user is not None:
                    await user.close()
            except DeviceError as error:
                failure = error
            for close in others:
                await close()
            if connection is not None:
                await connection.close()
    except TimeoutError:
        logger.warning("Closing took more than %.0f s; the connection is dropped.", _TIMEOUT_S)
        if connection is not None:
            connection.abort()
    return failure
