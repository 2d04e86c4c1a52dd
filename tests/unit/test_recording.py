"""What remains of a conversation: the log and the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

from realtime_agent.audio.wavfile import WavWriter
from realtime_agent.events import (
    AgentTranscript,
    Closed,
    Interrupted,
    SessionEvent,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    UserTranscript,
)
from realtime_agent.recording import ConversationLog, LoggedTurn, write_timeline


def logged(*events: SessionEvent) -> ConversationLog:
    log = ConversationLog()
    for event in events:
        log.add(event)
    return log


def test_turns_and_calls_are_put_together_in_the_order_in_which_they_began() -> None:
    log = logged(
        TurnStarted("user", "item_u", 1.0),
        UserTranscript("item_u", "What", False, 1.2),
        TurnEnded("user", "item_u", 2.0),
        UserTranscript("item_u", "What time is it?", True, 2.1),
        ToolStarted("call_1", "clock", {}, 2.2),
        ToolFinished("call_1", "clock", "noon", None, 0.1, 2.3),
        AgentTranscript("item_a", "It is noon.", "It is noon.", True, 2.4),
        TurnStarted("agent", "item_a", 2.5, 0.5),
        Interrupted("item_a", 300, "It is", 2.8),
        TurnEnded("agent", "item_a", 2.8),
        Closed("closed", None, 3.0),
    )
    user, agent = log.turns
    assert user == LoggedTurn("user", "item_u", 1.0, 2.0, "What time is it?", settled=True)
    assert agent == LoggedTurn("agent", "item_a", 2.5, 2.8, "It is noon.", 0.5, "It is", 300, settled=True)
    assert [(call.start_s, call.end_s, call.output) for call in log.calls] == [(2.2, 2.3, "noon")]
    assert log.latencies_s() == [0.5]


def test_turns_of_local_detection_are_named_by_their_transcripts() -> None:
    log = logged(
        TurnStarted("user", "", 1.0),
        TurnEnded("user", "", 2.0),
        TurnStarted("user", "", 3.0),
        UserTranscript("item_1", "The first.", True, 3.1),  # late: the second has begun
        TurnEnded("user", "", 4.0),
        UserTranscript("item_2", "The second.", True, 4.1),
        TurnStarted("user", "", 5.0),
        UserTranscript("item_3", "The", False, 5.5),
        TurnEnded("user", "", 6.0),
        UserTranscript("item_3", "The third.", True, 6.1),
        UserTranscript("item_4", "Written.", True, 7.0),
    )
    assert [(turn.item_id, turn.start_s, turn.end_s, turn.text) for turn in log.turns] == [
        ("item_1", 1.0, 2.0, "The first."),
        ("item_2", 3.0, 4.0, "The second."),
        ("item_3", 5.0, 6.0, "The third."),
        ("item_4", None, None, "Written."),
    ]


def test_nothing_that_was_said_can_leave_its_place_in_the_page(tmp_path: Path) -> None:
    said = "</script><!--<script>alert(1)</script>\u2028\\"
    with WavWriter(tmp_path / "both.wav", channels=2) as writer:
        writer.write(bytes(24_000 * 4))
    log = logged(UserTranscript("item_1", said, True, 0.1))
    write_timeline(tmp_path / "page.html", log, tmp_path / "both.wav", title=said)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<script") == page.count("</script>")
    assert "<!--" not in page.partition("<script")[2]
    data = re.search(r"const data = (.*?);$", page, re.MULTILINE)
    assert data is not None
    assert json.loads(data[1])["turns"][0]["text"] == said
