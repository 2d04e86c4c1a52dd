"""The built-in tools do what they say, in sentences that can be heard."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import stat
import webbrowser
import zoneinfo
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from realtime_agent.tools import ToolOutcome, ToolRegistry, ToolRunner
from realtime_agent.tools.builtin import calculator, clock, computer, desktop_tools, notes, timers

PATIENCE_S = 5.0


class Desktop:
    """The built-in tools on a runner."""

    def __init__(self, data_folder: Path, approve: Callable[[Any], bool] | None = None) -> None:
        self.announced: asyncio.Queue[str] = asyncio.Queue()
        self.tools = desktop_tools(data_folder)
        self.runner = ToolRunner(
            ToolRegistry(self.tools), approve=approve or (lambda call: True), announce=self.announced.put_nowait
        )
        self._calls = 0

    async def __call__(self, tool_name: str, /, **arguments: Any) -> ToolOutcome:
        self._calls += 1
        async with asyncio.timeout(PATIENCE_S):
            return await self.runner.run(f"c{self._calls}", tool_name, json.dumps(arguments))


@pytest.fixture
async def desktop(tmp_path: Path) -> AsyncIterator[Desktop]:
    made = Desktop(tmp_path)
    yield made
    await made.runner.close()


async def test_each_tool_is_described_for_the_model(desktop: Desktop) -> None:
    assert len({each.name for each in desktop.tools}) == 10
    for each in desktop.tools:
        assert each.description.endswith(".")
        assert all(part.get("description") for part in each.parameters["properties"].values())


class TestTime:
    async def test_it_tells_time_and_date_here(self, desktop: Desktop) -> None:
        before = datetime.datetime.now(datetime.UTC).astimezone()
        text = (await desktop("current_time")).output
        after = datetime.datetime.now(datetime.UTC).astimezone()
        assert any(f"{now:%H:%M}" in text and f"{now:%A}" in text and str(now.year) in text for now in (before, after))

    @pytest.mark.parametrize(
        ("place", "zone", "called"),
        [
            ("tokyo", "Asia/Tokyo", "Tokyo"),
            ("New York", "America/New_York", "New York"),
            ("Europe/Berlin", "Europe/Berlin", "Berlin"),
            ("san francisco", "America/Los_Angeles", "San Francisco"),
            ("UTC", "UTC", "UTC"),
            ("Buenos Aires", "America/Buenos_Aires", "Buenos Aires"),
        ],
    )
    async def test_it_knows_cities(self, desktop: Desktop, place: str, zone: str, called: str) -> None:
        now = datetime.datetime.now(zoneinfo.ZoneInfo(zone))
        text = (await desktop("current_time", place=place)).output
        assert f"in {called}" in text
        assert f"{now:%A}" in text or f"{now + datetime.timedelta(minutes=1):%A}" in text

    @pytest.mark.parametrize("place", ["Atlantis", "../../etc/passwd", "/etc/localtime", "a" * 1000])
    async def test_an_unknown_place_is_a_clear_error(self, desktop: Desktop, place: str) -> None:
        outcome = await desktop("current_time", place=place)
        assert outcome.error is not None
        assert outcome.error.code == "unknown_place"

    def test_the_other_names_are_zones_that_exist(self) -> None:
        for name in clock._OTHER_NAMES.values():
            zoneinfo.ZoneInfo(name)


class TestCalculator:
    @pytest.mark.parametrize(
        ("expression", "result"),
        [
            ("12 * (3 + 4)", "84"),
            ("7 plus 5", "12"),
            ("what is 100 minus 1?", "99"),
            ("6 times 7", "42"),
            ("3 x 4", "12"),
            ("10 divided by 4", "2.5"),
            ("10 / 5", "2"),
            ("15% of 80", "12"),
            ("20 percent of 50", "10"),
            ("50%", "0.5"),
            ("10 % 3", "1"),
            ("2^10", "1024"),
            ("2 to the power of 3", "8"),
            ("5 squared", "25"),
            ("the square root of 16", "4"),
            ("sqrt(2)", "1.414213562"),
            ("1,000 + 5", "1005"),
            ("0.1 + 0.2", "0.3"),
            ("-3 + 1", "-2"),
            ("7 // 2", "3"),
            ("max(1, 5, 3)", "5"),
            ("round(2.7)", "3"),
            ("round(2.345, 2)", "2.35"),
            ("round(1250, -2)", "1200"),
            ("2 * pi", "6.283185307"),
            ("2 ** 100", "about 1.26765e+30"),
        ],
    )
    async def test_it_calculates(self, desktop: Desktop, expression: str, result: str) -> None:
        assert (await desktop("calculate", expression=expression)).output == result

    @pytest.mark.parametrize(
        "expression",
        [
            "9 ** 9 ** 9",
            "2 ** 99999999",
            "(" * 200 + "1" + ")" * 200,
            "1 / 0",
            "5 % 0",
            "exp(1000)",
            "1e308 * 10",
            "(-1) ** 0.5",
            "sqrt(-1)",
            "",
            "five",
            "__import__('os').getcwd()",
            "().__class__",
            "[1][0]",
            "'a' * 1000000000",
            "True + 1",
            "min()",
            "x := 1",
            "lambda: 1",
            "1 if 1 else 2",
            "1" * 301,
            "\x00",
            "round(1.5, ndigits=1)",
            "round(5, -1000000000)",
            "round(5, 10 ** 9)",
            "0 ** -1",
        ],
    )
    async def test_what_is_not_arithmetic_is_a_clear_error(self, desktop: Desktop, expression: str) -> None:
        outcome = await desktop("calculate", expression=expression)
        assert outcome.error is not None
        assert outcome.error.code in {"not_arithmetic", "too_large", "too_long", "division_by_zero"}

    def test_very_large_numbers_are_said_in_words(self) -> None:
        assert calculator._written(10**400) == "a very large number"


class TestTimers:
    async def test_the_agent_speaks_when_a_timer_is_over(self, desktop: Desktop) -> None:
        assert (await desktop("set_timer", amount=0.02, unit="seconds", name="tea")).output.startswith(
            "The timer for tea"
        )
        async with asyncio.timeout(PATIENCE_S):
            assert await desktop.announced.get() == "Your timer for tea is over."
        assert (await desktop("list_timers")).output == "No timer is running."

    async def test_running_timers_are_listed_the_next_first(self, desktop: Desktop) -> None:
        await desktop("set_timer", amount=2, unit="hours")
        await desktop("set_timer", amount=5, name="eggs")
        text = (await desktop("list_timers")).output
        assert text.startswith("The timer for eggs of 5 minutes has 5 minutes left; the timer of 2 hours has ")

    async def test_a_cancelled_timer_is_silent(self, desktop: Desktop) -> None:
        await desktop("set_timer", amount=0.05, unit="seconds", name="tea")
        await desktop("set_timer", amount=0.06, unit="seconds", name="eggs")
        assert (await desktop("cancel_timer", name="Tea")).output == "The timer for tea is cancelled."
        async with asyncio.timeout(PATIENCE_S):
            assert await desktop.announced.get() == "Your timer for eggs is over."
        assert desktop.announced.empty()

    async def test_all_timers_can_be_cancelled(self, desktop: Desktop) -> None:
        await desktop("set_timer", amount=5)
        await desktop("set_timer", amount=6)
        assert (await desktop("cancel_timer")).output == "2 timers are cancelled."
        assert (await desktop("cancel_timer")).output == "No timer is running."
        assert (await desktop("cancel_timer", name="tea")).output == "No timer is called tea."

    @pytest.mark.parametrize("arguments", [{"amount": 0}, {"amount": -1}, {"amount": 200, "unit": "hours"}, {}])
    async def test_impossible_timers_are_refused(self, desktop: Desktop, arguments: dict[str, Any]) -> None:
        assert (await desktop("set_timer", **arguments)).error is not None

    async def test_timers_are_bounded(self, desktop: Desktop) -> None:
        for _ in range(timers.MAX_TIMERS):
            assert (await desktop("set_timer", amount=5)).error is None
        assert (await desktop("set_timer", amount=5)).error is not None

    async def test_timers_end_with_their_session(self, desktop: Desktop) -> None:
        await desktop("set_timer", amount=0.02, unit="seconds")
        await desktop.runner.close()
        assert desktop.announced.empty()

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (0.5, "less than a second"),
            (1, "1 second"),
            (60, "1 minute"),
            (150, "2 minutes and 30 seconds"),
            (3600, "1 hour"),
            (5400, "1 hour and 30 minutes"),
            (3601, "1 hour"),
        ],
    )
    def test_lengths_are_said_as_people_say_them(self, seconds: float, words: str) -> None:
        assert timers.spoken(seconds) == words


class TestNotes:
    async def test_notes_are_kept_read_and_cleared(self, desktop: Desktop, tmp_path: Path) -> None:
        assert (await desktop("read_notes")).output == "There are no notes."
        assert (await desktop("remember_note", text="buy milk")).output == "Noted: buy milk"
        assert (await desktop("read_notes")).output == "There is 1 note:\n1. buy milk"
        await desktop("remember_note", text="call\n  Ada ☎")
        assert (tmp_path / "notes.txt").read_text("utf-8") == "buy milk\ncall Ada ☎\n"
        assert stat.S_IMODE((tmp_path / "notes.txt").stat().st_mode) == 0o600
        assert (await desktop("clear_notes")).output == "All notes are deleted."
        assert (await desktop("read_notes")).output == "There are no notes."
        assert os.listdir(tmp_path) == ["notes.txt"]

    async def test_clearing_needs_approval(self, tmp_path: Path) -> None:
        desktop = Desktop(tmp_path, approve=lambda call: False)
        await desktop("remember_note", text="buy milk")
        assert (await desktop("clear_notes")).error is not None
        assert "buy milk" in (await desktop("read_notes")).output
        await desktop.runner.close()

    async def test_notes_written_at_once_are_all_kept(self, desktop: Desktop) -> None:
        await asyncio.gather(*(desktop("remember_note", text=f"note {number}") for number in range(20)))
        assert (await desktop("read_notes")).output.startswith("There are 20 notes:")

    @pytest.mark.parametrize("text", ["", "   ", "\n"])
    async def test_an_empty_note_is_refused(self, desktop: Desktop, text: str) -> None:
        assert (await desktop("remember_note", text=text)).error is not None

    async def test_a_folder_that_cannot_be_written_is_a_clear_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        desktop = Desktop(tmp_path / "file" / "folder")
        outcome = await desktop("remember_note", text="x")
        assert outcome.error is not None
        assert outcome.error.code in {"notes_unwritable", "notes_unreadable"}
        await desktop.runner.close()

    async def test_notes_edited_by_hand_are_read(self, desktop: Desktop, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_bytes(b"one\r\n\r\n  two\xff \n")
        assert (await desktop("read_notes")).output == "There are 2 notes:\n1. one\n2. two\N{REPLACEMENT CHARACTER}"

    def test_the_data_folder_follows_the_custom_of_the_system(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.setenv("XDG_DATA_HOME", "/data")
        assert notes.user_data_folder() == Path("/data/realtime-agent")
        monkeypatch.setenv("XDG_DATA_HOME", "relative")
        monkeypatch.setenv("HOME", "/home/ada")
        assert notes.user_data_folder() == Path("/home/ada/.local/share/realtime-agent")


class TestComputer:
    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        urls: list[str] = []

        def open_url(url: str) -> bool:
            urls.append(url)
            return True

        monkeypatch.setattr(webbrowser, "open", open_url)
        return urls

    async def test_a_website_is_opened_after_approval(self, desktop: Desktop, opened: list[str]) -> None:
        assert (await desktop("open_website", address="example.org/page?a=1")).output == "Opened example.org."
        assert opened == ["https://example.org/page?a=1"]

    async def test_nothing_is_opened_without_approval(self, tmp_path: Path, opened: list[str]) -> None:
        desktop = Desktop(tmp_path, approve=lambda call: False)
        assert (await desktop("open_website", address="example.org")).error is not None
        await desktop.runner.close()
        assert opened == []

    @pytest.mark.parametrize(
        "address",
        [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "ftp://a.b",
            "",
            "https://",
            "two words.org",
            "http://[::1",
            "-x://a",
        ],
    )
    async def test_what_is_not_a_website_is_refused(self, desktop: Desktop, opened: list[str], address: str) -> None:
        outcome = await desktop("open_website", address=address)
        assert outcome.error is not None
        assert outcome.error.code == "not_a_website"
        assert opened == []

    async def test_the_status_is_told_in_sentences(self, desktop: Desktop) -> None:
        assert "disk space" in (await desktop("computer_status")).output
        assert "gigabytes" in (await desktop("computer_status", part="disk")).output

    async def test_the_battery_is_read_where_there_is_one(
        self, desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "BAT0").mkdir()
        (tmp_path / "BAT0" / "capacity").write_text("81\n")
        (tmp_path / "BAT0" / "status").write_text("Discharging\n")
        monkeypatch.setattr(computer, "_POWER", tmp_path)
        assert (await desktop("computer_status", part="battery")).output == "The battery is at 81 percent, discharging."

    async def test_what_the_computer_does_not_tell_is_said_so(
        self, desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(computer, "_POWER", tmp_path / "none")
        assert (await desktop("computer_status", part="battery")).output == "This computer does not tell its battery."
