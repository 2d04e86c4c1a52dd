"""What `session.update` changes, clears, keeps and refuses."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness, error_of


def session_of(harness: Harness) -> dict[str, Any]:
    session: dict[str, Any] = [e for e in harness.events if e["type"] in ("session.created", "session.updated")][-1][
        "session"
    ]
    return session


def audio_input(**fields: Any) -> dict[str, Any]:
    return {"audio": {"input": fields}}


def test_the_first_event_says_the_whole_configuration() -> None:
    session = Harness().events[0]["session"]
    assert session["type"] == "realtime"
    assert session["object"] == "realtime.session"
    assert session["output_modalities"] == ["audio"]
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert session["audio"]["output"]["voice"] == "alloy"
    assert session["max_output_tokens"] == "inf"


def test_only_what_is_present_changes() -> None:
    harness = Harness()
    before = session_of(harness)
    harness.update(instructions="Be brief.", audio={"output": {"speed": 1.2}})
    after = session_of(harness)
    assert after["instructions"] == "Be brief."
    assert after["audio"]["output"] == {**before["audio"]["output"], "speed": 1.2}
    assert after["audio"]["input"] == before["audio"]["input"]


def test_turn_detection_of_the_same_type_is_merged_and_of_another_begins_anew() -> None:
    harness = Harness()
    harness.update(**audio_input(turn_detection={"type": "server_vad", "silence_duration_ms": 200}))
    harness.update(**audio_input(turn_detection={"type": "server_vad", "create_response": False}))
    merged = session_of(harness)["audio"]["input"]["turn_detection"]
    assert merged["silence_duration_ms"] == 200
    assert merged["create_response"] is False
    harness.update(**audio_input(turn_detection={"type": "semantic_vad", "eagerness": "high"}))
    assert session_of(harness)["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": True,
        "interrupt_response": True,
    }


def test_what_can_be_cleared_is_cleared() -> None:
    harness = Harness()
    harness.update(
        instructions="Be brief.",
        tools=[{"type": "function", "name": "go"}],
        **audio_input(transcription={"model": "whisper-1", "language": "en"}),
    )
    harness.update(instructions="", tools=[], **audio_input(transcription=None, turn_detection=None))
    session = session_of(harness)
    assert session["instructions"] == ""
    assert session["tools"] == []
    assert session["audio"]["input"]["transcription"] is None
    assert session["audio"]["input"]["turn_detection"] is None


def test_null_puts_back_the_default_of_what_cannot_be_off() -> None:
    harness = Harness()
    harness.update(output_modalities=["text"], max_output_tokens=50, tool_choice="required")
    harness.update(output_modalities=None, max_output_tokens=None, tool_choice=None)
    session = session_of(harness)
    assert session["output_modalities"] == ["audio"]
    assert session["max_output_tokens"] == "inf"
    assert session["tool_choice"] == "auto"


def test_noise_reduction_is_reported_merged_and_can_be_cleared() -> None:
    harness = Harness()
    harness.update(**audio_input(noise_reduction={"type": "far_field"}))
    assert session_of(harness)["audio"]["input"]["noise_reduction"] == {"type": "far_field", "strength": 1.0}
    harness.update(**audio_input(noise_reduction={"type": "far_field", "strength": 0.5}))
    harness.update(**audio_input(noise_reduction={"type": "near_field"}))
    assert session_of(harness)["audio"]["input"]["noise_reduction"] == {"type": "near_field", "strength": 0.5}
    harness.update(**audio_input(noise_reduction=None))
    assert session_of(harness)["audio"]["input"]["noise_reduction"] is None


@pytest.mark.parametrize("format", ["audio/pcm", "audio/pcmu"])
def test_with_noise_reduction_turns_are_found_at_either_rate(format: str) -> None:
    harness = Harness()
    harness.update(**audio_input(format={"type": format}, noise_reduction={"type": "near_field"}))
    rate_hz = 24_000 if format == "audio/pcm" else 8_000
    one = {"audio/pcm": loud(1, rate_hz)[:2], "audio/pcmu": b"\x00"}[format]
    none = {"audio/pcm": quiet(1, rate_hz)[:2], "audio/pcmu": b"\xff"}[format]
    for sample, ms in ((none, 500), (one, 600), (none, 800)):
        harness.hear(sample * (rate_hz * ms // 1000), step_bytes=rate_hz // 50 * len(sample))
    committed = harness.last("input_audio_buffer.committed")["item_id"]
    [retrieved] = harness.send("conversation.item.retrieve", item_id=committed)
    kept = base64.b64decode(retrieved["item"]["content"][0]["audio"])
    assert kept.count(one) >= rate_hz * 6 // 10, "what is kept is as it came"


def test_a_transcription_is_reported_with_all_its_fields() -> None:
    harness = Harness()
    harness.update(**audio_input(transcription={"model": "gpt-realtime-whisper"}))
    expected = {"model": "gpt-realtime-whisper", "language": None, "prompt": None}
    assert session_of(harness)["audio"]["input"]["transcription"] == expected


@pytest.mark.parametrize("tracing", ["auto", {"workflow_name": "support", "group_id": "g1"}])
def test_who_asks_for_tracing_is_not_refused_but_told_that_there_is_none(tracing: object) -> None:
    harness = Harness()
    [answer] = harness.update(tracing=tracing)
    assert answer["type"] == "session.updated"
    assert answer["session"]["tracing"] is None


def test_a_client_may_send_back_the_session_that_it_was_given() -> None:
    harness = Harness()
    given = harness.events[0]["session"]
    [answer] = harness.send("session.update", session=given)
    assert answer["type"] == "session.updated"
    assert answer["session"] == given


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"model": "another"}, "invalid_value", "session.model"),
        ({"prompt": {"id": "p"}}, "unsupported_value", "session.prompt"),
        ({"reasoning": {"effort": "low"}}, "unsupported_value", "session.reasoning"),
        (
            {
                "truncation": {
                    "type": "retention_ratio",
                    "retention_ratio": 0.5,
                    "token_limits": {"post_instructions": -1},
                }
            },
            "integer_below_min_value",
            "session.truncation.token_limits.post_instructions",
        ),
        ({"include": ["item.input_audio_transcription.logprobs"]}, "unsupported_value", "session.include[0]"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"output_modalities": []}, "invalid_value", "session.output_modalities"),
        ({"voice": "alloy"}, "unknown_parameter", "session.voice"),
        ({"audio": {"input": {"turn_taking": 1}}}, "unknown_parameter", "session.audio.input.turn_taking"),
        ({"audio": {"output": {"voice": "nobody"}}}, "invalid_value", "session.audio.output.voice"),
        (
            audio_input(noise_reduction={"type": "near_field", "strength": 2.5}),
            "invalid_value",
            "session.audio.input.noise_reduction.strength",
        ),
        (
            audio_input(transcription={"model": "x", "language": "de"}),
            "invalid_value",
            "session.audio.input.transcription.language",
        ),
        (
            audio_input(transcription={"model": "x", "keywords": ["Aoife"]}),
            "unsupported_value",
            "session.audio.input.transcription.keywords",
        ),
        (
            audio_input(turn_detection={"type": "server_vad", "idle_timeout_ms": 10}),
            "integer_below_min_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            audio_input(turn_detection={"type": "server_vad", "silence_duration_ms": 60_000}),
            "integer_above_max_value",
            "session.audio.input.turn_detection.silence_duration_ms",
        ),
        ({"tools": [{"type": "mcp", "server_label": "x", "server_url": "http://x"}]}, "unsupported_value", None),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "invalid_value", "session.tools[0].name"),
        ({"tools": [{"type": "function", "name": "a"}] * 2}, "invalid_value", "session.tools[1].name"),
        (
            {"tools": [{"type": "function", "name": "a", "parameters": 3}]},
            "invalid_value",
            "session.tools[0].parameters",
        ),
        ({"tool_choice": {"type": "function", "name": "a"}}, "invalid_value", "session.tool_choice.name"),
        ({"tool_choice": {"type": "mcp", "server_label": "a"}}, "unsupported_value", "session.tool_choice.type"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(change: dict[str, Any], code: str, param: str | None) -> None:
    harness = Harness()
    before = session_of(harness)
    update = {"type": "realtime", "instructions": "lost", **change}
    error = error_of(harness.send("session.update", session=update, event_id="mine"))
    assert error["code"] == code
    assert param is None or error["param"] == param
    assert error["event_id"] == "mine"
    assert error["type"] == "invalid_request_error"
    harness.update()
    assert session_of(harness) == before


def test_an_update_without_its_type_is_refused() -> None:
    error = error_of(Harness().send("session.update", session={"instructions": "x"}))
    assert error["param"] == "session.type"


def test_a_transcription_session_is_refused() -> None:
    error = error_of(Harness().send("session.update", session={"type": "transcription"}))
    assert error["param"] == "session.type"


def test_the_voice_is_fixed_once_the_model_has_spoken() -> None:
    harness = Harness()
    harness.update(audio={"output": {"voice": "cedar"}})
    harness.write("Hello.")
    harness.send("response.create")
    error = error_of(harness.update(audio={"output": {"voice": "ash"}}))
    assert error["code"] == "cannot_update_voice"
    harness.update(audio={"output": {"voice": "cedar"}}, instructions="The same voice is no change.")
    assert session_of(harness)["instructions"]
    error = error_of(harness.send("response.create", response={"audio": {"output": {"voice": "ash"}}}))
    assert error["code"] == "cannot_update_voice"


def test_a_text_answer_does_not_fix_the_voice() -> None:
    harness = Harness()
    harness.update(output_modalities=["text"])
    harness.write("Hello.")
    harness.send("response.create")
    harness.update(audio={"output": {"voice": "ash"}})
    assert session_of(harness)["audio"]["output"]["voice"] == "ash"


def test_an_own_voice_of_the_engine_is_taken_by_name_and_by_id() -> None:
    harness = Harness()
    harness.update(audio={"output": {"voice": "fake"}})
    harness.update(audio={"output": {"voice": {"id": "fake"}}})
    harness.write("Hello.")
    harness.eager = False
    harness.send("response.create")
    assert harness.started().voice == "fake"


def test_the_format_cannot_change_under_audio_that_waits_for_its_commit() -> None:
    harness = Harness()
    harness.update(**audio_input(turn_detection=None))
    harness.hear(loud(200))
    error = error_of(harness.update(**audio_input(format={"type": "audio/pcmu"})))
    assert error["param"] == "session.audio.input.format"
    harness.send("input_audio_buffer.clear")
    harness.update(**audio_input(format={"type": "audio/pcmu"}))
    assert session_of(harness)["audio"]["input"]["format"]["type"] == "audio/pcmu"


def test_the_format_may_change_while_nobody_speaks() -> None:
    harness = Harness()
    harness.hear(quiet(500))
    harness.update(**audio_input(format={"type": "audio/pcma"}))
    assert session_of(harness)["audio"]["input"]["format"]["type"] == "audio/pcma"


def test_clearing_all_audio_settings_puts_back_their_defaults() -> None:
    harness = Harness()
    before = session_of(harness)["audio"]
    harness.update(audio={"input": {"turn_detection": None}, "output": {"speed": 1.5}})
    harness.update(audio={"input": {"format": None}, "output": {"voice": None}})
    assert session_of(harness)["audio"]["input"]["turn_detection"] is None
    harness.update(audio={"input": None, "output": None})
    assert session_of(harness)["audio"] == before
    harness.update(audio={"output": {"speed": 1.5}})
    harness.update(audio=None, parallel_tool_calls=False)
    harness.update(parallel_tool_calls=None)
    assert session_of(harness)["audio"] == before
    assert "parallel_tool_calls" not in session_of(harness)
