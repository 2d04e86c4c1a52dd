"""Agent audio on its way to a sound device, and what of it has left the loudspeaker.

Two threads meet here. The event loop queues, ducks and flushes; the device's thread takes a block every 20 ms and says
when that block will be heard. Everything is counted on three scales:

    position    samples of agent audio at 24 kHz: what the rest of the program talks about
    line        samples at 24 kHz sent to the device since it opened, silence included
    device      the same line at the device's own rate

Each piece of agent audio that is taken leaves a note (line, position, samples). The device's clock says which line
sample is at the loudspeaker now; the notes turn that into a position. Nothing is counted by the time of day.

No thread waits for the other for longer than a few microseconds: queueing is one atomic append; `duck`, `resume` and
`flush` hold a lock, and a device thread that finds it taken plays one block of silence, which is what the other side is
about to ask for.

Ducking fades out over the next 5 ms of audio *without* counting them; resuming begins with these same samples, fading
in. Both together are the original: nothing is lost, and nothing clicks.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from realtime_agent.audio.pcm import fade_in, fade_out
from realtime_agent.audio.resample import Resampler
from realtime_agent.protocol.formats import PCM

_FADE_BYTES = PCM.size_bytes(5)
_PULL_SAMPLES = PCM.rate_hz // 100  # what is taken at a time where the device has another rate


@dataclass(frozen=True, slots=True)
class _Taken:
    """So many samples of agent audio, from `position` on, were put on the line at `line`."""

    line: int
    position: int
    samples: int


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Device samples [begin, end) are heard from the monotonic time `heard_at` on."""

    heard_at: float
    begin: int
    end: int


class OutputFeed:
    """The queue between a conversation and a loudspeaker. `now` and `heard_at` are of one monotonic clock, in seconds.

    Args:
        device_hz: the device's rate.
        capacity_s: audio queued beyond this is dropped, newest first, and never counts as played.
    """

    def __init__(self, device_hz: int, *, capacity_s: float = 600.0) -> None:
        self._device_hz = device_hz
        self._capacity = round(capacity_s * PCM.rate_hz)
        self._lock = threading.Lock()
        self._queue: deque[memoryview] = deque()
        self._accepted = 0  # position behind the last queued sample; written by the loop
        self._taken = 0  # position behind the last taken sample; written by the device, or under the lock
        self._ducked = False
        self._tail = b""  # fading rest of audio that was flushed
        # The device's own:
        self._sounding = False  # the last block ended in agent audio
        self._faded = False  # the audio that comes next was played once already, fading out
        self._line = 0
        self._device = 0
        self._ready = bytearray()
        self._resampler = Resampler(PCM.rate_hz, device_hz)
        # From the device to the loop:
        self._notes: deque[_Taken] = deque()
        self._anchor = _Anchor(0.0, 0, 0)
        # The loop's own:
        self._heard = 0

    def play(self, audio: bytes) -> None:
        """Queue more."""
        samples = min(len(audio) // 2, self._capacity - (self._accepted - self._taken))
        if samples > 0:
            self._queue.append(memoryview(audio)[: samples * 2])
            self._accepted += samples

    def duck(self) -> None:
        """Silence from the next block on."""
        with self._lock:
            self._ducked = True

    def resume(self) -> None:
        """Go on with the next block."""
        with self._lock:
            self._ducked = False

    def flush(self) -> int:
        """Drop what was not taken; the final position."""
        with self._lock:
            if self._sounding:
                self._tail = fade_out(self._peek())
            self._queue.clear()
            self._accepted = self._taken
            self._ducked = self._faded = False
            return self._taken

    def played(self, now: float) -> int:
        """The position at the loudspeaker."""
        line = self._line_at(now)
        while self._notes:
            note = self._notes[0]
            if note.line + note.samples > line:
                self._heard = max(self._heard, note.position + max(0, line - note.line))
                break
            self._heard = note.position + note.samples
            self._notes.popleft()
        return self._heard

    def audible(self, now: float) -> bool:
        """Whether agent audio that was taken is still to be heard, and its first sample has been reached."""
        return bool(self._notes) and self._notes[0].line <= self._line_at(now)

    @property
    def empty(self) -> bool:
        """Whether nothing is queued, and `played` has reached all that was taken."""
        return not self._queue and not self._notes

    def fill(self, frames: int, heard_at: float) -> bytes:
        """The next so many device samples (int16, mono), the first of which is heard at `heard_at`. Device's thread."""
        wanted = frames * 2
        while len(self._ready) < wanted:
            pull = frames if self._device_hz == PCM.rate_hz else _PULL_SAMPLES
            self._ready += self._resampler.process(self._next_line(pull))
        block = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        self._anchor = _Anchor(heard_at, self._device, self._device + frames)
        self._device += frames
        return block

    def _line_at(self, now: float) -> int:
        """The line sample that is at the loudspeaker; never one that the device does not have yet."""
        anchor = self._anchor
        device = min(anchor.begin + (now - anchor.heard_at) * self._device_hz, anchor.end)
        return int(device * PCM.rate_hz / self._device_hz)

    def _next_line(self, samples: int) -> bytes:
        audio = b""
        if self._lock.acquire(blocking=False):
            try:
                audio = self._take(samples)
            finally:
                self._lock.release()
        self._line += samples
        return audio + bytes(samples * 2 - len(audio))

    def _take(self, samples: int) -> bytes:
        if self._ducked:
            if not self._sounding:
                return b""
            self._sounding = False
            self._faded = True
            return fade_out(self._peek())
        audio = self._pop(samples)
        if not audio:
            audio, self._tail = self._tail, b""
            self._sounding = False
            return audio
        self._notes.append(_Taken(self._line, self._taken, len(audio) // 2))
        self._taken += len(audio) // 2
        self._sounding, self._tail = True, b""
        if self._faded:
            self._faded = False
            audio = fade_in(audio[:_FADE_BYTES]) + audio[_FADE_BYTES:]
        return audio

    def _peek(self) -> bytes:
        piece = b""
        # By index: the loop may append meanwhile, which an iterator would not survive.
        for index in range(len(self._queue)):
            piece += self._queue[index][: _FADE_BYTES - len(piece)]
            if len(piece) == _FADE_BYTES:
                break
        return piece

    def _pop(self, samples: int) -> bytes:
        pieces, left = [], samples * 2
        while left and self._queue:
            audio = self._queue[0]
            if len(audio) > left:
                pieces.append(audio[:left])
                self._queue[0] = audio[left:]
                break
            pieces.append(audio)
            self._queue.popleft()
            left -= len(audio)
        return b"".join(pieces)
