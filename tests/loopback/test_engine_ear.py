"""The ear with its real model: what it understands, and how it behaves when asked too much."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.ear import MoonshineEar
from realtime_agent.errors import EngineError, MissingExtra

RATE_HZ = MoonshineEar.rate_hz


@pytest.fixture(scope="module")
def dickens() -> bytes:
    """Real speech, 44 s: the opening of A Tale of Two Cities."""
    moonshine_voice = pytest.importorskip("moonshine_voice")
    return read_wav(Path(moonshine_voice.__file__).parent / "assets" / "two_cities.wav", RATE_HZ)


@pytest.fixture
async def ear() -> AsyncIterator[MoonshineEar]:
    ear = MoonshineEar(workers=1)
    await ear.start()
    yield ear
    await ear.close()


def _seconds(pcm: bytes, start_s: float, end_s: float) -> bytes:
    return pcm[int(start_s * RATE_HZ) * 2 : int(end_s * RATE_HZ) * 2]


async def _closes(ear: MoonshineEar) -> None:
    await ear.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ear-")]


async def test_a_person_is_understood(ear: MoonshineEar, dickens: bytes) -> None:
    heard = await ear.transcribe(_seconds(dickens, 0.5, 5.0))
    assert "best of times" in heard.text.lower()
    assert "worst of times" in heard.text.lower()


async def test_what_is_no_speech_has_no_text(ear: MoonshineEar) -> None:
    noise = np.random.default_rng(0).normal(0, 1500, 2 * RATE_HZ).astype("<i2").tobytes()
    for pcm in (b"", b"\0", bytes(2000), bytes(4 * RATE_HZ), noise, noise[:2000]):
        assert (await ear.transcribe(pcm)).text == ""


async def test_silence_after_an_utterance_costs_no_second_decoding(ear: MoonshineEar, dickens: bytes) -> None:
    spoken = _seconds(dickens, 0.5, 2.7) + bytes(RATE_HZ)
    first = await ear.transcribe(spoken)
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await ear.transcribe(spoken + bytes(RATE_HZ)) == first
    assert loop.time() - started < 0.03  # decoding takes longer than this


async def test_the_event_loop_goes_on_while_the_ear_listens(ear: MoonshineEar, dickens: bytes) -> None:
    listening = asyncio.create_task(_transcribed(ear, _seconds(dickens, 0, 20)))
    turns = 0
    while not listening.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert "age of wisdom" in listening.result().lower()
    assert turns > 20


async def _transcribed(ear: MoonshineEar, pcm: bytes) -> str:
    return (await ear.transcribe(pcm)).text


async def test_many_sessions_at_once_each_get_their_own_words(dickens: bytes) -> None:
    ear = MoonshineEar(workers=2)
    await ear.start()
    clips = [_seconds(dickens, start, start + 1.5) for start in (1, 5, 10, 13, 20)]
    alone = [await _transcribed(ear, clip) for clip in clips]
    await ear.close()
    await ear.start()  # with nothing remembered
    together = await asyncio.gather(*(_transcribed(ear, clip) for clip in clips * 2))
    assert together == alone * 2
    await _closes(ear)


async def test_more_than_may_wait_is_refused_at_once(dickens: bytes) -> None:
    ear = MoonshineEar(workers=1, max_waiting=2)
    await ear.start()
    tasks = [asyncio.create_task(_transcribed(ear, _seconds(dickens, start, start + 4))) for start in range(6)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, EngineError)]
    assert {error.code for error in refused} == {"overloaded"}
    assert 2 <= len([outcome for outcome in outcomes if isinstance(outcome, str)]) <= 4
    await _closes(ear)


async def test_a_cancelled_wish_gives_up_its_place(dickens: bytes) -> None:
    ear = MoonshineEar(workers=1, max_waiting=1)
    await ear.start()
    busy = asyncio.create_task(_transcribed(ear, dickens))
    await asyncio.sleep(0.05)  # the worker takes it
    older_partial = asyncio.create_task(_transcribed(ear, _seconds(dickens, 1, 3)))
    await asyncio.sleep(0)
    older_partial.cancel()
    newer_partial = asyncio.create_task(_transcribed(ear, _seconds(dickens, 1, 4)))
    await asyncio.sleep(0)
    busy.cancel()  # 44 s of speech: it stops at its next piece
    assert "best of times" in (await newer_partial).lower()
    outcomes = await asyncio.gather(busy, older_partial, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    await _closes(ear)


async def test_an_ear_that_is_too_slow_says_so(dickens: bytes) -> None:
    ear = MoonshineEar(workers=1, deadline_s=0.05)
    await ear.start()
    with pytest.raises(EngineError) as caught:
        await ear.transcribe(dickens)
    assert caught.value.code == "deadline"
    await _closes(ear)


async def test_closing_fails_what_waits_and_leaves_no_thread(dickens: bytes) -> None:
    ear = MoonshineEar(workers=1)
    await ear.start()
    await ear.start()  # idempotent
    tasks = [asyncio.create_task(_transcribed(ear, _seconds(dickens, start, start + 6))) for start in (0, 6, 12)]
    await asyncio.sleep(0.05)
    await _closes(ear)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome.code for outcome in outcomes if isinstance(outcome, EngineError)] == ["closed", "closed"]
    await ear.close()  # idempotent
    with pytest.raises(EngineError) as caught:
        await ear.transcribe(bytes(32000))
    assert caught.value.code == "not_started"


async def test_another_language_is_refused(ear: MoonshineEar) -> None:
    with pytest.raises(EngineError) as caught:
        await ear.transcribe(bytes(32000), language="de")
    assert caught.value.code == "unsupported_language"
    assert (await ear.transcribe(bytes(32000), language="en-GB")).text == ""


async def test_an_ear_without_its_model_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moonshine_voice", None)
    ear = MoonshineEar()
    with pytest.raises(MissingExtra, match=r"realtime-agent\[engine\]"):
        await ear.start()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ear-")]


async def test_a_model_that_does_not_load_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    moonshine_voice = pytest.importorskip("moonshine_voice")
    monkeypatch.setattr(moonshine_voice, "get_model_path", lambda name: tmp_path / name)
    with pytest.raises(EngineError, match=r"must be 0\.1\.0"):
        await MoonshineEar(workers=1).start()
