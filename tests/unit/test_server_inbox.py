"""Messages in order, and long appends by pieces."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from realtime_agent.protocol import (
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    decode_client,
    encode,
)
from realtime_agent.protocol.translation import TranslationInputAudioAppend
from realtime_agent.server.shell.inbox import MAX_WAITING_BYTES, PIECE_BYTES, Inbox

_COMMIT = encode(InputAudioBufferCommit())


class _Session:
    """Takes appends up to so many bytes, and notes what it gets."""

    def __init__(self, room_bytes: int = 10**9) -> None:
        self.room_bytes = room_bytes
        self.taken: list[Any] = []
        self.refused: list[str] = []
        self.inbox = Inbox(decode_client, self._take, lambda error: self.refused.append(error.message))

    def _take(self, event: Any) -> bool:
        audio = getattr(event, "audio", b"")
        if len(audio) % 2 or len(audio) > self.room_bytes:
            self.refused.append("no")
            return False
        self.room_bytes -= len(audio)
        self.taken.append(event)
        return True

    @property
    def audio(self) -> bytes:
        return b"".join(getattr(event, "audio", b"") for event in self.taken)


def _append(size_bytes: int, event_id: str | None = None) -> bytes:
    return encode(InputAudioBufferAppend(bytes(n % 251 for n in range(size_bytes)), event_id))


async def test_what_is_short_is_taken_at_once() -> None:
    session = _Session()
    session.inbox.put(_append(PIECE_BYTES))
    session.inbox.put(_COMMIT)
    assert [type(event) for event in session.taken] == [InputAudioBufferAppend, InputAudioBufferCommit]


async def test_a_long_append_is_taken_in_pieces_and_what_follows_waits() -> None:
    session = _Session()
    message = _append(5 * PIECE_BYTES + 100, "mine")
    session.inbox.put(message)
    session.inbox.put(_COMMIT)
    session.inbox.put(_append(10))
    session.inbox.put(message)
    session.inbox.put(_COMMIT)
    assert not session.taken
    seen = []
    while len(session.taken) < 15:
        await asyncio.sleep(0)
        seen.append(len(session.taken))
    assert all(after - before <= 1 for before, after in itertools.pairwise(seen))
    kinds = [type(event) for event in session.taken]
    append, commit = InputAudioBufferAppend, InputAudioBufferCommit
    assert kinds == [append] * 6 + [commit, append] + [append] * 6 + [commit]
    assert {event.event_id for event in session.taken[:6]} == {"mine"}
    whole = decode_client(message)
    assert isinstance(whole, InputAudioBufferAppend)
    assert b"".join(event.audio for event in session.taken[:6]) == whole.audio
    await session.inbox.emptied()


async def test_translations_appends_too() -> None:
    taken: list[Any] = []
    event = TranslationInputAudioAppend(audio=bytes(3 * PIECE_BYTES), event_id="mine")

    def take(piece: Any) -> bool:
        taken.append(piece)
        return True

    inbox = Inbox(lambda message: event, take, lambda error: None)
    inbox.put(b"")
    await inbox.emptied()
    assert [(len(piece.audio), piece.event_id) for piece in taken] == [(PIECE_BYTES, "mine")] * 3


async def test_a_long_append_of_half_samples_is_refused_once_and_nothing_of_it_taken() -> None:
    session = _Session()
    session.inbox.put(_append(4 * PIECE_BYTES + 1))
    await session.inbox.emptied()
    assert session.refused == ["no"]
    assert session.audio == b""


async def test_a_long_append_that_does_not_fit_is_one_error() -> None:
    session = _Session(room_bytes=2 * PIECE_BYTES)
    session.inbox.put(_append(9 * PIECE_BYTES))
    session.inbox.put(_COMMIT)
    await session.inbox.emptied()
    assert session.refused == ["no"]
    assert len(session.taken) == 3  # two pieces, and the commit


async def test_what_cannot_be_read_is_refused_in_its_turn() -> None:
    session = _Session()
    session.inbox.put(_append(2 * PIECE_BYTES))
    session.inbox.put(b"{")
    assert not session.refused
    await session.inbox.emptied()
    assert len(session.refused) == 1
    assert len(session.taken) == 2


async def test_more_than_may_wait_is_refused() -> None:
    session = _Session()
    session.inbox.put(_append(2 * PIECE_BYTES))
    session.inbox.put(b" " * MAX_WAITING_BYTES)
    session.inbox.put(_COMMIT)
    assert session.refused == ["Too much waits to be heard."]
    session.inbox.clear()
    await session.inbox.emptied()
    assert not session.taken
