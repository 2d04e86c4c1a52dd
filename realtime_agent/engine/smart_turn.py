"""smart-turn v3.2: a small model that hears whether a turn is over, as a part of an engine. English and 22 others.

    pip install 'realtime-agent[turn]'
    pip install --no-deps pipecat-ai            # carries the model (8.7 MB, BSD-2); nothing of it is imported
    Engine(ear, brain, voice, turn_end=SmartTurnEnd())

The model is a Whisper-tiny encoder with a classifier on top (https://github.com/pipecat-ai/smart-turn). It reads the
last 8 s as Whisper's log-mel spectrogram (Radford et al., "Robust speech recognition via large-scale weak supervision",
2022, section 2.2) and takes about 35 ms of one core for a decision. It knows no words: what the ear understood is
counted beside it, in equal parts, for a full turn in one sound may hang in the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime_agent.audio.resample import resample
from realtime_agent.engine.turn_end import HEARD_S, probability, words_logit
from realtime_agent.errors import EngineError, MissingExtra

RATE_HZ = 16_000
MODEL_FILE = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
DEADLINE_S = 2.0
_SAMPLES = int(HEARD_S * RATE_HZ)
_WINDOW, _HOP, _BANDS = 400, 160, 80

Judge = Callable[[NDArray[np.float32]], float]


class SmartTurnEnd:
    """Judges turns with smart-turn. Implements `TurnEnd`. Works in one thread of its own, off the event loop."""

    name = "smart-turn-v3.2"

    def __init__(self, model: Path | str | None = None) -> None:
        """`model`: the ONNX file; by default the one in an installed pipecat-ai package."""
        self._path = None if model is None else Path(model)
        self._thread: ThreadPoolExecutor | None = None
        self._judge: Judge | None = None

    async def start(self) -> None:
        """Load the model. Idempotent; after `close` it starts anew.

        Raises:
            MissingExtra: onnxruntime is not installed.
            EngineError: there is no model, or it does not load.
        """
        if self._judge is None:
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="smart-turn")
            path = self._path or installed_model()
            self._judge = await asyncio.get_running_loop().run_in_executor(self._thread, _load, path)

    async def judge(self, pcm: bytes, rate_hz: int, text: str) -> float:
        """The probability that the turn is over.

        Raises:
            EngineError: not started ("not_started"), or too slow ("deadline").
        """
        judge, thread = self._judge, self._thread
        if judge is None or thread is None:
            raise EngineError("smart-turn is not started", code="not_started")
        try:
            async with asyncio.timeout(DEADLINE_S):
                heard = await asyncio.get_running_loop().run_in_executor(
                    thread, lambda: judge(log_mel(_last_seconds(pcm, rate_hz)))
                )
        except TimeoutError:
            raise EngineError(f"smart-turn took longer than {DEADLINE_S:g} s", code="deadline") from None
        return (heard + probability(words_logit(text))) / 2

    async def close(self) -> None:
        """Let the model go, and the thread. Idempotent."""
        thread, self._thread, self._judge = self._thread, None, None
        if thread is not None:
            thread.shutdown(wait=False, cancel_futures=True)


def installed_model() -> Path:
    """Where an installed pipecat-ai keeps the model. Imports nothing of it.

    Raises:
        EngineError: it is not installed, or has it no more.
    """
    package = find_spec("pipecat")
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        path = Path(folder, MODEL_FILE)
        if path.is_file():
            return path
    raise EngineError(
        "smart-turn's model is not installed: pip install --no-deps pipecat-ai, or give its path", code="model_missing"
    )


def _load(path: Path) -> Judge:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra("smart-turn", "turn") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EngineError(f"smart-turn's model does not load ({type(error).__name__})", code="model_missing") from error

    def judge(features: NDArray[np.float32]) -> float:
        return float(session.run(None, {"input_features": features[None]})[0].ravel()[0])

    judge(log_mel(np.zeros(_SAMPLES, dtype=np.float32)))  # the first is slower
    return judge


def _last_seconds(pcm: bytes, rate_hz: int) -> NDArray[np.float32]:
    """The last 8 s at 16 kHz, silence before them where there is less; (128000,) float32."""
    pcm = pcm[: len(pcm) // 2 * 2][-int(HEARD_S * rate_hz) * 2 :]
    narrow = np.frombuffer(resample(pcm, rate_hz, RATE_HZ), "<i2")[-_SAMPLES:].astype(np.float32) / 32768
    return np.concatenate((np.zeros(_SAMPLES - len(narrow), dtype=np.float32), narrow))


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whisper's input: (80, 800) float32 of (128000,) float32, made zero-mean with unit variance first."""
    samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    padded = np.pad(samples.astype(np.float64), _WINDOW // 2, mode="reflect")
    window = np.hanning(_WINDOW + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:-1]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    bands = np.log10(np.maximum(_mel_filters() @ power.T, 1e-10))
    bands = np.maximum(bands, bands.max() - 8.0)
    return np.asarray((bands + 4.0) / 4.0, dtype=np.float32)


@cache
def _mel_filters() -> NDArray[np.float64]:
    """Triangles of equal area on Slaney's mel scale (linear to 1 kHz, logarithmic above); (80, 201)."""
    step = np.log(6.4) / 27
    top = 15 + np.log(RATE_HZ / 2 / 1000) / step
    mels = np.linspace(0, top, _BANDS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15)))[:, None]
    bins = np.linspace(0, RATE_HZ / 2, _WINDOW // 2 + 1)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])
    return np.asarray(filters, dtype=np.float64)
