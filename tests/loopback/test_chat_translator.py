"""ChatTranslator against a real HTTP server on the loopback."""

from __future__ import annotations

import pytest

from realtime_agent.engine.translation.chat import ChatTranslator
from realtime_agent.errors import EngineError
from tests.loopback.test_chat_brain import Answer, serving, sse


def said(*texts: str) -> Answer:
    return sse(*({"choices": [{"delta": {"content": text}}]} for text in texts))


async def test_a_chat_model_is_told_what_to_translate_and_nothing_else() -> None:
    async with serving(said("Hola", ", mundo.", " ")) as server:
        translator = ChatTranslator(server.url, "some-model", "a-key")
        await translator.start()
        assert await translator.translate("Hello, world.", source="en", target="es") == "Hola, mundo."
        await translator.close()
    [body] = server.bodies
    assert body["model"] == "some-model"
    assert body["temperature"] == 0
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "from English into Spanish" in body["messages"][0]["content"]
    assert body["messages"][1]["content"] == "Hello, world."


async def test_its_pairs_are_those_that_it_was_given() -> None:
    translator = ChatTranslator("http://localhost:9/v1", "m", sources=["en", "es"], targets=["es-ES", "de"])
    assert list(translator.pairs) == [("en", "es"), ("en", "de"), ("es", "de")]
    with pytest.raises(EngineError) as failed:
        await translator.translate("Hello.", source="en", target="it")
    assert failed.value.code == "unsupported_pair"


async def test_silence_costs_no_request() -> None:
    translator = ChatTranslator("http://localhost:9/v1", "m")
    assert await translator.translate("  ", source="en", target="es") == ""
    await translator.close()


async def test_a_server_that_refuses_is_an_engine_error() -> None:
    async with serving(Answer(['{"error": {"message": "no"}}'], status=401, type="application/json")) as server:
        translator = ChatTranslator(server.url, "m")
        with pytest.raises(EngineError) as failed:
            await translator.translate("Hello.", source="en", target="es")
        await translator.close()
    assert failed.value.code == "brain_auth"


async def test_a_model_that_does_not_stop_is_stopped() -> None:
    async with serving(said(*["blah " * 100] * 50)) as server:
        translator = ChatTranslator(server.url, "m")
        with pytest.raises(EngineError) as failed:
            await translator.translate("Hello.", source="en", target="es")
        await translator.close()
    assert failed.value.code == "translator_failed"
