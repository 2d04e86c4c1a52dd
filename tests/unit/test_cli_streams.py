"""`transcribe` and `translate` as a person meets them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime_agent.audio.wavfile import WavWriter, read_wav
from realtime_agent.cli import main
from tests.real_speech import two_cities_path

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> RunCli:
    """Run `realtime-agent ...`: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["realtime-agent", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capfd.readouterr()
        return int(exit_.value.code or 0), out, err

    return run


@pytest.fixture
def speech(tmp_path: Path) -> str:
    pytest.importorskip("moonshine_voice")
    with WavWriter(tmp_path / "speech.wav") as writer:
        writer.write(read_wav(two_cities_path(), 24_000)[: 48_000 * 3])
    return "speech.wav"


def test_json_prints_every_event_as_one_line(cli: RunCli, speech: str) -> None:
    code, out, _ = cli("transcribe", speech, "--json", "--speed", "8")
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert events[-1]["type"] == "closed"
    finals = [event["text"] for event in events if event["type"] == "user_transcript" and event["final"]]
    assert "best of times" in " ".join(finals).lower()


@pytest.mark.skipif(shutil.which("apertium-wblank-mode") is None, reason="Apertium is not installed")
def test_a_file_is_said_in_another_language(cli: RunCli, speech: str, tmp_path: Path) -> None:
    code, out, err = cli("translate", speech, "--to", "es", "--output", "spoken.wav")
    assert (code, err) == (0, "")
    assert "tiempo" in out
    assert any(read_wav(tmp_path / "spoken.wav", 16_000))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["transcribe", "x.wav", "--delay", "soon"], 2, "minimal"),
        (["transcribe", "--speed", "2"], 2, "--speed"),
        (["transcribe", "x.wav", "--model", "openai"], 2, "OPENAI_API_KEY"),
        (["transcribe", "x.wav", "--model", "ws://127.0.0.1:9"], 3, "127.0.0.1:9"),
        (["translate", "nowhere.wav", "--to", "es", "--model", "openai"], 2, "OPENAI_API_KEY"),
        (["translate", "--to", "es", "--output", "x.wav"], 2, "--output"),
        (["translate", "x.wav", "--to", "es", "--speaker", "y"], 2, "--speaker"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(cli: RunCli, arguments: list[str], code: int, words: str) -> None:
    got, _, err = cli(*arguments)
    assert got == code
    assert words in err
    assert err.startswith("realtime-agent: ")
    assert err.count("\n") == 1
