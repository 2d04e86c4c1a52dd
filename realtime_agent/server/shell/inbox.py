"""What a client sent, in order, and no more of it at a time than the other sessions can wait for.

Minutes of audio may come in one append, and listening to them takes hundreds of milliseconds. Such an append is taken
in pieces, one a turn of the event loop; what comes after it waits until it is through. Everything else is taken as it
comes. If a piece is refused (half a sample, a full buffer), the rest is dropped: one append, one error.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import InputAudioBufferAppend
from realtime_agent.protocol.translation import TranslationInputAudioAppend

PIECE_BYTES = 24_000  # half a second of PCM, three seconds of G.711: heard in about 5 ms
MAX_WAITING_BYTES = 32 * 1024 * 1024

Message = bytes | str


class Inbox:
    """Of one session. Ends with `clear`."""

    def __init__(
        self,
        decode: Callable[[Message], Any],
        take: Callable[[Any], bool],
        refuse: Callable[[RemoteProtocolError], None],
    ) -> None:
        """
        Args:
            decode: makes an event of a message, or raises `RemoteProtocolError`.
            take: obeys an event; False if it was refused.
            refuse: tells the client what was wrong with a message.
        """
        self._decode = decode
        self._take = take
        self._refuse = refuse
        self._loop = asyncio.get_running_loop()
        self._messages: deque[Message] = deque()
        self._waiting_bytes = 0
        self._pieces: Iterator[Any] | None = None  # of the append that is being taken
        self._turn: asyncio.Handle | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, message: Message) -> None:
        """Take a message now, or when all before it are through."""
        if self._empty.is_set():
            self._open(message)
            self._set_turn()
        elif self._waiting_bytes + len(message) > MAX_WAITING_BYTES:
            self._refuse(RemoteProtocolError("Too much waits to be heard.", code="rate_limit_exceeded"))
        else:
            self._messages.append(message)
            self._waiting_bytes += len(message)

    async def emptied(self) -> None:
        """Return when nothing waits."""
        await self._empty.wait()

    def clear(self) -> None:
        """Forget what waits."""
        self._messages.clear()
        self._waiting_bytes = 0
        self._pieces = None
        self._empty.set()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _open(self, message: Message) -> None:
        try:
            event = self._decode(message)
        except RemoteProtocolError as error:
            self._refuse(error)
            return
        if isinstance(event, InputAudioBufferAppend | TranslationInputAudioAppend) and len(event.audio) > PIECE_BYTES:
            self._pieces = _divide(event)
        else:
            self._take(event)

    def _go_on(self) -> None:
        """One piece, or one message."""
        if self._pieces is not None:
            piece = next(self._pieces, None)
            if piece is None or not self._take(piece):
                self._pieces = None
        elif self._messages:
            message = self._messages.popleft()
            self._waiting_bytes -= len(message)
            self._open(message)
        self._set_turn()

    def _set_turn(self) -> None:
        if self._pieces is not None or self._messages:
            self._empty.clear()
            self._turn = self._loop.call_soon(self._go_on)
        else:
            self._empty.set()


def _divide(event: InputAudioBufferAppend | TranslationInputAudioAppend) -> Iterator[Any]:
    """The same append in pieces. If there is an odd byte the first has it, and is refused where it must be."""
    audio = event.audio
    start, end = 0, PIECE_BYTES + len(audio) % 2
    while start < len(audio):
        piece = audio[start:end]
        if isinstance(event, InputAudioBufferAppend):
            yield replace(event, audio=piece)
        else:
            yield event.model_copy(update={"audio": piece})
        start, end = end, end + PIECE_BYTES
