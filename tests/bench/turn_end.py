"""Cutting in against waiting: `semantic_vad` and its judges beside plain server VAD, on real speech.

The speech is in the moonshine-voice wheel: A Tale of Two Cities (44 s; one sentence of twelve clauses with pauses
between them) and six short sentences of Beckett's. `--more FOLDER` adds WAV files of one turn each. A pause within a
turn that is as long as the silence asked for is a false cut-in; at the end, the silence is the delay that the person
feels. The recordings are few: read the figures as an order, not as percentages.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime_agent.audio.vad import CascadeDetector
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.ear import MoonshineEar
from realtime_agent.engine.smart_turn import SmartTurnEnd
from realtime_agent.engine.turn_end import HEARD_S, HeuristicTurnEnd, probability, words_logit
from realtime_agent.errors import RealtimeAgentError
from realtime_agent.server.core.turn_end import silence_needed_ms
from tests.bench._rig import table

RATE_HZ = 16_000
_FRAME_BYTES = 640
_FRAME_MS = 20
_PAUSE_FRAMES = 5
_SHORTEST_PAUSE_MS = 200
_FOR_EVER_MS = 100_000
_PIECE_S = 12  # of a turn that the ear hears

Judge = Callable[[bytes, str], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class _Pause:
    heard: bytes
    text: str
    duration_ms: int
    is_end: bool


def main(argv: Sequence[str]) -> dict[str, object]:
    """False cut-ins, delay at the end, and the cost of a verdict, for each way of ending turns."""
    parser = argparse.ArgumentParser(prog="turn_end")
    parser.add_argument("--quick", action="store_true", help="half of the speech")
    parser.add_argument("--more", type=Path, help="a folder of WAV files, each one turn")
    options = parser.parse_args(argv)
    return asyncio.run(_measure(options.quick, options.more))


async def _measure(quick: bool, more: Path | None) -> dict[str, object]:
    pauses = await _pauses(_recordings(quick, more))
    inner = [pause for pause in pauses if not pause.is_end]
    ends = [pause for pause in pauses if pause.is_end]
    figures: dict[str, object] = {"pauses_within": len(inner), "ends": len(ends)}
    rows: list[tuple[str, ...]] = [("turns end", "cut-ins", "delay median", "90 %", "a verdict")]
    for silence_ms in (200, 500, 1000):
        cut = sum(pause.duration_ms >= silence_ms for pause in inner)
        rows.append(
            (f"server_vad {silence_ms} ms", f"{cut} of {len(inner)}", f"{silence_ms} ms", f"{silence_ms} ms", "")
        )
        figures[f"server_vad_{silence_ms}"] = {"cut_ins": cut, "delay_ms": silence_ms}
    heuristic, smart = HeuristicTurnEnd(), SmartTurnEnd()
    judges: dict[str, Judge] = {
        "words": _words,
        "words and prosody": lambda pcm, text: heuristic.judge(pcm, RATE_HZ, text),
    }
    try:
        await smart.start()
        judges["smart-turn and words"] = lambda pcm, text: smart.judge(pcm, RATE_HZ, text)
    except RealtimeAgentError as error:
        print(f"without smart-turn: {error}")
    for name, judge in judges.items():
        began = time.perf_counter()
        verdicts = [(pause, await judge(pause.heard, pause.text)) for pause in pauses]
        cost_ms = 1000 * (time.perf_counter() - began) / len(pauses)
        waits = [(pause, silence_needed_ms(complete, "medium")) for pause, complete in verdicts]
        cut = sum(pause.duration_ms >= wait for pause, wait in waits if not pause.is_end)
        delays = sorted(wait for pause, wait in waits if pause.is_end)
        median, late = statistics.median(delays), delays[int(0.9 * (len(delays) - 1))]
        rows.append((name, f"{cut} of {len(inner)}", f"{median:.0f} ms", f"{late} ms", f"{cost_ms:.1f} ms"))
        figures[name] = {"cut_ins": cut, "delay_ms": median, "delay_p90_ms": late, "verdict_ms": round(cost_ms, 2)}
    await smart.close()
    table(f"ends of turns, eagerness auto: {len(inner)} pauses within, {len(ends)} ends", rows)
    return figures


async def _words(pcm: bytes, text: str) -> float:
    return probability(words_logit(text))


def _recordings(quick: bool, more: Path | None) -> Iterator[tuple[bytes, bool]]:
    """Each with whether every pause in it ends a turn (short sentences), or only the last."""
    import moonshine_voice

    assets = Path(moonshine_voice.__file__).parent / "assets"
    reading = read_wav(assets / "two_cities.wav", RATE_HZ)
    yield reading[len(reading) // 4 * 2 :] if quick else reading, False
    yield read_wav(assets / "beckett.wav", RATE_HZ), True
    for path in sorted(more.glob("**/*.wav")) if more is not None else ():
        yield read_wav(path, RATE_HZ), False


async def _pauses(recordings: Iterator[tuple[bytes, bool]]) -> list[_Pause]:
    ear = MoonshineEar()
    await ear.start()
    pauses = []
    for pcm, all_ends in recordings:
        for heard_bytes, duration_ms in _silences(pcm + bytes(2 * RATE_HZ)):
            turn = pcm[max(0, heard_bytes - _PIECE_S * 2 * RATE_HZ) : heard_bytes]
            text = (await ear.transcribe(turn)).text
            heard = turn[-int(HEARD_S * 2 * RATE_HZ) :]
            pauses.append(_Pause(heard, text, duration_ms, all_ends or duration_ms == _FOR_EVER_MS))
    await ear.close()
    return pauses


def _silences(pcm: bytes) -> Iterator[tuple[int, int]]:
    """Of each pause the place where a session asks for its judgement, and how long it lasted."""
    detector = CascadeDetector(RATE_HZ, threshold=0.5)
    silent, asked_at, spoken = 0, 0, False
    for start in range(0, len(pcm) - _FRAME_BYTES + 1, _FRAME_BYTES):
        if detector.process(pcm[start : start + _FRAME_BYTES]):
            if spoken and silent * _FRAME_MS >= _SHORTEST_PAUSE_MS:
                yield asked_at, silent * _FRAME_MS
            silent, spoken = 0, True
            continue
        silent += 1
        if silent == _PAUSE_FRAMES:
            asked_at = start + _FRAME_BYTES
    if spoken:
        yield asked_at, _FOR_EVER_MS
