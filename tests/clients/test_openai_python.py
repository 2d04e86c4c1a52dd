"""The `openai` package."""

from __future__ import annotations

import shutil

import pytest

from tests.clients.conftest import Caller
from tests.clients.expectations import check_barge_in, check_question_and_tool, check_statuses, sounds_like
from tests.clients.served import ServerProcess


async def test_openai_python_holds_a_conversation(call: Caller) -> None:
    made = await call("openai_python")
    seen, wire = made.seen, made.wire
    check_statuses(wire)

    check_question_and_tool(wire)
    assert "london" in seen["weather"]["asked"].lower()
    assert seen["calls"] == [{"name": "get_weather", "city": "London"}]
    assert sounds_like(await made.heard("weather"), "Foggy, twelve degrees.")

    heard = check_barge_in(wire)
    assert seen["barge_in"]["is_that_item"]
    assert seen["barge_in"]["left"] == seen["barge_in"]["said"] == heard
    assert sounds_like(await made.heard("repeat"), heard)

    assert seen["push_to_talk"]["turn_detection"] is None
    assert "42" in seen["push_to_talk"]["said"]


async def test_openai_python_has_speech_written_down(call: Caller) -> None:
    made = await call("openai_python", "transcription.py")
    seen, wire = made.seen, made.wire
    assert "intent=transcription" in wire.request_line
    assert wire.errors() == []
    assert seen["type"] == "transcription"
    assert seen["manual"]

    asked = ["What is the weather in London?", "What time is it?", "What is seven times six?"]
    assert len(seen["heard"]) == 3
    assert all(sounds_like(heard, said) for heard, said in zip(seen["heard"], asked, strict=True))
    deltas = wire.received("conversation.item.input_audio_transcription.delta")
    for completed in wire.received("conversation.item.input_audio_transcription.completed"):
        pieces = [event["delta"] for event in deltas if event["item_id"] == completed["item_id"]]
        assert "".join(pieces) == completed["transcript"]


@pytest.mark.skipif(shutil.which("apertium") is None, reason="needs Apertium: apt install apertium apertium-eng-spa")
async def test_openai_python_has_speech_translated_while_it_is_spoken(call: Caller) -> None:
    made = await call("openai_python", "translation.py")
    seen = made.seen
    assert seen["language"] == "es"
    assert sounds_like(seen["source"], "The train to London is late today. My brother has two children.")
    assert "tren" in seen["target"]
    assert "Londres" in seen["target"]
    assert "hermano" in seen["target"]
    assert seen["sound_ms"] > 3000
    assert seen["early_ms"] > 500
    assert made.wire.server.messages[-1][1]["type"] == "session.closed"


async def test_openai_python_mints_client_secrets_and_uses_them(call: Caller) -> None:
    key = "sk-test-of-stock-clients"
    with ServerProcess("--api-key", key) as keyed:
        made = await call("openai_python", "client_secret.py", to=keyed, SERVER_KEY=key)
    seen = made.seen
    assert seen["wrong_key"] == seen["wrong_key_on_socket"] == 401
    assert seen["value"] == "ek_"
    assert seen["minted"] == seen["created"] == "Your name is Ada."
    assert "Ada" in seen["name"]
    assert seen["update"] == "error"
    assert seen["used_twice"] == 401
