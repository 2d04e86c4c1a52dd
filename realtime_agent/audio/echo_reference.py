"""Which played sample was at the loudspeaker when a given sample was at the microphone.

Two devices, two counters, and, where they are two pieces of hardware, two clocks. Every block comes with the monotonic
time at which its first sample is heard or was captured; such times are good to some milliseconds, and the counters are
exact. So the counters carry the audio, and the times only place them to each other:

    offset(k) = (position that is played at the time of microphone block k) - (position of microphone block k)

Until something is played the offset is the mean of what was seen. Then it stays, because an echo canceller minds a
leap more than it minds being some milliseconds off. It moves in two ways only. The clocks' drift, the slope of the
offset over the last two minutes, is followed as soon as it is known well, by reading the reference a little faster or
slower (four-point interpolation). And where the offset is 30 ms off for a second, audio was lost: it leaps.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from realtime_agent.audio.pcm import FULL_SCALE, samples_of
from realtime_agent.audio.resample import Resampler

_MARGIN_MS = 10  # the reference is read so much early: times err, and no echo may come before its sound
_HISTORY_S = 6.0
_LEAP_MS = 30.0
_POINT_S = 1.0  # offsets are averaged over this
_POINTS = 120
_ENOUGH_POINTS = 20
_CREDIBLE_DRIFT = 500e-6  # crystals differ by 200 ppm at most; beyond that it is no drift


class EchoReference:
    """The far end, in step with the microphone.

    Args:
        output_hz, input_hz: the devices' rates.
        rate_hz: the rate of what `take` gives, and of the microphone's samples that it counts.
    """

    def __init__(self, output_hz: int, input_hz: int, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._output_hz = output_hz
        self._to_rate = rate_hz / input_hz
        self._resampler = Resampler(output_hz, rate_hz)
        self._played = bytearray()
        self._base = 0  # position of the first sample of `_played`
        self._given = 0  # output samples, at their own rate
        self._anchor: tuple[float, float] | None = None  # (time, position that is heard then)
        self._captured = 0.0  # position of the microphone's next block
        self._next = 0.0  # position of the played sample that `take` reads next, less the offset
        self._offset = 0.0
        self._drift = 0.0
        self._seen: list[float] = []
        self._points: deque[tuple[float, float]] = deque(maxlen=_POINTS)
        self._settled = False
        self.leaps = 0
        """How often the devices were found out of step."""

    @property
    def drift_ppm(self) -> float:
        """How much faster the loudspeaker's clock runs than the microphone's, as far as it is known."""
        return self._drift * 1e6

    def played(self, pcm: bytes, heard_at: float) -> None:
        """A block for the loudspeaker at its rate, and when its first sample is heard."""
        self._anchor = (heard_at, self._given * self._rate_hz / self._output_hz)
        self._given += len(pcm) // 2
        self._played += self._resampler.process(pcm)
        surplus = len(self._played) // 2 - round(_HISTORY_S * self._rate_hz)
        if surplus > 0:
            del self._played[: 2 * surplus]
            self._base += surplus

    def captured(self, samples: int, at: float) -> None:
        """A block of the microphone: so many samples at its rate, the first of them captured at this time."""
        position, self._captured = self._captured, self._captured + samples * self._to_rate
        if self._anchor is None:
            return
        heard_at, heard = self._anchor
        self._seen.append(heard + (at - heard_at) * self._rate_hz - position)
        if not self._settled:
            self._offset = sum(self._seen) / len(self._seen)
        if len(self._seen) * samples * self._to_rate >= _POINT_S * self._rate_hz:
            self._point(position)

    def take(self, samples: int) -> bytes:
        """What was played during the next so many samples of the microphone; silence where that is not known."""
        ahead = _MARGIN_MS * self._rate_hz / 1000
        begin = self._next + self._offset + ahead - self._base
        self._next += samples
        self._offset += samples * self._drift
        step = 1 + self._drift
        first = int(np.floor(begin)) - 1
        count = int(np.ceil(samples * step)) + 4
        piece = self._piece(first, count)
        if piece is None:
            return bytes(2 * samples)
        self._settled = True
        if self._drift == 0.0:  # whole samples will do
            return piece[1 : 1 + samples].tobytes()
        return _between(piece.astype(np.float64), begin - first + np.arange(samples) * step)

    def _piece(self, first: int, count: int) -> NDArray[np.int16] | None:
        """(count,) int16 from this index of the history on; None where there is nothing but silence."""
        known = samples_of(memoryview(self._played)[2 * max(0, first) : 2 * max(0, first + count)])
        if not known.any():
            return None
        piece = np.zeros(count, "<i2")
        start = max(0, -first)
        piece[start : start + len(known)] = known
        return piece

    def _point(self, position: float) -> None:
        offset = sum(self._seen) / len(self._seen)
        self._seen.clear()
        error = offset - self._offset
        if self._settled and abs(error) > _LEAP_MS * self._rate_hz / 1000:
            self.leaps += 1
            self._offset = offset
            self._points.clear()
        self._points.append((position, offset))
        if len(self._points) >= _ENOUGH_POINTS:
            self._follow_drift()

    def _follow_drift(self) -> None:
        """The slope of the offsets, where it is surely not zero."""
        x, y = np.array(self._points).T
        x = x - x.mean()
        spread = float(x.dot(x))
        slope = float(x.dot(y)) / spread
        rest = y - y.mean() - slope * x
        uncertainty = float(np.sqrt(rest.dot(rest) / (len(x) - 2) / spread))
        if 4 * uncertainty < abs(slope) < _CREDIBLE_DRIFT:
            self._drift = slope
        elif abs(slope) < 2e-6:
            self._drift = 0.0


def _between(known: NDArray[np.floating], at: NDArray[np.floating]) -> bytes:
    """PCM at fractional positions, by cubics through four samples each (Lagrange)."""
    whole = np.floor(at).astype(np.intp)
    t = at - whole
    before, first, second, after = (known[whole + k] for k in (-1, 0, 1, 2))
    values = (
        before * (-t * (t - 1) * (t - 2) / 6)
        + first * ((t + 1) * (t - 1) * (t - 2) / 2)
        + second * (-(t + 1) * t * (t - 2) / 2)
        + after * ((t + 1) * t * (t - 1) / 6)
    )
    clipped: NDArray[np.int16] = np.clip(np.rint(values), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    return clipped.tobytes()
