"""The default engine behind the embedded model: real models, real speech, no network."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from realtime_agent.audio.resample import resample
from realtime_agent.engine import Engine, default_engine
from realtime_agent.transports.model.embedded import EmbeddedModel
from tests.loopback.test_embedded_model import Client

pytest.importorskip("moonshine_voice")
pytest.importorskip("py_nanotts")

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    engine = default_engine()
    await engine.start()
    yield engine
    await engine.close()


async def saying(engine: Engine, text: str) -> bytes:
    """A sentence by another voice, with silence around it, as the wire wants it."""
    pieces = [piece.pcm async for piece in engine.voice.speak(text, voice="sage")]
    return bytes(48 * 300) + resample(b"".join(pieces), engine.voice.rate_hz, 24_000) + bytes(48 * 800)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_question_a_tool_and_a_barge_in(engine: Engine) -> None:
    client = Client()
    client.connection = await EmbeddedModel(engine).connect(client)
    transcription = {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}
    client.send("session.update", session={"type": "realtime", "tools": [WEATHER], **transcription})

    client.hear(await saying(engine, "What is the weather in London?"))
    [call] = (await client.response())["output"]
    assert call["name"] == "get_weather"
    assert json.loads(call["arguments"])["city"].rstrip(".") == "London"

    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "foggy, 12 degrees"}
    client.send("conversation.item.create", item=output)
    client.send("response.create")
    [answer] = (await client.response(2))["output"]
    assert "12" in answer["content"][0]["transcript"]

    sound = b"".join(base64.b64decode(event["delta"]) for event in client.of("response.output_audio.delta"))
    assert len(sound) > 48 * 500
    client.send("conversation.item.truncate", item_id=answer["id"], content_index=0, audio_end_ms=400)
    await client.event("conversation.item.truncated")

    client.hear(await saying(engine, "What time is it?"))
    assert (await client.response(3))["status"] == "completed"
    completed = client.of("conversation.item.input_audio_transcription.completed")
    assert len(completed) == 2
    assert "time" in completed[1]["transcript"].lower()
    client.checker.finish()
    await client.connection.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_sessions_share_the_engine(engine: Engine) -> None:
    model = EmbeddedModel(engine)
    clients = [Client() for _ in range(3)]
    for client in clients:
        client.connection = await model.connect(client)
    for index, client in enumerate(clients):
        client.write(f"What is {index} plus 1?")
        client.send("response.create")
    for index, client in enumerate(clients):
        [answer] = (await client.response())["output"]
        assert str(index + 1) in answer["content"][0]["transcript"]
    await asyncio.gather(*(client.connection.close() for client in clients if client.connection))
