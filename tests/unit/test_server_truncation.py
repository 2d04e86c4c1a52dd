"""What the brain still reads when the conversation outgrows its context."""

from __future__ import annotations

from typing import Any

import pytest

from realtime_agent.engine.parts import Message, PastCall
from realtime_agent.server.core.actions import HearingFailed, Transcribe
from realtime_agent.server.core.session import ServerSession
from realtime_agent.server.core.settings import Capabilities
from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness, error_of

CONTEXT_TOKENS = 40


def small(**session: Any) -> Harness:
    """A session whose brain reads 40 tokens at once, and answers in text."""
    capabilities = Capabilities(context_tokens=CONTEXT_TOKENS)
    harness = Harness(make_session=lambda **known: ServerSession(**{**known, "capabilities": capabilities}))
    assert not [e for e in harness.update(output_modalities=["text"], **session) if e["type"] == "error"]
    return harness


def ratio(part: float, post_instructions: int | None = None) -> dict[str, Any]:
    limits = {} if post_instructions is None else {"token_limits": {"post_instructions": post_instructions}}
    return {"type": "retention_ratio", "retention_ratio": part, **limits}


def write_words(harness: Harness, count: int, word: str = "word") -> None:
    harness.write(" ".join([word] * count))


def read(harness: Harness) -> list[str]:
    """What the brain read for the last response."""
    return [item.text for item in harness.requests[-1].conversation if isinstance(item, Message)]


def test_what_fits_is_read_whole() -> None:
    harness = small()
    for number in range(4):
        write_words(harness, 10, f"w{number}")
    harness.send("response.create")
    assert len(read(harness)) == 4
    assert harness.response["usage"]["input_tokens"] == 40


def test_auto_forgets_the_oldest_and_no_more_than_it_must() -> None:
    harness = small()
    for number in range(6):
        write_words(harness, 10, f"w{number}")
    harness.send("response.create")
    assert [text.split()[0] for text in read(harness)] == ["w2", "w3", "w4", "w5"]
    assert harness.response["status"] == "completed"
    assert harness.response["usage"]["input_tokens"] == 40


def test_what_is_forgotten_stays_in_the_conversation() -> None:
    harness = small()
    for number in range(6):
        write_words(harness, 10, f"w{number}")
    harness.send("response.create")
    assert len(harness.session.conversation) == 7
    first = next(iter(harness.session.conversation)).id
    assert harness.send("conversation.item.retrieve", item_id=first)[0]["type"] == "conversation.item.retrieved"
    assert not harness.of("conversation.item.deleted")


def test_a_ratio_makes_room_for_several_turns_which_only_add() -> None:
    harness = small(truncation=ratio(0.5), max_output_tokens=1)
    for number in range(5):
        write_words(harness, 10, f"w{number}")
    harness.send("response.create")
    assert [text.split()[0] for text in read(harness)] == ["w3", "w4"], "20 of 40 tokens"
    before = read(harness)
    write_words(harness, 10, "more")
    harness.send("response.create")
    assert read(harness)[:2] == before, "what the brain has read stays the beginning of what it reads"


def test_the_instructions_and_tools_take_their_part_of_the_context() -> None:
    tool = {"type": "function", "name": "go", "description": "five words to read here"}
    harness = small(instructions=" ".join(["rule"] * 8), tools=[tool])
    for number in range(4):
        write_words(harness, 10, f"w{number}")
    harness.send("response.create")
    assert [text.split()[0] for text in read(harness)] == ["w3"]


def test_a_limit_of_ones_own_counts_without_the_instructions() -> None:
    harness = small(instructions=" ".join(["rule"] * 15), truncation=ratio(1.0, post_instructions=10))
    write_words(harness, 5, "old")
    write_words(harness, 10, "new")
    harness.send("response.create")
    assert [text.split()[0] for text in read(harness)] == ["new"]


