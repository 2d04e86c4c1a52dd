"""Apertium's real pipelines: what they say, and what becomes of those that hang or die."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from realtime_agent.engine.translation import apertium
from realtime_agent.engine.translation.apertium import ApertiumTranslator, installed_modes
from realtime_agent.engine.translation.apertium_text import to_stream
from realtime_agent.errors import EngineError

_MODE = Path("/usr/share/apertium/modes/eng-spa.mode")
needs_apertium = pytest.mark.skipif(
    shutil.which("apertium-wblank-mode") is None or not _MODE.exists(), reason="apertium-eng-spa is not installed"
)


@pytest_asyncio.fixture
async def translator() -> AsyncIterator[ApertiumTranslator]:
    translator = ApertiumTranslator()
    await translator.start()
    yield translator
    pids = translator.pids
    await translator.close()
    assert not [process for pid in pids for process in _living(pid)]


def _living(group: int) -> list[int]:
    """The processes of a group, once those that are being killed are dead."""
    for _ in range(200):
        living = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _is_alive_in(pid, group)]
        if not living:
            break
        time.sleep(0.01)  # the kernel's own time; nothing of ours is waited for
    return living


def _is_alive_in(pid: int, group: int) -> bool:
    try:
        state, _, found = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:3]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(found) == group and state != "Z"


async def spanish(translator: ApertiumTranslator, text: str) -> str:
    return await translator.translate(text, source="en", target="es")


@needs_apertium
async def test_it_translates_what_is_installed(translator: ApertiumTranslator) -> None:
    assert ("en", "es") in translator.pairs
    assert await spanish(translator, "It was the best of times, it was the worst of times.") == (
        "Era el mejor de tiempo, era el peor de tiempo."
    )
    assert await spanish(translator, "") == await spanish(translator, " … ") == ""


@needs_apertium
async def test_odd_text_does_not_disturb_the_clauses_after_it(translator: ApertiumTranslator) -> None:
    odd = [
        "^",
        "$",
        "\\",
        "[",
        "]",
        "[]",
        "^a/b$",
        "\0",
        "a\\",
        "~a",
        "{^a$}",
        "<b>",
        "@",
        "*",
        "#",
        "日本語",
        "a" * 9000,
    ]
    for text in odd:
        await spanish(translator, text)
        assert await spanish(translator, "hello") == "hola", text
    assert len(translator.pids) == 1


@needs_apertium
async def test_clauses_asked_at_once_get_each_their_own_answer(translator: ApertiumTranslator) -> None:
    words = ["hello", "house", "water", "bread"] * 5
    answers = await asyncio.gather(*(spanish(translator, word) for word in words))
    assert answers == ["hola", "casa", "agua", "pan"] * 5


@needs_apertium
async def test_a_pipeline_that_dies_is_replaced(translator: ApertiumTranslator) -> None:
    assert await spanish(translator, "hello") == "hola"
    [pid] = translator.pids
    os.killpg(pid, signal.SIGKILL)
    assert await spanish(translator, "house") == "casa"
    assert translator.pids != (pid,)


@needs_apertium
async def test_a_cancelled_clause_does_not_answer_the_next(translator: ApertiumTranslator) -> None:
    await spanish(translator, "hello")
    waiting = asyncio.create_task(spanish(translator, "house " * 500))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await spanish(translator, "water") == "agua"


@needs_apertium
async def test_a_pair_that_is_not_installed_is_an_error(translator: ApertiumTranslator) -> None:
    with pytest.raises(EngineError) as failed:
        await translator.translate("hello", source="en", target="de")
    assert failed.value.code == "unsupported_pair"


async def test_without_apertium_there_are_no_pairs(tmp_path: Path) -> None:
    translator = ApertiumTranslator(program="no-such-program", modes=tmp_path)
    await translator.start()
    assert translator.pairs == ()
    await translator.close()


def _installation(folder: Path, pipeline: str) -> ApertiumTranslator:
    """An Apertium whose pair `eng-spa` is this line of shell."""
    program = folder / "apertium-wblank-mode"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{pipeline}\nEND\n")
    program.chmod(0o755)
    modes = folder / "modes"
    modes.mkdir()
    for name in ("eng-spa", "eng-spa_US", "eng-cat-tagger", "xyz-epo"):
        (modes / f"{name}.mode").write_text("")
    return ApertiumTranslator(program=str(program), modes=modes, deadline_s=0.2)


async def test_a_pipeline_that_ends_at_once_fails_in_words(tmp_path: Path) -> None:
    translator = _installation(tmp_path, "true")
    await translator.start()
    with pytest.raises(EngineError) as failed:
        await spanish(translator, "hello")
    assert failed.value.code == "translator_failed"
    await translator.close()
    assert translator.pids == ()


async def test_a_pipeline_that_hangs_is_killed_with_all_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apertium, "_STARTING_S", 0.5)
    one_answer = len(to_stream("hello"))
    translator = _installation(tmp_path, f"sh -c 'head -c {one_answer}; exec sleep 600' | cat")
    await translator.start()
    assert await spanish(translator, "hello") == "hello"
    [pid] = translator.pids
    assert await spanish(translator, "hello") == "hello"  # hung, and was said by the next
    assert not _living(pid)
    with pytest.raises(EngineError) as failed:
        await spanish(translator, "more than it will say")
    assert failed.value.code == "translator_failed"
    assert translator.pids == ()
    await translator.close()


def test_dialects_and_parts_of_pipelines_are_no_pairs(tmp_path: Path) -> None:
    _installation(tmp_path, "cat")
    assert set(installed_modes(tmp_path / "modes")) == {("en", "es"), ("xyz", "eo")}
