"""WebRTC's voice activity detector (webrtcvad-wheels): cheap, quick, and fond of noise."""

from __future__ import annotations

import numpy as np

from realtime_agent.audio.decimate import Decimator
from realtime_agent.audio.pcm import FULL_SCALE
from realtime_agent.errors import ConfigError, MissingExtra

try:
    import webrtcvad
except ImportError as missing:
    raise MissingExtra("Voice activity detection", "audio") from missing

_RATE_HZ = 8_000  # the lowest rate it takes: 1 µs a frame, against 17 µs at 48 kHz
_INT16 = np.dtype("<i2")
_QUIETEST_DBFS = -60.0
_LOUDEST_START_DBFS = -45.0  # a stream that begins with speech must not take it for the room
_MARGIN = 10**0.3  # 3 dB: more would find the first frame of a word too late
_RISE_A_FRAME = 10 ** (0.3 * 0.02)  # 3 dB a second; between two words of speech it does not come far


class WebRtcDetector:
    """WebRTC's detector at 8 kHz behind an energy floor that follows the room.

    The floor is the room's noise by minimum statistics (after R. Martin, 2001, without its smoothing): it falls with
    the quietest frame and rises by 3 dB a second. A frame less than 3 dB above it is silence and costs next to nothing,
    so that a fan or a street behind the window does not hold the gate open.

    Args:
        rate_hz: rate of the audio; 8 kHz or more.
        mode: 0 (hears most) to 3 (hears least).
    """

    def __init__(self, rate_hz: int, *, mode: int = 2) -> None:
        if rate_hz < _RATE_HZ or rate_hz % 50:
            raise ConfigError(f"Speech is detected at 8 kHz and above, in frames of 20 ms; not at {rate_hz} Hz.")
        self.rate_hz = rate_hz
        self._mode = mode
        self._room: float
        self._vad: webrtcvad.Vad
        self._decimator: Decimator | None
        self._quietest = _mean_square(_QUIETEST_DBFS) / _MARGIN
        self.reset()

    def process(self, pcm: bytes) -> bool:
        """Whether this frame may be speech."""
        samples = np.frombuffer(pcm, _INT16).astype(np.float32)
        power = float(samples.dot(samples)) / (len(samples) or 1)
        room = self._room * _RISE_A_FRAME
        if power < room:
            room = power if power > self._quietest else self._quietest
        self._room = room
        if power < room * _MARGIN:
            return False
        if self._decimator is not None:
            narrow = self._decimator.process(samples)
            np.minimum(narrow, FULL_SCALE - 1, out=narrow)  # `np.clip` costs three times as much
            np.maximum(narrow, -FULL_SCALE, out=narrow)
            pcm = narrow.astype("<i2").tobytes()
        return bool(self._vad.is_speech(pcm, _RATE_HZ))

    def reset(self) -> None:
        """Forget the stream so far."""
        self._room = _mean_square(_LOUDEST_START_DBFS)
        self._vad = webrtcvad.Vad(self._mode)
        self._decimator = Decimator(self.rate_hz, _RATE_HZ) if self.rate_hz != _RATE_HZ else None


def _mean_square(dbfs: float) -> float:
    return float((FULL_SCALE * 10 ** (dbfs / 20)) ** 2)