def test_disabled_a_response_fails_that_would_have_to_forget() -> None:
    harness = small(truncation="disabled")
    for _ in range(5):
        write_words(harness, 10)
    harness.send("response.create")
    assert harness.response["status"] == "failed"
    assert harness.response["status_details"]["error"]["code"] == "context_length_exceeded"
    assert not harness.requests
    harness.update(truncation="auto")
    harness.send("response.create")
    assert harness.response["status"] == "completed"


@pytest.mark.parametrize("truncation", ["auto", ratio(0.0)])
def test_what_is_answered_is_never_forgotten_and_if_it_is_too_long_the_response_fails(truncation: Any) -> None:
    harness = small(truncation=truncation)
    write_words(harness, 41)
    harness.send("response.create")
    assert harness.response["status_details"]["error"]["code"] == "context_length_exceeded"
    write_words(harness, 40, "fits")
    harness.send("response.create")
    assert [text.split()[0] for text in read(harness)] == ["fits"]


def test_a_call_is_kept_as_long_as_its_output_is_to_be_answered_and_both_are_forgotten_together() -> None:
    harness = small(truncation=ratio(0.1))
    call = {"type": "function_call", "call_id": "c1", "name": "go", "arguments": "{}"}
    harness.send("conversation.item.create", item=call)
    for _ in range(4):
        write_words(harness, 10)
    output = {"type": "function_call_output", "call_id": "c1", "output": "done"}
    harness.send("conversation.item.create", item=output)
    harness.send("response.create")
    assert list(harness.requests[-1].conversation) == [PastCall("c1", "go", "{}", "done")]
    for _ in range(4):
        write_words(harness, 10)
    harness.send("response.create")
    assert not [item for item in harness.requests[-1].conversation if isinstance(item, PastCall)]


def test_the_input_of_one_response_is_made_to_fit_by_itself() -> None:
    harness = small()
    write_words(harness, 10, "kept")
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a " * 30}]}
    harness.send("response.create", response={"conversation": "none", "input": [item, item]})
    assert len(read(harness)) == 1
    harness.send("response.create")
    assert read(harness) == [" ".join(["kept"] * 10)]


def test_sound_counts_by_its_length() -> None:
    harness = small(truncation="disabled")
    harness.hear(loud(4500) + quiet(600))
    assert harness.response["status_details"]["error"]["code"] == "context_length_exceeded", "51 tokens at ten a second"


def test_the_setting_is_reported_as_it_was_made_and_null_is_auto() -> None:
    harness = small(truncation=ratio(0.8, post_instructions=1000))
    assert harness.last("session.updated")["session"]["truncation"] == ratio(0.8, post_instructions=1000)
    harness.update(truncation=None)
    assert harness.last("session.updated")["session"]["truncation"] == "auto"


def test_other_words_are_refused() -> None:
    assert error_of(small().update(truncation="sometimes"))["param"].startswith("session.truncation")


def test_what_is_left_of_a_limit_is_reported_after_each_response() -> None:
    spent: list[int] = []

    def report(tokens: int) -> list[dict[str, Any]]:
        spent.append(tokens)
        return [{"name": "tokens", "limit": 1000, "remaining": 1000 - sum(spent), "reset_seconds": 60.0}]

    harness = Harness(make_session=lambda **known: ServerSession(**known, report_limits=report))
    harness.write("Hello.")
    harness.send("response.create")
    used = harness.response["usage"]["total_tokens"]
    assert harness.last("rate_limits.updated")["rate_limits"] == [
        {"name": "tokens", "limit": 1000, "remaining": 1000 - used, "reset_seconds": 60.0}
    ]


def test_the_silence_is_measured_also_after_a_turn_that_the_ear_did_not_understand() -> None:
    harness = Harness(eager=False)
    harness.update(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}})
    harness.hear(loud(500) + quiet(600))
    asked = [action for action in harness.work if isinstance(action, Transcribe)][-1]
    harness.answer(HearingFailed(asked.item_id, asked.revision, "deaf"))
    assert harness.response["status"] == "failed"
    assert "input_audio_buffer.timeout_triggered" in [event["type"] for event in harness.wait(6)]
