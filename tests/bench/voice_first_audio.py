"""How soon the embedded voice speaks: from `speak()` to the first sample in hand, process and pipes included."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from typing import Any

from realtime_agent.engine.voice import PicoVoice

TEN_WORDS = "I would like to book a small table for two."
SENTENCES = (
    TEN_WORDS,
    "The weather in Berlin is fine today, with some sun.",
    "Please tell me what time the next train leaves here.",
)
REACH_P50_MS = 20.0


async def _measure(times: int) -> dict[str, Any]:
    started = time.perf_counter()
    voice = PicoVoice()
    await voice.start()
    figures: dict[str, Any] = {"start_ms": round(1000 * (time.perf_counter() - started), 1)}
    first_ms: list[float] = []
    spoken_s = 0.0
    for number in range(times):
        began = time.perf_counter()
        async for clause in voice.speak(SENTENCES[number % len(SENTENCES)], voice="alloy"):
            first_ms.append(1000 * (time.perf_counter() - began))
            spoken_s += len(clause.pcm) / 2 / voice.rate_hz
    await voice.close()
    first_ms.sort()
    figures["p50_ms"] = round(statistics.median(first_ms), 1)
    figures["p99_ms"] = round(first_ms[int(0.99 * len(first_ms))], 1)
    figures["rtf"] = round(sum(first_ms) / 1000 / spoken_s, 4)
    print(f"start {figures['start_ms']} ms; first audio of ten words: p50 {figures['p50_ms']} ms,", end=" ")
    print(f"p99 {figures['p99_ms']} ms (reach: p50 <= {REACH_P50_MS:g} ms); real-time factor {figures['rtf']}")
    return figures


def main(argv: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(argv)
    return asyncio.run(_measure(20 if options.quick else 200))


if __name__ == "__main__":
    main()
