"""The demo, with an engine of fakes and under virtual time: what it leaves behind, and what it says of itself."""

from __future__ import annotations

import json
import re
import wave
from functools import partial
from pathlib import Path

import pytest

from realtime_agent.cli import demo as command
from realtime_agent.engine.parts import BrainEvent, BrainRequest, Message, PastCall, TextDelta, ToolCallRequest
from realtime_agent.errors import DeviceError
from realtime_agent.testing.clock import run
from realtime_agent.transports.model.embedded import EmbeddedModel
from tests.fakes_engine import FakeEngine, make_loudness_detector

STORY = " ".join(["Once upon a time there was a fox."] * 12)


def hostess(request: BrainRequest) -> list[BrainEvent]:
    """Looks the menu up in the second turn, and tells a story in all others."""
    last = request.conversation[-1]
    if isinstance(last, PastCall):
        return [TextDelta(str(last.output))]
    asked = sum(isinstance(item, Message) and item.role == "user" for item in request.conversation)
    return [ToolCallRequest("lunch_menu", '{"day": "Friday"}')] if asked == 2 else [TextDelta(STORY)]


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "default_engine", lambda: FakeEngine(hostess))
    monkeypatch.setattr(command, "EmbeddedModel", partial(EmbeddedModel, make_detector=make_loudness_detector))


def test_it_leaves_a_recording_and_a_page_that_tell_of_turns_a_tool_and_an_interruption(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command.demo(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "lunch_menu" in printed
    assert "interrupted after" in printed
    with wave.open(str(tmp_path / "conversation.wav")) as sound:
        assert sound.getnchannels() == 2
        assert sound.getnframes() / sound.getframerate() > 10
    page = (tmp_path / "conversation.html").read_text("utf-8")
    found = re.search(r"const data = (.*?);$", page, re.MULTILINE)
    assert found is not None
    data = json.loads(found[1])
    assert [call["output"] for call in data["calls"]] == ["On Friday there is tomato soup and apple cake."]
    assert any(turn["heard_ms"] for turn in data["turns"])
    assert not re.search(r"(src|href)=[\"']?https?:", page), "the page needs no network"


def test_a_page_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "conversation.html").mkdir()
    with pytest.raises(DeviceError, match=r"conversation\.html"):
        run(command.demo(tmp_path))
