"""The curve of `delay`: how early a transcription session shows text, against how much of it turns out wrong.

The session is the server's own, with the real ear and the default speech detector, over 44 s of real speech. It runs on
audio time: a delta's time is where the audio stood when its decode was asked for, and what that decode took.

- first text: from the beginning of speech to its first delta, median over the utterances;
- behind: how long after a word was said it is shown, median over the words (said: spread evenly over the utterance);
- wrong: words of the deltas, joined, that differ from the final transcript, in percent; spelling: also those where only
  case or punctuation does;
- ear: the share of the time in which the ear was at work.

Each level is measured on clean speech and with pink noise at 10 dB.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from realtime_agent.audio.resample import resample
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.ear import MoonshineEar
from realtime_agent.protocol import (
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    InputAudioBufferAppend,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    SessionUpdate,
    TranscriptionSessionConfig,
)
from realtime_agent.server.core.actions import Emit, Heard, Transcribe
from realtime_agent.server.core.transcription.agreement import PATIENCE
from realtime_agent.server.core.transcription.session import TranscriptionSession
from realtime_agent.server.shell.runner import default_detector, random_id
from tests.bench.ear_wer import noisy, words
from tests.real_speech import two_cities_path

RATE_HZ = 24_000
FRAME_MS = 20


@dataclass
class _Utterance:
    start_ms: float = 0.0
    end_ms: float = 0.0
    deltas: list[tuple[float, str]] = field(default_factory=list)
    final: str = ""


class _Run:
    """One pass over the speech at one delay."""

    def __init__(self, ear: MoonshineEar, delay: str) -> None:
        self._ear = ear
        self._session = TranscriptionSession(
            model="bench", expires_at=0, new_id=random_id, make_detector=default_detector
        )
        config = {"audio": {"input": {"transcription": {"delay": delay}}}}
        self._session.receive(SessionUpdate(session=TranscriptionSessionConfig.model_validate(config)), 0.0)
        self._now_ms = 0.0
        self.utterances: dict[str, _Utterance] = {}
        self.decodes = 0
        self.decode_s = 0.0

    async def hear(self, pcm: bytes) -> None:
        step = RATE_HZ * FRAME_MS // 1000 * 2
        for offset in range(0, len(pcm), step):
            self._now_ms += FRAME_MS
            self._session.receive(InputAudioBufferAppend(pcm[offset : offset + step]), self._now_ms / 1000)
            await self._perform()

    async def _perform(self) -> None:
        late_ms = 0.0
        while actions := self._session.actions():
            newest = {action.item_id: action for action in actions if isinstance(action, Transcribe)}
            for action in actions:
                if isinstance(action, Emit):
                    self._note(action.event, late_ms)
            for wanted in newest.values():
                began = time.perf_counter()
                heard = await self._ear.transcribe(resample(wanted.pcm, wanted.rate_hz, self._ear.rate_hz))
                took_s = time.perf_counter() - began
                late_ms += 1000 * took_s
                self.decode_s += took_s
                self.decodes += 1
                self._session.answer(Heard(wanted.item_id, wanted.revision, heard.text), self._now_ms / 1000)

    def _note(self, event: Any, late_ms: float) -> None:
        match event:
            case InputAudioBufferSpeechStarted(item_id=item_id, audio_start_ms=start_ms):
                self.utterances[item_id] = _Utterance(start_ms + 300.0)  # the padding is no speech
            case InputAudioBufferSpeechStopped(item_id=item_id, audio_end_ms=end_ms):
                self.utterances[item_id].end_ms = end_ms - 500.0  # nor is the silence that ends it
            case ConversationItemInputAudioTranscriptionDelta(item_id=item_id, delta=delta):
                self.utterances[item_id].deltas.append((self._now_ms + late_ms, delta or ""))
            case ConversationItemInputAudioTranscriptionCompleted(item_id=item_id, transcript=text):
                self.utterances[item_id].final = text


def differing(one: list[str], other: list[str]) -> int:
    """Substitutions, insertions and deletions between two lists of words."""
    row = list(range(len(other) + 1))
    for line, word in enumerate(one, 1):
        diagonal, row[0] = row[0], line
        for column, against in enumerate(other, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != against))
    return row[-1]


def _figures(run: _Run, duration_s: float) -> dict[str, float]:
    told = [utterance for utterance in run.utterances.values() if utterance.deltas]
    firsts = [utterance.deltas[0][0] - utterance.start_ms for utterance in told]
    behind, wrong, misspelt, total = [], 0, 0, 0
    for utterance in told:
        shown = [(at_ms, word) for at_ms, delta in utterance.deltas for word in delta.split()]
        each_ms = (utterance.end_ms - utterance.start_ms) / len(shown)
        behind += [at_ms - utterance.start_ms - each_ms * (index + 1) for index, (at_ms, _) in enumerate(shown)]
        joined = "".join(delta for _, delta in utterance.deltas)
        wrong += differing(words(joined), words(utterance.final))
        misspelt += differing(joined.split(), utterance.final.split())
        total += len(words(utterance.final))
    return {
        "first_text_ms": round(statistics.median(firsts)),
        "behind_ms": round(statistics.median(behind)),
        "wrong_percent": round(100 * wrong / total, 1),
        "wrong_spelling_percent": round(100 * misspelt / total, 1),
        "decodes_per_s": round(run.decodes / duration_s, 2),
        "ear_share": round(run.decode_s / duration_s, 3),
    }


async def _measure(seconds: float) -> dict[str, Any]:
    ear = MoonshineEar(workers=1)
    await ear.start()
    pcm = read_wav(two_cities_path(), RATE_HZ)[: int(seconds * RATE_HZ) * 2] + bytes(2 * RATE_HZ)
    duration_s = len(pcm) / 2 / RATE_HZ
    await _Run(ear, "medium").hear(pcm[: 6 * RATE_HZ])  # loads and warms everything
    figures: dict[str, Any] = {}
    for what, heard in (("clean", pcm), ("noise 10 dB", noisy(pcm))):
        print(
            f"{what:12} {'first text':>11} {'behind':>9} {'wrong':>7} {'spelling':>9} {'decodes/s':>10} {'ear':>6}",
            flush=True,
        )
        for delay in PATIENCE:
            await ear.close()
            await ear.start()  # each level pays for its own decodes
            run = _Run(ear, delay)
            await run.hear(heard)
            row = figures[f"{what}, {delay}"] = _figures(run, duration_s)
            print(
                f"{delay:12} {row['first_text_ms']:8} ms {row['behind_ms']:6} ms {row['wrong_percent']:5} % "
                f"{row['wrong_spelling_percent']:7} % {row['decodes_per_s']:10} {row['ear_share']:6}",
                flush=True,
            )
    await ear.close()
    return figures


def main(argv: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(argv)
    return asyncio.run(_measure(10.0 if options.quick else 44.0))


if __name__ == "__main__":
    main()
