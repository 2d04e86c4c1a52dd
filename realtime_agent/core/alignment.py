"""Which part of a transcript goes with which part of the audio.

Three sources, the best first:

1. *Reported*: the server says at which time of the audio a piece of transcript begins (`start_time`, seconds, on the
   transcript's delta; xAI does, and so does the embedded engine).
2. *Interleaved*: a server that speaks clause by clause sends a clause's text, then its audio. The samples received when
   a piece of text arrives are where it begins. A server that lets the text run ahead (OpenAI) interleaves too, without
   meaning; there the pace differs wildly from stretch to stretch, so the marks count only where every stretch is spoken
   at between half and twice the mean pace.
3. *Proportion*: as much of the transcript as of the audio.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

_MOST_MARKS = 512
_FASTEST = 2.0  # times the mean pace


class Alignment:
    """Marks (samples, chars) of one content part: from this sample on, the text from this character on is spoken."""

    __slots__ = ("_interleaved", "_reported")

    def __init__(self) -> None:
        self._reported: list[tuple[int, int]] = []
        self._interleaved: list[tuple[int, int]] = []

    def text_arrived(self, received_samples: int, chars: int) -> None:
        """A piece of text came, which begins at `chars`, when so many samples had come."""
        _mark(self._interleaved, received_samples, chars)

    def text_begins(self, start_samples: int, chars: int) -> None:
        """The server says that the text from `chars` on begins at this sample."""
        _mark(self._reported, start_samples, chars)

    def heard_chars(self, heard_samples: int, received_samples: int, chars: int) -> int:
        """How many of `chars` characters go with the heard ones of the received samples."""
        if heard_samples <= 0 or received_samples <= 0:
            return 0
        if heard_samples >= received_samples:
            return chars
        end = (received_samples, chars)
        for marks in (self._reported, self._interleaved):
            points = [(0, 0), *((s, c) for s, c in marks if 0 < s < received_samples and c <= chars), end]
            if len(points) > 2 and (marks is self._reported or _is_even(points)):
                return _between(points, heard_samples)
        return chars * heard_samples // received_samples


def heard_text(text: str, chars: int) -> str:
    """The first `chars` characters of `text`, without a word that was cut in the middle."""
    if chars >= len(text):
        return text.strip()
    if chars > 0 and not text[chars].isspace() and not text[chars - 1].isspace():
        while chars > 0 and not text[chars - 1].isspace():
            chars -= 1
    return text[:chars].strip()


def _mark(marks: list[tuple[int, int]], samples: int, chars: int) -> None:
    if marks and (samples <= marks[-1][0] or chars <= marks[-1][1]):
        return  # more text for the same stretch of audio
    marks.append((samples, chars))
    if len(marks) > _MOST_MARKS:
        del marks[1::2]


def _is_even(points: list[tuple[int, int]]) -> bool:
    mean = points[-1][1] / points[-1][0]
    return all(mean / _FASTEST <= (c1 - c0) / (s1 - s0) <= mean * _FASTEST for (s0, c0), (s1, c1) in pairwise(points))


def _between(points: list[tuple[int, int]], samples: int) -> int:
    after = bisect_right(points, (samples, -1))
    (s0, c0), (s1, c1) = points[after - 1], points[after]
    return c0 + (c1 - c0) * (samples - s0) // (s1 - s0)
