"""The ledger of the agent's voice: which sample of which item is queued, being heard, or was heard.

Theory. Agent audio is played in the order in which it came. A user transport counts the samples that were really
played since the start of the session; flushed audio does not count. So the n-th sample it plays is the n-th sample
that we queued and did not flush. The ledger keeps the queued audio as a row of *spans* (so many samples of one
content part), and the position at which the first of them begins:

    base                                                   base + queued
    |- item A, part 0 -|- item B, part 0 -|- item A' ... -|
             ^ position

| event              | effect                                                                                |
|--------------------|---------------------------------------------------------------------------------------|
| `queue`            | the last span grows, or a new one begins                                              |
| `moved(p)`         | spans before p are heard and leave the row; the one that holds p is heard up to it    |
| `begin_flush`      | the row is set aside; what is queued from now on stands in a new row                  |
| `flushed(p)`       | the row set aside is heard up to p, and the rest of it never; the new row begins at p |

A position beyond what was queued is taken as the end. A transport that runs dry a few samples short of the end (its
resampler keeps them) has played all: the difference is remembered as `skew`, so that it does not add up over a session,
and taken back if the samples come after all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from realtime_agent.core.alignment import Alignment
from realtime_agent.protocol import AudioFormat

_MOST_SPANS = 4096
_MOST_ITEMS = 512
_DRY_TOLERANCE_MS = 20


@dataclass(slots=True)
class Part:
    """One content part of one item: how much of its audio came, and how much was heard."""

    response_id: str
    item_id: str
    content_index: int
    received_samples: int = 0
    heard_samples: int = 0
    complete: bool = False
    alignment: Alignment = field(default_factory=Alignment)
    odd_bytes: bytes = b""  # of a sample that a delta's end cut in two


@dataclass(slots=True)
class _Span:
    part: Part
    offset_samples: int  # of its first sample in the part
    samples: int


class PlaybackLedger:
    """What was queued and what was heard, in samples. Positions are those of `transports.user.base`."""

    __slots__ = (
        "_base",
        "_format",
        "_items",
        "_set_aside",
        "_skew",
        "_spans",
        "_tolerance",
        "playing",
        "position",
        "queued_samples",
        "received_samples",
    )

    def __init__(self, audio_format: AudioFormat) -> None:
        self.position = 0  # corrected by skew
        self.playing = False
        self.queued_samples = 0  # in the row, heard or not, from base on
        self.received_samples = 0  # in the whole session
        self._format = audio_format
        self._tolerance = audio_format.rate_hz * _DRY_TOLERANCE_MS // 1000
        self._spans: deque[_Span] = deque()
        self._set_aside: deque[deque[_Span]] = deque()
        self._base = 0
        self._skew = 0
        self._items: dict[str, list[Part]] = {}

    @property
    def audible(self) -> bool:
        """Whether the agent is being heard, or will be."""
        return self.queued_samples > 0

    @property
    def flushing(self) -> bool:
        """Whether a flush waits for its answer."""
        return bool(self._set_aside)

    def part(self, response_id: str, item_id: str, content_index: int) -> Part:
        """The part, made where it is new."""
        parts = self._items.get(item_id)
        if parts is None:
            parts = self._items[item_id] = []
            if len(self._items) > _MOST_ITEMS:
                self._forget_oldest()
        for part in parts:
            if part.content_index == content_index:
                return part
        part = Part(response_id, item_id, content_index)
        parts.append(part)
        return part

    def parts_of(self, item_id: str) -> list[Part]:
        """The item's parts, in the order in which they came; empty where it has no audio."""
        return self._items.get(item_id, [])

    def complete(self, item_id: str, content_index: int | None = None) -> None:
        """No more audio of this part, or of the whole item, will come."""
        for part in self.parts_of(item_id):
            if content_index is None or part.content_index == content_index:
                part.complete = True

    def queue(self, part: Part, audio: bytes) -> bytes:
        """Note that audio is queued; returns what is to be played: whole samples, or nothing."""
        size = self._format.bytes_per_sample
        if part.odd_bytes or len(audio) % size:
            audio = part.odd_bytes + audio
            whole = len(audio) - len(audio) % size
            part.odd_bytes, audio = audio[whole:], audio[:whole]
        samples = len(audio) // size
        if not samples:
            return b""
        spans = self._spans
        if spans and spans[-1].part is part:
            spans[-1].samples += samples
        elif len(spans) < _MOST_SPANS:
            spans.append(_Span(part, part.received_samples, samples))
        else:
            return b""
        part.received_samples += samples
        self.queued_samples += samples
        self.received_samples += samples
        return audio

    def moved(self, position: int, playing: bool) -> list[Part]:
        """Playback is here. Returns the parts of which something was heard since, also the one just beginning."""
        self.playing = playing
        row = self._set_aside[0] if self._set_aside else self._spans
        end = self._base + sum(span.samples for span in row)
        position += self._skew
        if position > end or (not playing and end - position <= self._tolerance):
            self._skew += end - position
            position = end
        return self._advance(row, max(position, self.position), playing)

    def begin_flush(self) -> None:
        """A flush is on its way: what is queued until now is set aside."""
        self._set_aside.append(self._spans)
        self._spans = deque()
        self.queued_samples = 0

    def flushed(self, position: int) -> list[Part]:
        """The flush is done. Returns the parts that were set aside, with `heard_samples` settled."""
        if not self._set_aside:
            self.begin_flush()  # the transport flushed by itself
        row = self._set_aside[0]
        touched = {id(span.part): span.part for span in row}
        end = self._base + sum(span.samples for span in row)
        position += self._skew
        if position > end:
            self._skew += end - position
            position = end
        self._advance(row, max(position, self.position), playing=False)
        self._set_aside.popleft()
        self._base = self.position
        return list(touched.values())

    def next_boundary_samples(self) -> int | None:
        """How far it is to where another response begins; None where none is queued behind the one being heard."""
        if self._set_aside or not self._spans:
            return None
        first = self._spans[0].part.response_id
        ahead = self._base - self.position
        for span in self._spans:
            if span.part.response_id != first:
                return ahead
            ahead += span.samples
        return None

    def unheard_responses(self) -> list[str]:
        """The responses of which something is queued, in order."""
        return list(dict.fromkeys(span.part.response_id for span in self._spans))

    def _advance(self, row: deque[_Span], position: int, playing: bool) -> list[Part]:
        touched: list[Part] = []
        while row:
            span = row[0]
            heard = position - self._base
            if heard < 0 or (heard == 0 and not playing):
                break
            touched.append(span.part)
            span.part.heard_samples = span.offset_samples + min(heard, span.samples)
            if heard < span.samples:
                break
            row.popleft()
            self._base += span.samples
            if row is self._spans:
                self.queued_samples -= span.samples
        self.position = position
        return touched

    def _forget_oldest(self) -> None:
        queued = {span.part.item_id for row in (*self._set_aside, self._spans) for span in row}
        for item_id in self._items:
            if item_id not in queued:
                del self._items[item_id]
                return
