"""The command line as a person meets it: through the installed program's own entry point."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from realtime_agent.cli import main
from realtime_agent.cli.tools import tools_from
from realtime_agent.errors import ConfigError

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> RunCli:
    """Run `realtime-agent ...` in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def run(*arguments: str, typed: Sequence[str] = ()) -> tuple[int, str, str]:
        typing = tmp_path / "typed.txt"
        typing.write_text("".join(f"{line}\n" for line in typed))
        monkeypatch.setattr("sys.argv", ["realtime-agent", *arguments])
        with typing.open() as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            with pytest.raises(SystemExit) as exit_:
                main()
        out, err = capfd.readouterr()
        return int(exit_.value.code or 0), out, err

    return run


def test_help_names_every_command(cli: RunCli) -> None:
    code, out, _ = cli("--help")
    assert code == 0
    for command in ("talk", "demo", "doctor"):
        assert command in out


def test_a_typed_conversation_ends_with_the_input_and_prints_both_sides(cli: RunCli) -> None:
    code, out, err = cli("talk", "--text", typed=["what is two plus three", "thank you"])
    assert (code, err) == (0, "")
    assert "what is two plus three" in out
    assert re.search(r"\b(5|five)\b", out)


def test_json_prints_every_event_as_one_line(cli: RunCli) -> None:
    code, out, _ = cli("talk", "--text", "--json", typed=["what is two plus three"])
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert events[-1]["type"] == "closed"
    assert any(event["type"] == "agent_transcript" and event["final"] for event in events)


def test_tools_of_a_module_in_this_folder_can_be_called(cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "my_garden.py").write_text(
        "def water_the_garden(minutes: int) -> str:\n"
        '    """Water the garden for some minutes."""\n'
        "    return f'Watered for {minutes} minutes.'\n"
    )
    code, out, _ = cli(
        "talk", "--text", "--tools", "my_garden:water_the_garden", typed=["water the garden for 7 minutes"]
    )
    assert code == 0
    assert "water_the_garden(minutes=7)" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("talk", "--input", "nowhere.wav"), 4, "nowhere.wav"),
        (("talk", "--output", "reply.wav"), 2, "--input"),
        (("talk", "--text", "--model", "ws://127.0.0.1:9"), 3, "127.0.0.1"),
        (("talk", "--text", "--model", "gpt-realtime"), 2, "OPENAI_API_KEY"),
        (("talk", "--text", "--tools", "no_such_module"), 2, "no_such_module"),
        (("talk", "--text", "--tools", "json:nothing"), 2, "nothing"),
        (("talk", "--text", "--tools", ":name"), 2, "name a module"),
        (("talk", "--text", "--tools", ".name"), 2, "name a module"),
        (("talk", "--text", "--tools", "broken_tools"), 2, "SyntaxError"),
        (("talk", "--text", "--tools", "failing_tools"), 2, "KeyError"),
        (("talk", "--text", "--tools", "math:pi"), 2, "neither a tool nor a function"),
        (("talk", "--push-to-talk", "--text"), 2, "--push-to-talk"),
        (("demo", "--folder", "nowhere"), 2, "nowhere"),
    ],
)
def test_what_cannot_be_ends_in_one_line_and_an_exit_code(
    cli: RunCli, arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "broken_tools.py").write_text("def tool(:\n")
    (tmp_path / "failing_tools.py").write_text("raise KeyError('secret')\n")
    got, _, err = cli(*arguments)
    assert got == code, err
    assert words in err
    assert "Traceback" not in err


def test_an_empty_sound_file_is_told_so(cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    code, _, err = cli("talk", "--input", "empty.wav")
    assert code == 4
    assert "empty.wav" in err


def test_a_sound_file_is_not_written_over_itself(cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "question.wav").write_bytes(b"RIFF")
    code, _, err = cli("talk", "--input", "question.wav", "--output", "question.wav")
    assert code == 4
    assert "given twice" in err
    assert (tmp_path / "question.wav").read_bytes() == b"RIFF"


def test_a_module_without_tools_is_refused() -> None:
    with pytest.raises(ConfigError, match="no tools in it"):
        tools_from("json")
