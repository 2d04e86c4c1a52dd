"""Whatever the `openai` package's types can say, our wire carries unchanged, and what we write, those types accept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from openai.types.realtime.realtime_translation_client_event import RealtimeTranslationClientEvent
from openai.types.realtime.realtime_translation_server_event import RealtimeTranslationServerEvent
from pydantic import TypeAdapter

from realtime_agent.protocol import InputAudioBufferAppend, UnknownEvent, decode_client, decode_server, encode
from realtime_agent.protocol.translation import decode_translation_client, decode_translation_server
from tests.wire_samples import (
    SDK_CLIENT_EVENTS,
    SDK_SERVER_EVENTS,
    SDK_TRANSLATION_CLIENT_EVENTS,
    SDK_TRANSLATION_SERVER_EVENTS,
    messages,
)

# The SDK parses leniently by itself; a TypeAdapter refuses a wrong or unknown shape.
SDK_CLIENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
SDK_SERVER: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
SDK_TRANSLATION_CLIENT: TypeAdapter[Any] = TypeAdapter(RealtimeTranslationClientEvent)
SDK_TRANSLATION_SERVER: TypeAdapter[Any] = TypeAdapter(RealtimeTranslationServerEvent)

SIDES = {
    "client": (SDK_CLIENT, SDK_CLIENT_EVENTS, decode_client),
    "server": (SDK_SERVER, SDK_SERVER_EVENTS, decode_server),
    "translation client": (SDK_TRANSLATION_CLIENT, SDK_TRANSLATION_CLIENT_EVENTS, decode_translation_client),
    "translation server": (SDK_TRANSLATION_SERVER, SDK_TRANSLATION_SERVER_EVENTS, decode_translation_server),
}
# Events that hold items, configurations or responses have a thousand shapes, the others a handful.
RICH = {"session.update", "conversation.item.create", "response.create", "session.created", "response.done"}
CASES = [(side, kind) for side, (_, events, _) in SIDES.items() for kind in events]


@pytest.mark.parametrize(("side", "kind"), CASES, ids=[f"{side}: {kind}" for side, kind in CASES])
def test_an_event_of_the_sdk_is_carried_unchanged(side: str, kind: str) -> None:
    sdk, events, decode = SIDES[side]

    @settings(max_examples=100 if kind in RICH else 6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(message=messages(events[kind]))
    def check(message: dict[str, Any]) -> None:
        sdk.validate_python(message)  # the sample itself is sound

        event = decode(json.dumps(message))

        assert not isinstance(event, UnknownEvent)
        assert event.type == kind
        written = json.loads(encode(event))
        if isinstance(event, InputAudioBufferAppend) and event.event_id is None:
            message.pop("event_id", None)  # the hot event does not tell null from absent
        assert written == message
        assert sdk.validate_python(written).type == kind
        assert decode(encode(event)) == event

    check()
