"""What noise reduction does for detectors, would do to the ear, and costs: real speech in pink noise.

The word errors are the reason why a session's ear hears its sound as it came.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from realtime_agent.audio.noise import NoiseSuppressor
from realtime_agent.audio.resample import resample
from realtime_agent.audio.vad import WebRtcDetector
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.ear import MoonshineEar
from realtime_agent.server.core.settings import Field
from tests.bench._rig import table
from tests.bench.ear_wer import REFERENCE, word_errors

RATE_HZ = 24_000
_FRAME_BYTES = 960
_LEAD_S = 2
_FIELDS: tuple[Field | None, ...] = (None, "near_field", "far_field")


def main(argv: Sequence[str]) -> dict[str, object]:
    """Word errors clean and at 10 and 5 dB, and the share of noise that a cheap detector takes for speech."""
    parser = argparse.ArgumentParser(prog="noise_reduction")
    parser.add_argument("--quick", action="store_true", help="10 dB only")
    quick = parser.parse_args(argv).quick
    return asyncio.run(_measure((10.0,) if quick else (None, 10.0, 5.0)))


async def _measure(ratios_db: Sequence[float | None]) -> dict[str, object]:
    import moonshine_voice

    speech = read_wav(Path(moonshine_voice.__file__).parent / "assets" / "two_cities.wav", RATE_HZ)
    ear = MoonshineEar()
    await ear.start()
    names = ["clean" if ratio is None else f"{ratio:g} dB" for ratio in ratios_db]
    rows: list[tuple[str, ...]] = [("", *(f"word errors, {name}" for name in names), "pink noise is speech", "CPU s/s")]
    figures: dict[str, object] = {}
    for field in _FIELDS:
        errors = []
        for ratio in ratios_db:
            heard = (await ear.transcribe(resample(_clean(_in_noise(speech, ratio), field), RATE_HZ, ear.rate_hz))).text
            errors.append(100 * word_errors(REFERENCE, heard))
        noise = _in_noise(bytes(len(speech)), 0.0)
        began = time.process_time()
        cleaned = _clean(noise, field)
        cost = (time.process_time() - began) / (len(noise) / 2 / RATE_HZ)
        share = _called_speech(cleaned)
        rows.append((field or "as it came", *(f"{error:.1f} %" for error in errors), f"{share:.1%}", f"{cost:.4f}"))
        figures[field or "off"] = {
            "wer_percent": dict(zip(names, [round(error, 1) for error in errors], strict=True)),
            "noise_called_speech": round(share, 4),
            "cpu_s_per_s": round(cost, 5),
        }
    await ear.close()
    table("noise reduction: 44 s of reading in pink noise", rows)
    return figures


def _clean(pcm: bytes, field: Field | None) -> bytes:
    if field is None:
        return pcm
    suppressor = NoiseSuppressor(RATE_HZ, field)
    return b"".join(suppressor.process(pcm[at : at + _FRAME_BYTES]) for at in range(0, len(pcm), _FRAME_BYTES))


def _in_noise(pcm: bytes, ratio_db: float | None) -> bytes:
    """After two seconds of the same noise; without speech, noise of a usual level."""
    speech = np.concatenate((np.zeros(_LEAD_S * RATE_HZ), np.frombuffer(pcm, "<i2").astype(np.float64)))
    if ratio_db is None:
        return np.asarray(speech, "<i2").tobytes()
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=len(speech)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(speech))
    level = speech[_LEAD_S * RATE_HZ :].std() * 10 ** (-ratio_db / 20) or 1000.0
    return np.asarray((speech + noise * level / noise.std()).clip(-32768, 32767), "<i2").tobytes()


def _called_speech(pcm: bytes) -> float:
    detector = WebRtcDetector(RATE_HZ)
    frames = [pcm[at : at + _FRAME_BYTES] for at in range(0, len(pcm) - _FRAME_BYTES + 1, _FRAME_BYTES)]
    return sum(map(detector.process, frames)) / len(frames)
