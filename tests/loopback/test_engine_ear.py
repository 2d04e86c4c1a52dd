"""The ear with its real model: what it understands, how it behaves when asked too much, and how it survives itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from realtime_agent.audio.resample import resample
from realtime_agent.audio.wavfile import read_wav
from realtime_agent.engine.ear import MoonshineEar, MoonshineSession
from realtime_agent.engine.moonshine import Moonshine
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
    pids = ear.pids
    await ear.close()
    assert not ear.pids
    assert not any(map(_runs, pids))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


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


async def test_closing_fails_what_waits_and_leaves_no_process(dickens: bytes) -> None:
    ear = MoonshineEar(workers=1)
    await ear.start()
    await ear.start()  # idempotent
    tasks = [asyncio.create_task(_transcribed(ear, _seconds(dickens, start, start + 6))) for start in (0, 6, 12)]
    await asyncio.sleep(0.05)
    await _closes(ear)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome.code for outcome in outcomes if isinstance(outcome, EngineError)] == ["closed"] * 3
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
    assert not ear.pids


def test_a_model_that_does_not_load_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    moonshine_voice = pytest.importorskip("moonshine_voice")
    monkeypatch.setattr(moonshine_voice, "get_model_path", lambda name: tmp_path / name)
    with pytest.raises(EngineError, match=r"must be 0\.1\.0"):
        Moonshine()


async def test_what_a_worker_says_of_its_failed_start_is_the_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "moonshine_voice"
    package.mkdir()
    (package / "__init__.py").write_text("raise OSError('no such instruction')")
    monkeypatch.syspath_prepend(tmp_path)
    ear = MoonshineEar(workers=2)
    with pytest.raises(EngineError, match="no such instruction"):
        await ear.start()
    assert not ear.pids


@pytest.mark.parametrize("rate_hz", [8_000, 24_000])
async def test_a_session_sends_only_what_is_not_settled_and_gets_all_the_words(
    ear: MoonshineEar, dickens: bytes, monkeypatch: pytest.MonkeyPatch, rate_hz: int
) -> None:
    sent: list[int] = []
    ask = MoonshineSession._ask

    async def counted(self: MoonshineSession, request: bytes, cost: float, urgent: bool) -> bytes:
        sent.append(len(request))
        return await ask(self, request, cost, urgent)

    monkeypatch.setattr(MoonshineSession, "_ask", counted)
    session = ear.for_session()
    pcm = resample(dickens, RATE_HZ, rate_hz)
    for end_s in (9, 13, 17, 21):
        sent.clear()
        heard = await session.transcribe(pcm[: end_s * rate_hz * 2], rate_hz=rate_hz, utterance="item", urgent=False)
        assert sent[-1] <= 12.6 * rate_hz * 2
    assert len(sent) <= 2  # one piece to settle, and the tail
    assert "best of times" in heard.text.lower()
    assert "incredulity" in heard.text.lower()
    other = await session.transcribe(pcm[: 3 * rate_hz * 2], rate_hz=rate_hz, utterance="next", urgent=True)
    assert "incredulity" not in other.text.lower()


async def test_what_died_with_its_worker_is_heard_by_another(dickens: bytes) -> None:
    ear = MoonshineEar(workers=2)
    await ear.start()
    first, second = ear.pids
    sessions = [ear.for_session() for _ in range(4)]
    clips = [_seconds(dickens, start, start + 5) for start in (0, 6, 10, 15)]
    hearing = [
        asyncio.create_task(session.transcribe(clip, rate_hz=RATE_HZ, utterance="", urgent=True))
        for session, clip in zip(sessions, clips, strict=True)
    ]
    await _until(lambda: not sessions[0].waits)
    os.kill(first, signal.SIGSEGV)
    heard = [transcript.text for transcript in await asyncio.gather(*hearing)]
    assert "best of times" in heard[0].lower()
    assert all(heard)
    await _until(lambda: len(ear.pids) == 2)
    assert second in ear.pids
    assert first not in ear.pids
    await _closes(ear)


async def test_a_worker_that_hangs_is_killed_and_the_next_sound_is_heard(dickens: bytes) -> None:
    ear = MoonshineEar(workers=1, piece_deadline_s=1.5)
    await ear.start()
    hung = ear.pids[0]
    os.kill(hung, signal.SIGSTOP)
    assert "best of times" in (await ear.transcribe(_seconds(dickens, 0.5, 3.0))).text.lower()
    assert not _runs(hung)
    await _closes(ear)


async def test_an_ear_that_keeps_dying_fails_instead_of_forking_for_ever(dickens: bytes) -> None:
    ear = MoonshineEar(workers=1, max_restarts=1)
    await ear.start()
    os.kill(ear.pids[0], signal.SIGKILL)
    assert (await ear.transcribe(_seconds(dickens, 0.5, 3.0))).text
    os.kill(ear.pids[0], signal.SIGKILL)
    with pytest.raises(EngineError) as caught:
        await ear.transcribe(_seconds(dickens, 3.0, 5.0))
    assert caught.value.code == "ear_lost"
    await _closes(ear)


async def test_partials_of_many_do_not_hold_up_the_words_that_somebody_waits_for(dickens: bytes) -> None:
    ear = MoonshineEar(workers=2)
    await ear.start()
    partials = [
        asyncio.create_task(
            ear.for_session().transcribe(
                _seconds(dickens, start, start + 6), rate_hz=RATE_HZ, utterance="", urgent=False
            )
        )
        for start in range(8)
    ]
    await asyncio.sleep(0.05)
    heard = await ear.for_session().transcribe(_seconds(dickens, 0.5, 3.0), rate_hz=RATE_HZ, utterance="", urgent=True)
    assert "best of times" in heard.text.lower()
    assert sum(partial.done() for partial in partials) <= 2
    for partial in partials:
        partial.cancel()
    await asyncio.gather(*partials, return_exceptions=True)
    await _closes(ear)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
async def test_a_worker_does_not_outlive_its_parent() -> None:
    code = f"""
import asyncio, sys
sys.path[:0] = {sys.path!r}
from realtime_agent.engine.ear import MoonshineEar
async def main():
    ear = MoonshineEar(workers=1)
    await ear.start()
    print(ear.pids[0], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), 30))
    parent.kill()
    await parent.stdout.read()
    await parent.wait()
    await _until(lambda: not _runs(pid) or _is_zombie(pid))


def test_it_works_on_uvloop_too(dickens: bytes) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def hear() -> str:
        ear = MoonshineEar(workers=1)
        await ear.start()
        os.kill(ear.pids[0], signal.SIGKILL)
        heard = await ear.transcribe(_seconds(dickens, 0.5, 3.0))
        await ear.close()
        return heard.text

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert "best of times" in runner.run(hear()).lower()


def _is_zombie(pid: int) -> bool:
    """Dead, and its new parent (a container's init, perhaps) has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def _until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - another process has no event for it
            await asyncio.sleep(0.01)
