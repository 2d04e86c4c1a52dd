"""Voice activity detection: is this frame speech?

Two detectors and their cascade. WebRTC's costs 0.0002 CPU seconds a second of audio, hears speech at once, and takes
nine tenths of pink noise for speech too. Silero is hardly ever wrong and costs ten times as much. The default lets the
cheap one listen and asks Silero only while the cheap one hears something.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol, runtime_checkable

from realtime_agent.audio.silero import SileroDetector, SileroModels
from realtime_agent.audio.webrtc import WebRtcDetector

__all__ = [
    "FRAME_MS",
    "CascadeDetector",
    "SileroDetector",
    "SpeechDetector",
    "SpeechProbability",
    "WebRtcDetector",
    "make_detector",
]

FRAME_MS = 20
"""The length of a frame."""


class SpeechDetector(Protocol):
    """Says of each frame whether it is speech. One detector hears one stream."""

    @property
    def rate_hz(self) -> int:
        """The rate of the audio it takes."""

    def process(self, pcm: bytes) -> bool:
        """Whether speech is heard in this frame of `FRAME_MS`; pcm: int16, mono, rate_hz."""

    def reset(self) -> None:
        """Forget the stream so far."""


@runtime_checkable
class SpeechProbability(Protocol):
    """A detector that also says how sure it is."""

    threshold: float
    """At this probability and above, `process` says speech."""

    def probability(self, pcm: bytes) -> float:
        """Like `process`, as a number from 0 to 1. Call one or the other for a frame, never both."""


class CascadeDetector:
    """WebRTC's detector as a gate, Silero behind it.

    The gate opens with the first frame in which WebRTC's detector hears something. Silero then begins with the last
    `preroll_ms` before it, so that its recurrent state is warm and its windows end with the newest frame: its first
    verdict comes with the very frame that opened the gate. The gate closes `hold_ms` after the last frame in which
    either of the two heard something, and Silero's model goes back to the pool (`SileroModels`).

    Where the pool is exhausted, the cheap gate decides alone: rather a false alarm than a deaf agent. One model is
    loaded with the first detector; who holds many streams prepares more (`SileroModels.prepare`), in a thread.

    The default threshold is for hearing an onset quickly: a false alarm costs little, for it only ducks. Real speech is
    found 23-27 ms (median) after it began, in 98-100 % of the cases within 60 ms; at Silero's usual 0.5 it is 30 ms and
    95-100 %. Pink, white and brown noise, hum, clicks and typing stay below 0.1; of 60 random chords 3 passed 0.35.
    """

    def __init__(
        self,
        rate_hz: int,
        *,
        threshold: float = 0.35,
        preroll_ms: float = 400,
        hold_ms: float = 300,
        models: SileroModels | None = None,
    ) -> None:
        self.rate_hz = rate_hz
        self._gate = WebRtcDetector(rate_hz)
        self._silero = SileroDetector(rate_hz, threshold=threshold, models=models)
        self._recent: deque[bytes] = deque(maxlen=max(1, round(preroll_ms / FRAME_MS)))
        self._hold_frames = max(1, round(hold_ms / FRAME_MS))
        self._left = 0  # frames until the gate closes; 0 is closed

    @property
    def threshold(self) -> float:
        """At this probability and above, `process` says speech."""
        return self._silero.threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._silero.threshold = value

    @property
    def open(self) -> bool:
        """Whether the gate is open."""
        return self._left > 0

    def process(self, pcm: bytes) -> bool:
        """Whether speech is heard in this frame."""
        heard = self._gate.process(pcm)
        if not heard and not self._left:  # most frames of most conversations: no more than this
            self._recent.append(pcm)
            return False
        return self._silero.decide(self._listen(pcm, heard=heard))

    def probability(self, pcm: bytes) -> float:
        """How sure Silero is; 0 behind a closed gate."""
        heard = self._gate.process(pcm)
        if not heard and not self._left:
            self._recent.append(pcm)
            return 0.0
        return self._listen(pcm, heard=heard)

    def _listen(self, pcm: bytes, *, heard: bool) -> float:
        if not self._left and not self._silero.warm_up(b"".join(self._recent)):
            return 1.0
        self._recent.append(pcm)
        probability = self._silero.probability(pcm)
        if heard or probability >= self.threshold:
            self._left = self._hold_frames
        else:
            self._left -= 1
            if not self._left:
                self._silero.reset()
        return probability

    def reset(self) -> None:
        """Forget the stream so far."""
        self._left = 0
        self._recent.clear()
        self._gate.reset()
        self._silero.reset()


def make_detector(rate_hz: int) -> SpeechDetector:
    """The default detector for a stream of that rate."""
    return CascadeDetector(rate_hz)
