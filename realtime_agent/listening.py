"""What the session does with each microphone frame before it is sent: is it speech, and how loud is it?"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from realtime_agent.errors import MissingExtra
from realtime_agent.protocol.formats import AudioFormat

_LISTENERS_A_MODEL = 4
_TIDY_PIECES = 64


class Listener:
    """Local speech detection over frames in the person's own format.

    Raises:
        MissingExtra: the `audio` extra is not installed.
    """

    _open: ClassVar[int] = 0

    def __init__(self, audio_format: AudioFormat) -> None:
        try:
            from realtime_agent.audio.vad import make_detector
        except (ImportError, MissingExtra) as error:
            raise MissingExtra("Local speech detection (switch it off with Settings(duck=False))", "audio") from error
        self._decode = decoder(audio_format)
        self._rate_hz = audio_format.rate_hz
        self._opened = False
        self._detector = make_detector(audio_format.rate_hz)

    async def open(self) -> None:
        """See that there are models enough for all listeners, for not all of them hear something at once."""
        from realtime_agent.audio.silero import SileroModels

        self._opened = True
        Listener._open += 1
        wanted = -(-Listener._open // _LISTENERS_A_MODEL)
        await asyncio.to_thread(SileroModels.shared().prepare, wanted, 8_000 if self._rate_hz == 8_000 else 16_000)

    def close(self) -> None:
        """The conversation is over. Idempotent."""
        if self._opened:
            self._opened = False
            Listener._open -= 1

    def hears_speech(self, audio: bytes) -> bool:
        """Whether this frame is speech."""
        return self._detector.process(self._decode(audio) if self._decode else audio)


class Meter:
    """The levels of both sides for a display: kept at next to no cost, computed when asked.

    played: how many samples of agent audio were heard until now.
    """

    def __init__(self, audio_format: AudioFormat, played: Callable[[], int]) -> None:
        self._format = audio_format
        self._played = played
        self._heard = b""
        self._queued: deque[tuple[int, bytes]] = deque()  # where each piece of agent audio ends, and the piece
        self._tidy_at = _TIDY_PIECES
        self._end = 0

    def microphone(self, audio: bytes) -> None:
        """One frame came in."""
        self._heard = audio

    def speaker(self, audio: bytes) -> None:
        """One piece was queued."""
        self._end += self._format.samples(len(audio))
        self._queued.append((self._end, audio))
        if len(self._queued) >= self._tidy_at:
            self._forget_played()
            self._tidy_at = 2 * len(self._queued) + _TIDY_PIECES

    def flushed(self, position: int) -> None:
        """What was queued is gone."""
        self._queued.clear()
        self._end = position

    def levels(self) -> tuple[float, float]:
        """dBFS of the person and of the agent, just now; -120 for silence.

        Raises:
            MissingExtra: the `audio` extra is not installed.
        """
        try:
            from realtime_agent.audio.pcm import level_dbfs
        except (ImportError, MissingExtra) as error:
            raise MissingExtra("Levels", "audio") from error
        self._forget_played()
        decode = decoder(self._format) or bytes
        agent = self._queued[0][1] if self._queued else b""
        return level_dbfs(decode(self._heard)), level_dbfs(decode(agent))

    def _forget_played(self) -> None:
        played = self._played()
        while self._queued and self._queued[0][0] <= played:
            self._queued.popleft()


def decoder(audio_format: AudioFormat) -> Callable[[bytes], bytes] | None:
    """From the format to 16-bit PCM; None where it is that already."""
    if audio_format.name == "audio/pcm":
        return None
    from realtime_agent.audio import g711

    return g711.ulaw_decode if audio_format.name == "audio/pcmu" else g711.alaw_decode
