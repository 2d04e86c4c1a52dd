"""A speaker that plays in real time, as pure arithmetic: what of the agent's audio has been heard by when.

Time is the device's own: samples since it was opened, silence included. Agent audio passes three places:

    queue  ──intake──▶  in flight  ──`latency` later──▶  heard

The intake takes one sample a tick from the queue, or silence when the queue is empty or ducked. What is in flight is
inside the device; it is heard `latency` samples after it was taken in. A device that can `recall` gives it back on
`duck` and `flush`; another will play it whatever happens, so the final position of `flush` includes it.

Nothing is moved tick by tick: each call brings the state up to `now` in one step, so a second of audio costs as much as
a millisecond, and positions are exact to the sample whenever somebody looks.

A *run* is playback without running dry. It begins when its first sample is heard and ends when nothing is queued or in
flight any more; ducking interrupts the sound but not the run. `edges()` tells the begin and end of runs in order.

    state    play                 first sample heard    last sample heard, flush     duck, resume
    dry      (waits)              → run, edge           -                            dry
    run      run                  -                     → dry, edge                  run
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edge:
    """A run began (`playing`) or ended at this position, in samples of agent audio."""

    position: int
    playing: bool


class Playout:
    """The state of one simulated speaker. `now` is in device samples and never goes back.

    Args:
        sample_bytes: bytes of one sample.
        silence: one sample of silence.
        latency_samples: how long the device holds a sample before it is heard.
        recall: whether the device gives back what it holds.
        capacity_samples: what is queued beyond this is dropped, newest first, and never counts as played.
        keep_samples: how much of the line (what was heard, silence included) is kept for `take_line`; the oldest goes.
        fade_samples: length of the fades that `duck`, `resume` and `flush` put on the kept line (16-bit PCM only).
    """

    def __init__(
        self,
        *,
        sample_bytes: int = 2,
        silence: bytes = b"\0\0",
        latency_samples: int = 0,
        recall: bool = True,
        capacity_samples: int = 24_000 * 600,
        keep_samples: int = 0,
        fade_samples: int = 0,
    ) -> None:
        self._sample_bytes = sample_bytes
        self._silence = silence
        self._latency = latency_samples
        self._recall = recall
        self._capacity = capacity_samples
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._flight: deque[tuple[int, memoryview]] = deque()  # (device time of intake, audio)
        self._intake_at = 0
        self._heard_at = -latency_samples  # device time of the sample being heard, in terms of its intake
        self._heard = 0
        self._ducked = False
        self._running = False
        self._edges: list[Edge] = []
        self._line = _Line(sample_bytes, silence, keep_samples, fade_samples) if keep_samples else None

    @property
    def heard(self) -> int:
        """Samples of agent audio heard, as of the last call."""
        return self._heard

    @property
    def pending(self) -> int:
        """Samples queued or in flight, as of the last call."""
        return self._queued + sum(len(audio) for _, audio in self._flight) // self._sample_bytes

    @property
    def ducked(self) -> bool:
        """Whether the intake is held."""
        return self._ducked

    def play(self, audio: bytes, now: int) -> None:
        """Queue more."""
        self.advance(now)
        room = self._capacity - self._queued
        samples = min(len(audio) // self._sample_bytes, room)
        if samples > 0:
            self._queue.append(memoryview(audio)[: samples * self._sample_bytes])
            self._queued += samples
            self._note_edges(now)

    def duck(self, now: int) -> None:
        """Hold the intake; a device that can recall falls silent at once."""
        self.advance(now)
        if self._ducked:
            return
        self._ducked = True
        if self._recall:
            while self._flight:
                _, audio = self._flight.pop()
                self._queue.appendleft(audio)
                self._queued += len(audio) // self._sample_bytes
        if self._line is not None and self._recall:
            self._line.cut(self._peek())

    def resume(self, now: int) -> None:
        """Go on with the first sample that was not heard."""
        self.advance(now)
        if self._ducked:
            self._ducked = False
            if self._line is not None and self._recall:
                self._line.rejoin()
            self._note_edges(now)

    def flush(self, now: int) -> int:
        """Drop what can be dropped; the final position."""
        self.advance(now)
        if self._recall:
            if self._line is not None and not self._ducked:
                self._line.cut(b"".join(bytes(audio) for _, audio in self._flight) or self._peek())
            self._flight.clear()
        self._queue.clear()
        self._queued = 0
        self._ducked = False
        self._note_edges(now)
        return self._heard + self.pending

    def advance(self, now: int) -> None:
        """Bring everything up to `now`."""
        if now < self._intake_at:
            return
        self._note_begin(now)
        if not self._ducked and self._queued:
            self._take_in(now)
        self._intake_at = now
        self._hear(now - self._latency)
        self._note_edges(now)

    def next_edge(self) -> int | None:
        """The device time at which the next run begins or ends, if nothing else happens before."""
        if self._running:
            if self._queued:
                return None if self._ducked else self._intake_at + self._queued + self._latency
            if self._flight:
                begin, audio = self._flight[-1]
                return begin + len(audio) // self._sample_bytes + self._latency
            return self._intake_at
        begin_or_none = self._first_sample()
        return None if begin_or_none is None else begin_or_none + self._latency

    @property
    def has_edges(self) -> bool:
        """Whether `edges()` has something to tell."""
        return bool(self._edges)

    def edges(self) -> list[Edge]:
        """The edges since the last call, in order."""
        edges, self._edges = self._edges, []
        return edges

    def take_line(self, samples: int | None = None) -> bytes:
        """What was heard since the last call, silence included; no more than so many samples."""
        return self._line.take(samples) if self._line is not None else b""

    def _take_in(self, now: int) -> None:
        time, left = self._intake_at, now - self._intake_at
        while left > 0 and self._queue:
            audio = self._queue[0]
            samples = len(audio) // self._sample_bytes
            if samples > left:
                cut = left * self._sample_bytes
                audio, self._queue[0] = audio[:cut], audio[cut:]
                samples = left
            else:
                self._queue.popleft()
            self._flight.append((time, audio))
            self._queued -= samples
            time += samples
            left -= samples

    def _hear(self, until: int) -> None:
        while self._flight and self._flight[0][0] < until:
            begin, audio = self._flight.popleft()
            samples = len(audio) // self._sample_bytes
            if begin + samples > until:
                cut = (until - begin) * self._sample_bytes
                self._flight.appendleft((until, audio[cut:]))
                audio, samples = audio[:cut], until - begin
            self._heard += samples
            if self._line is not None:
                self._line.quiet(begin - self._heard_at)
                self._line.sound(audio)
                self._heard_at = begin + samples
        if self._line is not None:
            self._line.quiet(until - self._heard_at)
        self._heard_at = until

    def _first_sample(self) -> int | None:
        """When the first sample that is still to be heard was or will be taken in."""
        if self._flight:
            return self._flight[0][0]
        return self._intake_at if self._queued and not self._ducked else None

    def _note_begin(self, now: int) -> None:
        first = self._first_sample()
        if not self._running and first is not None and first + self._latency <= now:
            self._running = True
            self._edges.append(Edge(self._heard, playing=True))

    def _note_edges(self, now: int) -> None:
        self._note_begin(now)
        if self._running and not self._queued and not self._flight:
            self._running = False
            self._edges.append(Edge(self._heard, playing=False))

    def _peek(self) -> bytes:
        return bytes(self._queue[0]) if self._queue else b""


class _Line:
    """What comes out of the speaker, as a recording, with soft cuts."""

    def __init__(self, sample_bytes: int, silence: bytes, keep_samples: int, fade_samples: int) -> None:
        self._sample_bytes = sample_bytes
        self._silence = silence
        self._keep_bytes = keep_samples * sample_bytes
        self._fade_bytes = fade_samples * sample_bytes
        self._line = bytearray()
        self._tail = b""  # of a sound that was cut: plays on, fading, instead of silence
        self._rising = 0  # bytes that still fade in
        self._sounding = False

    def cut(self, following: bytes) -> None:
        """The sound stops here; `following` would have come next."""
        if self._fade_bytes and self._sounding and following:
            from realtime_agent.audio.pcm import fade_out

            self._tail = fade_out(following[: self._fade_bytes])

    def rejoin(self) -> None:
        """The sound goes on where it was cut."""
        self._rising = self._fade_bytes

    def quiet(self, samples: int) -> None:
        """So many samples without agent audio."""
        if samples > 0:
            self._sounding = False
            size = min(samples * self._sample_bytes, self._keep_bytes)
            tail, self._tail = self._tail[:size], self._tail[size:]
            self._append(tail + self._silence * ((size - len(tail)) // self._sample_bytes))

    def sound(self, audio: memoryview) -> None:
        """Agent audio."""
        self._sounding = True
        self._tail = b""
        if self._rising:
            audio = self._fade_in(bytes(audio))
        self._append(audio)

    def take(self, samples: int | None) -> bytes:
        size = len(self._line) if samples is None else samples * self._sample_bytes
        line = bytes(self._line[:size])
        del self._line[:size]
        return line

    def _fade_in(self, audio: bytes) -> memoryview:
        from realtime_agent.audio.pcm import fade_in

        size = min(len(audio), self._rising)
        done = self._fade_bytes - self._rising
        # The piece may be shorter than the fade: take its part of the whole slope.
        slope = fade_in(bytes(done) + audio[:size] + bytes(self._fade_bytes - done - size))
        self._rising -= size
        return memoryview(slope[done : done + size] + audio[size:])

    def _append(self, audio: bytes | memoryview) -> None:
        self._line += audio
        if len(self._line) > self._keep_bytes:
            del self._line[: len(self._line) - self._keep_bytes]
