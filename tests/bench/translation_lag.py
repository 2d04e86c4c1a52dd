"""How far behind the speaker an interpreter is: the server's translation session with the real ear, Apertium and voice.

It runs on audio time: what the engine answers comes where the audio stood when it was asked, plus what it took.

- first sound: from the beginning of the recording to the first sound of the first clause;
- last clause: from the end of the recording to the first sound of the last clause;
- clause: translating and speaking one.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from realtime_agent.audio.resample import resample
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine import Engine, default_engine
from realtime_agent.protocol.translation import TranslationInputAudioAppend, TranslationSessionClose
from realtime_agent.server.core.actions import ClauseEnded, ClauseSpoken, EngineOutput, Heard, Interpret, Transcribe
from realtime_agent.server.shell.interpreting import perform_clause
from realtime_agent.server.shell.runner import make_translation_session
from tests.real_speech import two_cities_path

RATE_HZ = 24_000
FRAME_MS = 20


@dataclass
class _Heard:
    """What was heard of the interpreter."""

    clauses: list[tuple[float, str]] = field(default_factory=list)  # when its sound began, and what was said
    translate_ms: list[float] = field(default_factory=list)


async def _interpret(engine: Engine, pcm: bytes) -> _Heard:
    session = make_translation_session(engine, model="bench")
    heard, now_ms = _Heard(), 0.0

    async def perform() -> None:
        late_ms = 0.0
        while actions := session.actions():
            newest = {action.item_id: action for action in actions if isinstance(action, Transcribe)}
            for wanted in newest.values():
                began = time.perf_counter()
                text = (await engine.ear.transcribe(resample(wanted.pcm, wanted.rate_hz, engine.ear.rate_hz))).text
                late_ms += 1000 * (time.perf_counter() - began)
                session.answer(Heard(wanted.item_id, wanted.revision, text), now_ms / 1000)
            for clause in [action for action in actions if isinstance(action, Interpret)]:
                began = time.perf_counter()
                outputs: list[EngineOutput] = []
                await perform_clause(engine, clause, outputs.append)
                took_ms = 1000 * (time.perf_counter() - began)
                late_ms += took_ms
                heard.translate_ms.append(took_ms)
                if any(isinstance(output, ClauseSpoken) and output.pcm for output in outputs):
                    heard.clauses.append((now_ms + late_ms, clause.text))
                assert isinstance(outputs[-1], ClauseEnded)
                for output in outputs:
                    session.answer(output, now_ms / 1000)

    step = RATE_HZ * FRAME_MS // 1000 * 2
    for offset in range(0, len(pcm), step):
        now_ms += FRAME_MS
        session.receive(TranslationInputAudioAppend(audio=pcm[offset : offset + step]), now_ms / 1000)
        await perform()
    session.receive(TranslationSessionClose(), now_ms / 1000)
    await perform()
    return heard


async def _measure(seconds: float) -> dict[str, Any]:
    if shutil.which("apertium-wblank-mode") is None:
        print("Apertium is not installed")
        return {}
    engine = default_engine()
    await engine.start()
    assert engine.translator is not None
    await engine.translator.translate("Hello.", source="en", target="es")  # starts its pipeline
    speech = read_wav(two_cities_path(), RATE_HZ)[: int(seconds * RATE_HZ) * 2]
    heard = await _interpret(engine, speech + bytes(2 * RATE_HZ))
    await engine.close()
    duration_ms = len(speech) / 2 / RATE_HZ * 1000
    figures = {
        "first_sound_ms": round(heard.clauses[0][0]),
        "last_clause_ms": round(heard.clauses[-1][0] - duration_ms),
        "clause_p50_ms": round(statistics.median(heard.translate_ms), 1),
        "clauses": len(heard.clauses),
    }
    print(
        f"{figures['clauses']} clauses; first sound {figures['first_sound_ms']} ms after the speaker began, last "
        f"clause {figures['last_clause_ms']} ms after the end"
    )
    print(f"translating and speaking a clause: p50 {figures['clause_p50_ms']} ms")
    return figures


def main(argv: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(argv)
    return asyncio.run(_measure(10.0 if options.quick else 44.0))


if __name__ == "__main__":
    main()
