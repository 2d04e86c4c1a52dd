"""How well, how fast and how unobtrusively the embedded ear hears: word errors, real-time factor, partials, loop stall.

The speech is real and in the moonshine-voice wheel: the opening of A Tale of Two Cities (Dickens, 1859; public domain),
read by a person, 44 s. It is also heard through noise and through a telephone.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from realtime_agent.audio.resample import resample
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.ear import MoonshineEar

RATE_HZ = MoonshineEar.rate_hz
REFERENCE = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of "
    "Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing "
    "before us, we were all going direct to Heaven, we were all going direct the other way - in short, the period was "
    "so far like the present period, that some of its noisiest authorities insisted on its being received, for good or "
    "for evil, in the superlative degree of comparison only."
)
REACH_WER_PERCENT = 15.0
PARTIAL_EVERY_S = 0.4


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def word_errors(reference: str, heard: str) -> float:
    """Substitutions, insertions and deletions, per word of the reference."""
    wanted, got = words(reference), words(heard)
    row = list(range(len(got) + 1))
    for line, word in enumerate(wanted, 1):
        diagonal, row[0] = row[0], line
        for column, other in enumerate(got, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1] / len(wanted)


async def _measure(partials_until_s: float) -> dict[str, Any]:
    import moonshine_voice

    pcm = read_wav(Path(moonshine_voice.__file__).parent / "assets" / "two_cities.wav", RATE_HZ)
    duration_s = len(pcm) / 2 / RATE_HZ
    started = time.perf_counter()
    ear = MoonshineEar()
    await ear.start()
    figures: dict[str, Any] = {"start_s": round(time.perf_counter() - started, 3)}
    print(f"start: {figures['start_s']} s")
    for name, heard_pcm in (("clean", pcm), ("noise 10 dB", noisy(pcm)), ("telephone", _telephone(pcm))):
        wall, cpu = time.perf_counter(), time.process_time()
        heard = (await ear.transcribe(heard_pcm)).text
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        wer_percent = 100 * word_errors(REFERENCE, heard)
        figures[name] = {"wer_percent": round(wer_percent, 1), "rtf": round(wall / duration_s, 4)}
        print(f"{name}: WER {wer_percent:.1f} %, real-time factor {wall / duration_s:.3f}, CPU {cpu / duration_s:.3f}")
    print(f"reach: clean WER <= {REACH_WER_PERCENT} %")
    figures["final_2600_ms"] = await _final(ear, pcm)
    figures["partials"] = await _partials(ear, pcm, partials_until_s)
    figures["loop_stall_ms"] = await _stall(ear, pcm)
    await ear.close()
    return figures


async def _final(ear: MoonshineEar, pcm: bytes) -> dict[str, float]:
    """The time to the text of 2.6 s that were never heard before."""
    times = []
    for number in range(20):
        start = 2 * int(RATE_HZ * (1.0 + number * 0.37))
        began = time.perf_counter()
        await ear.transcribe(pcm[start : start + 2 * int(2.6 * RATE_HZ)])
        times.append(1000 * (time.perf_counter() - began))
    return _quantiles("final text of 2.6 s", times)


async def _partials(ear: MoonshineEar, pcm: bytes, until_s: float) -> dict[str, float]:
    """The time of each partial as one utterance grows, and of its final text after 0.5 s of silence."""
    start = 2 * 24 * RATE_HZ
    times = []
    for step in range(1, int(until_s / PARTIAL_EVERY_S) + 1):
        began = time.perf_counter()
        await ear.transcribe(pcm[start : start + 2 * int(step * PARTIAL_EVERY_S * RATE_HZ)])
        times.append(1000 * (time.perf_counter() - began))
    figures = _quantiles(f"partials of an utterance growing to {until_s:g} s", times)
    spoken = pcm[start : start + 2 * int(until_s * RATE_HZ)] + bytes(2 * RATE_HZ * 3 // 10)
    await ear.transcribe(spoken)  # the partial that falls into the silence which ends the turn
    began = time.perf_counter()
    await ear.transcribe(spoken + bytes(2 * RATE_HZ // 5))
    figures["final_ms"] = round(1000 * (time.perf_counter() - began), 1)
    print(f"  final text after a partial in the closing silence: {figures['final_ms']} ms")
    return figures


async def _stall(ear: MoonshineEar, pcm: bytes) -> dict[str, float]:
    """How late the event loop is while the ear is at work."""
    start = 2 * 3 * RATE_HZ  # cut elsewhere than before, so that nothing is remembered
    work = asyncio.create_task(ear.transcribe(pcm[start:]))
    late = []
    while not work.done():
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        late.append(1000 * (time.perf_counter() - began - 0.005))
    await work
    return _quantiles("event loop lateness while decoding", late)


def _quantiles(what: str, values_ms: list[float]) -> dict[str, float]:
    ordered = sorted(values_ms)
    p50, p99 = statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    print(f"{what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, n {len(ordered)}")
    return {"p50_ms": round(p50, 1), "p99_ms": round(p99, 1)}


def noisy(pcm: bytes) -> bytes:
    """Pink noise at 10 dB below the speech."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=len(samples)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(samples))
    noise *= samples.std() / noise.std() * 10 ** (-10 / 20)
    return np.asarray((samples + noise).clip(-32768, 32767), "<i2").tobytes()


def _telephone(pcm: bytes) -> bytes:
    return resample(resample(pcm, RATE_HZ, 8000), 8000, RATE_HZ)


def main(argv: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(argv)
    return asyncio.run(_measure(4.0 if options.quick else 20.0))


if __name__ == "__main__":
    main()
