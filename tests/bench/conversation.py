"""How fast a conversation turns: reply latency, barge-in, and how exact a truncation is.

- reply: the embedded engine in this process answers spoken questions; from the end of speech as detected to the first
  sample of the answer at the sink.
- barge-in: real speech in a quiet room (noise at -60 dBFS), cut so that it begins with its first audible sample; from
  that sample to the sink falling silent.
- truncation: index-coded audio, where each sample says its own number, so that what the sink really played can be read
  off its output; against the `audio_end_ms` that went to the server. One item, and two items queued on a device with
  800 ms of latency.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from statistics import median

import numpy as np

from realtime_agent import Agent, Session, Settings, tool
from realtime_agent.engine import default_engine
from realtime_agent.events import Interrupted, TurnStarted
from realtime_agent.testing.clock import run as run_virtually
from realtime_agent.testing.simulated_user import Line, SimulatedUser, spoken
from realtime_agent.transports.model.embedded import EmbeddedModel
from realtime_agent.transports.user.memory import MemoryUser
from tests.bench._rig import quantile, table
from tests.real_speech import two_cities
from tests.scripted_model import ScriptedModel

_RATE_HZ = 24_000
_QUESTIONS = (
    "Hello, what time is it?",
    "What is seventeen plus twenty five?",
    "Turn on the lights in the kitchen.",
    "What is the date today?",
    "How do you spell necessary?",
    "What can you do?",
    "What is twelve times nine?",
    "Turn off the lights in the bedroom.",
)
_CUTS_MS = (40, 333, 999, 1500, 2040, 3777)


@tool
async def lights(room: str, on: bool) -> str:
    """Turn the lights in a room on or off."""
    return f"The lights in the {room} are {'on' if on else 'off'}."


async def reply_latencies(questions: Sequence[str]) -> list[float]:
    """Milliseconds of each answer."""
    engine = default_engine()
    await engine.start()
    try:
        lines = [Line(await spoken(engine.voice, text, voice_name="en-GB")) for text in questions]
        user = SimulatedUser(lines)
        async with Session(Agent(tools=[lights]), model=EmbeddedModel(engine), user=user) as session:
            return [
                event.latency_s * 1000
                async for event in session
                if isinstance(event, TurnStarted) and event.latency_s is not None
            ]
    finally:
        await engine.close()


class _StopWatch(MemoryUser):
    """Knows when it was silenced."""

    silenced_at: float | None = None

    def duck(self) -> None:
        self._stop()
        super().duck()

    def flush(self) -> int:
        self._stop()
        return super().flush()

    def _stop(self) -> None:
        if self.silenced_at is None:
            self.silenced_at = asyncio.get_running_loop().time()


async def barge_ins(onsets: Sequence[bytes]) -> list[float]:
    """Milliseconds from the first sample of each piece of speech to silence at the sink."""
    figures = []
    loop = asyncio.get_running_loop()
    for speech in onsets:
        model, user = ScriptedModel(), _StopWatch(open_mic=True, keep_s=0)
        async with Session(Agent(), model=model, user=user):
            model.answer("A long answer.", bytes(_RATE_HZ * 2 * 10))
            await user.speak(in_a_room(bytes(_RATE_HZ * 2)))  # a second of nothing but the room first
            began = loop.time()  # the first frame of the speech begins where the last of the room ended
            await user.speak(in_a_room(speech))
        if user.silenced_at is not None:
            figures.append((user.silenced_at - began) * 1000)
        else:
            figures.append(float("inf"))
    return figures


def in_a_room(pcm: bytes) -> bytes:
    """The same with noise at -60 dBFS, as any microphone has."""
    samples = np.frombuffer(pcm, dtype="<i2")
    noise = np.random.default_rng(len(pcm)).normal(0, 32_768 / 1000, len(samples))
    return (samples + noise).clip(-32_768, 32_767).astype("<i2").tobytes()


def indexed(start: int, samples: int) -> bytes:
    """Samples that say their own number: two int16 of base 32,000 a pair would be exact; one is, modulo 32,000."""
    return (np.arange(start, start + samples, dtype=np.int64) % 32_000 + 1).astype("<i2").tobytes()


async def truncation_error_ms(cut_ms: int, *, latency_ms: float, items: int) -> float:
    """How far what the server was told is from what the sink played, for the item that was being heard."""
    model, user = ScriptedModel(), MemoryUser(latency_ms=latency_ms, keep_s=60)
    async with Session(Agent(), model=model, user=user, settings=Settings(duck=False)) as session:
        for item in range(items):
            model.answer("Words and words.", indexed(0, 5 * _RATE_HZ), response_id=f"r{item}", item_id=f"i{item}")
        await asyncio.sleep((cut_ms + latency_ms) / 1000)
        model.emit("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_u1")
        await asyncio.sleep(2)
        heard = np.frombuffer(user.take_heard(), dtype="<i2")
        event = None
        while not isinstance(event, Interrupted):
            event = await anext(session)
    told = model.sent_of("conversation.item.truncate")
    deleted = [event["item_id"] for event in model.sent_of("conversation.item.delete")]
    assert [event["item_id"] for event in told] == ["i0"], told
    assert deleted == [f"i{item}" for item in range(1, items)], deleted
    played = int(np.count_nonzero(heard))
    return abs(float(told[0]["audio_end_ms"]) - played * 1000 / _RATE_HZ)


def main(argv: Sequence[str]) -> dict[str, object]:
    """All three."""
    parser = argparse.ArgumentParser(prog="conversation")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(argv).quick
    replies = sorted(asyncio.run(reply_latencies(_QUESTIONS[:3] if quick else _QUESTIONS * 2)))
    onsets = sorted(asyncio.run(barge_ins(two_cities()[: 4 if quick else 12])))
    one = max(run_virtually(truncation_error_ms(cut, latency_ms=0, items=1)) for cut in _CUTS_MS)
    two = max(run_virtually(truncation_error_ms(cut, latency_ms=800, items=2)) for cut in _CUTS_MS)
    table(
        "A conversation, in milliseconds",
        [
            ("what", "median", "p90", "max", "reach"),
            ("end of speech to first sample", *_figures(replies), "median ≤ 300"),
            ("first speech sample to silence", *_figures(onsets), "≤ 60 + device block"),
            ("truncation error, one item", "", "", f"{one:.2f}", "≤ 20"),
            ("truncation error, two items, 800 ms device", "", "", f"{two:.2f}", "≤ 20"),
        ],
    )
    return {
        "reply_ms": replies,
        "barge_in_ms": onsets,
        "truncation_error_ms": one,
        "truncation_error_two_items_800_ms": two,
    }


def _figures(ordered: list[float]) -> tuple[str, str, str]:
    return f"{median(ordered):.0f}", f"{quantile(ordered, 0.9):.0f}", f"{ordered[-1]:.0f}"
