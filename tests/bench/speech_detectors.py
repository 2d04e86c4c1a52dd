"""What each stage of voice activity detection costs, and what it takes for speech."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from importlib.resources import files

import numpy as np

from realtime_agent.audio.vad import CascadeDetector, SileroDetector, SpeechDetector, WebRtcDetector
from realtime_agent.audio.wavfile import read_wav
from tests.bench._rig import table

_RATE_HZ = 24_000
_FRAME_BYTES = 960
_DETECTORS: dict[str, Callable[[int], SpeechDetector]] = {
    "webrtc": WebRtcDetector,
    "silero": SileroDetector,
    "cascade": CascadeDetector,
}


def main(argv: Sequence[str]) -> dict[str, object]:
    """CPU seconds a second of audio, and the share of frames called speech, for each detector and sound."""
    parser = argparse.ArgumentParser(prog="speech_detectors")
    parser.add_argument("--quick", action="store_true")
    seconds = 5 if parser.parse_args(argv).quick else 40
    figures: dict[str, object] = {}
    rows: list[tuple[str, ...]] = [("detector", "sound", "CPU s a second", "called speech")]
    for name, make in _DETECTORS.items():
        for sound, pcm in _sounds(seconds).items():
            cost, share = _measure(make(_RATE_HZ), pcm)
            rows.append((name, sound, f"{cost:.5f}", f"{share:.1%}"))
            figures[f"{name}, {sound}"] = {"cpu_s_per_s": cost, "called_speech": share}
    table("voice activity detection (the cascade in silence: ≤ 0.0003)", rows)
    return figures


def _measure(detector: SpeechDetector, pcm: bytes) -> tuple[float, float]:
    frames = [pcm[n : n + _FRAME_BYTES] for n in range(0, len(pcm) - _FRAME_BYTES + 1, _FRAME_BYTES)]
    started = time.process_time()
    speech = sum(detector.process(frame) for frame in frames)
    return (time.process_time() - started) / (len(frames) * 0.02), speech / len(frames)


def _sounds(seconds: int) -> dict[str, bytes]:
    rng = np.random.default_rng(1)
    n = _RATE_HZ * seconds
    pink = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) / np.sqrt(np.maximum(np.arange(n // 2 + 1), 1)), n)
    return {
        "silence": bytes(2 * n),
        "hiss at -70 dB": bytes((rng.standard_normal(n) * 10).astype("<i2").data),
        "hiss at -50 dB": bytes((rng.standard_normal(n) * 100).astype("<i2").data),
        "pink noise": bytes((pink / np.abs(pink).max() * 10_000).astype("<i2").data),
        "speech": read_wav(str(files("moonshine_voice") / "assets" / "two_cities.wav"))[: 2 * n],
    }
