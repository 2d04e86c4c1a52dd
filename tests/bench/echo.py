"""The echo canceller against what can be had packaged: echo removed, false alarms, a person heard through the agent.

The agent's voice is Pico's, ten minutes of it; the person is the reading of A Tale of Two Cities in the moonshine-voice
wheel, 6 dB louder than the echo. Rooms are simulated (`tests/rooms.py`): delay, direct sound, as much reverberation of
0.4 s, and a little noise. The echo is 10 dB softer than what is played. With `livekit` or `pywebrtc-audio` installed
(neither is a dependency) WebRTC's canceller is measured beside ours.

Reach: no false alarm in ten minutes at 30, 110 and 200 ms; a person ducks the agent within 200 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from realtime_agent.audio.echo import EchoCanceller
from realtime_agent.audio.pcm import rms, samples_of
from realtime_agent.audio.resample import resample
from realtime_agent.audio.vad import CascadeDetector
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.ear import MoonshineEar
from realtime_agent.engine.voice import PicoVoice
from tests.bench._rig import table
from tests.bench.ear_wer import REFERENCE, word_errors
from tests.real_speech import two_cities_path
from tests.rooms import RATE_HZ, Signal, echo, level, microphone

_FRAME = 960
_LEAD_S = 8
_PERSON_DB = -4  # relative to the agent's voice as it is played
_SUBJECTS = ("The captain", "A quiet teacher", "The youngest sister", "An honest merchant", "The chief engineer")
_VERBS = ("carried", "repaired", "described", "discovered", "borrowed", "protected", "examined")
_OBJECTS = ("a broken telescope", "several jars of honey", "an ancient violin", "the longest bridge in the valley")
_TAILS = ("before the rain began", "because nobody else would do it", "on the second Thursday of March", "in the fog")

Clean = Callable[[bytes, bytes], bytes]


def _ours(near: bytes, far: bytes) -> bytes:
    canceller = EchoCanceller(RATE_HZ)
    out = []
    for begin in range(0, len(near), _FRAME):
        canceller.far_end(far[begin : begin + _FRAME])
        out.append(canceller.process(near[begin : begin + _FRAME]))
    return b"".join(out)


def _candidates() -> dict[str, Clean]:
    found: dict[str, Clean] = {"nothing": lambda near, _: near, "ours": _ours}
    try:
        from pywebrtc_audio import AudioProcessor
    except ImportError:
        pass
    else:

        def webrtc(near: bytes, far: bytes) -> bytes:
            processor = AudioProcessor(sample_rate=RATE_HZ, echo_cancellation=True)
            pairs = ((samples_of(s[n : n + _FRAME]) for s in (near, far)) for n in range(0, len(near), _FRAME))
            return b"".join(processor.process(*pair).tobytes() for pair in pairs)

        found["pywebrtc-audio"] = webrtc
    try:
        from livekit import rtc
    except ImportError:
        return found

    def livekit(near: bytes, far: bytes) -> bytes:
        module = rtc.AudioProcessingModule(echo_cancellation=True)
        out, size = [], _FRAME // 2
        for begin in range(0, len(near) - size + 1, size):
            played, heard = (
                rtc.AudioFrame(bytearray(side[begin : begin + size]), RATE_HZ, 1, size // 2) for side in (far, near)
            )
            module.process_reverse_stream(played)
            module.process_stream(heard)
            out.append(bytes(heard.data))
        return b"".join(out)

    found["livekit"] = livekit
    return found


async def _agent_speech(seconds: float) -> bytes:
    rng = np.random.default_rng(1)
    voice = PicoVoice()
    await voice.start()
    pcm = bytearray()
    while len(pcm) / 2 / voice.rate_hz < seconds:
        text = " ".join(str(rng.choice(words)) for words in (_SUBJECTS, _VERBS, _OBJECTS, _TAILS)) + "."
        async for clause in voice.speak(text, voice="alloy"):
            pcm += clause.pcm
    await voice.close()
    return resample(bytes(pcm), voice.rate_hz, RATE_HZ)[: round(seconds * RATE_HZ) * 2]


def _speech(pcm: bytes) -> list[bool]:
    detector = CascadeDetector(RATE_HZ)
    return [detector.process(pcm[n : n + _FRAME]) for n in range(0, len(pcm) - _FRAME + 1, _FRAME)]


def _alarms(speech: list[bool]) -> int:
    """Runs of speech more than half a second apart."""
    frames = np.flatnonzero(speech)
    return 0 if not len(frames) else 1 + int((np.diff(frames) > 25).sum())


def _latencies_ms(person_alone: list[bool], cleaned: list[bool]) -> list[int]:
    """How much later the person is heard than without any agent, at each of their onsets."""
    frames = np.flatnonzero(person_alone)
    onsets = [frames[0], *(b for a, b in pairwise(frames) if b - a > 15)]
    return [next((20 * k for k, heard in enumerate(cleaned[at : at + 50]) if heard), 1000) for at in onsets]


async def _errors_percent(ear: MoonshineEar, pcm: bytes) -> float:
    return 100 * word_errors(REFERENCE, (await ear.transcribe(resample(pcm, RATE_HZ, ear.rate_hz))).text)


def _person(agent: Signal) -> Signal:
    words = samples_of(read_wav(two_cities_path(), RATE_HZ)).astype(np.float64)
    words *= level(agent) / level(words) * 10 ** (_PERSON_DB / 20)
    return np.concatenate((np.zeros(_LEAD_S * RATE_HZ), words))


async def _measure(seconds: float, delays_ms: Sequence[int]) -> dict[str, Any]:
    agent = await _agent_speech(seconds)
    person = _person(samples_of(agent).astype(np.float64))
    alone = _speech(microphone(person))
    ear = MoonshineEar()
    await ear.start()
    lead = 2 * (_LEAD_S * RATE_HZ - RATE_HZ // 2)
    figures: dict[str, Any] = {"person alone": {"wer_percent": await _errors_percent(ear, microphone(person)[lead:])}}
    rows: list[tuple[str, ...]] = [
        ("canceller", "room", "echo removed", "false alarms", "heard after p50/max", "word errors", "CPU s/s")
    ]
    rooms = [(f"{delay} ms", {"delay_ms": delay, "seed": delay}) for delay in delays_ms]
    for name, clean in _candidates().items():
        for room, how in [*rooms, ("80 ms, distorting", {"delay_ms": 80, "distortion": 1.5})]:
            near = microphone(echo(agent, **how))  # type: ignore[arg-type]
            began = time.process_time()
            rest = clean(near, agent)
            cpu = (time.process_time() - began) / seconds
            known = 2 * 5 * RATE_HZ
            removed = 20 * np.log10(rms(near[known:]) / max(rms(rest[known:]), 1e-3))
            far = agent[: 2 * len(person)]
            both = clean(microphone(person, echo(far, **how)), far)  # type: ignore[arg-type]
            late = _latencies_ms(alone, _speech(both))
            figure = {
                "removed_db": round(float(removed), 1),
                "false_alarms": _alarms(_speech(rest)),
                "heard_after_ms": [int(np.median(late)), max(late)],
                "wer_percent": round(await _errors_percent(ear, both[lead:]), 1),
                "cpu_s_per_s": round(cpu, 4),
            }
            figures[f"{name}, {room}"] = figure
            rows.append(
                (
                    name,
                    room,
                    f"{figure['removed_db']} dB",
                    str(figure["false_alarms"]),
                    f"{int(np.median(late))}/{max(late)} ms",
                    f"{figure['wer_percent']} %",
                    f"{cpu:.4f}",
                )
            )
    await ear.close()
    print(f"the person alone: {figures['person alone']['wer_percent']:.1f} % word errors")
    table(f"echo at -10 dB, {seconds:g} s of agent speech (reach: 0 false alarms, max 200 ms)", rows)
    return figures


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="echo")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(argv).quick
    return asyncio.run(_measure(60, (110,)) if quick else _measure(600, (30, 110, 200)))


if __name__ == "__main__":
    main()
