"""Our events against the `openai` package's: every event, and every field of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from realtime_agent.protocol import CLIENT_EVENTS, SERVER_EVENTS, ResponseConfig, SessionConfig
from realtime_agent.protocol.translation import TRANSLATION_CLIENT_EVENTS, TRANSLATION_SERVER_EVENTS
from tests.wire_samples import (
    SDK_CLIENT_EVENTS,
    SDK_SERVER_EVENTS,
    SDK_TRANSLATION_CLIENT_EVENTS,
    SDK_TRANSLATION_SERVER_EVENTS,
    paths,
)

PAIRS: list[tuple[dict[str, Any], dict[str, type[BaseModel]]]] = [
    (CLIENT_EVENTS, SDK_CLIENT_EVENTS),
    (SERVER_EVENTS, SDK_SERVER_EVENTS),
    (TRANSLATION_CLIENT_EVENTS, SDK_TRANSLATION_CLIENT_EVENTS),
    (TRANSLATION_SERVER_EVENTS, SDK_TRANSLATION_SERVER_EVENTS),
]
EVENTS = [(kind, ours[kind], sdk[kind]) for ours, sdk in PAIRS for kind in sdk]

# Fields that the SDK requires and we do not: a live server leaves them out, or our class stands for several of theirs.
LENIENT = {
    "event_id",  # compatible servers
    "item.content",  # xAI's response.output_item.*; from a client it is required all the same (torture)
    "response.output[].content",
    "response.input[].content",
    "part",  # xAI's response.content_part.done
    "error.message",
    "content_index",  # transcription events of compatible servers
    "usage",
    "usage.input_tokens",  # usage is by tokens or by seconds
    "usage.output_tokens",
    "usage.total_tokens",
    "usage.seconds",
    "name",  # older servers' function_call_arguments.done
    "logprobs[].bytes",
    "item.error.code",  # of the three MCP errors one has no code
    "response.input[].error.code",
    "response.output[].error.code",
    "session.id",  # a translation session's configuration is one class for both directions
    "session.audio",
    "session.model",
    "session.expires_at",
}


def our_paths(event: type) -> dict[str, bool]:
    if not dataclasses.is_dataclass(event):
        return paths(event)
    missing = dataclasses.MISSING
    fields = {field.name: field.default is missing for field in dataclasses.fields(event) if field.name != "extra"}
    if "response_id" in fields:
        fields["delta"] = fields.pop("audio")
    return fields


def test_there_are_eleven_client_and_forty_six_server_events() -> None:
    assert set(CLIENT_EVENTS) == set(SDK_CLIENT_EVENTS)
    assert set(SERVER_EVENTS) == set(SDK_SERVER_EVENTS)
    assert set(TRANSLATION_CLIENT_EVENTS) == set(SDK_TRANSLATION_CLIENT_EVENTS)
    assert set(TRANSLATION_SERVER_EVENTS) == set(SDK_TRANSLATION_SERVER_EVENTS)
    assert (len(CLIENT_EVENTS), len(SERVER_EVENTS)) == (11, 46)


@pytest.mark.parametrize("kind", [*CLIENT_EVENTS, *SERVER_EVENTS])
def test_a_class_is_named_as_its_event(kind: str) -> None:
    words = kind.replace(".", "_").split("_")
    expected = "ErrorEvent" if kind == "error" else "".join(word.capitalize() for word in words)
    assert (CLIENT_EVENTS | SERVER_EVENTS)[kind].__name__ == expected


@pytest.mark.parametrize(("kind", "ours", "sdk"), EVENTS, ids=[f"{ours.__name__}" for _, ours, _ in EVENTS])
def test_no_field_of_the_sdk_is_missing(kind: str, ours: type, sdk: type[BaseModel]) -> None:
    expected = {path for path in paths(sdk) if path != "type"}
    # Values of prompt variables and their cache hints belong to another API; they are carried as they are.
    expected = {path for path in expected if "prompt.variables." not in path}
    assert expected - set(our_paths(ours)) == set()


@pytest.mark.parametrize(("kind", "ours", "sdk"), EVENTS, ids=[f"{ours.__name__}" for _, ours, _ in EVENTS])
def test_no_field_is_required_that_the_sdk_does_not_require(kind: str, ours: type, sdk: type[BaseModel]) -> None:
    theirs = paths(sdk)
    ours_required = {path for path, required in our_paths(ours).items() if required}
    assert {path for path in ours_required if not theirs.get(path, True)} == set()


def test_what_the_sdk_requires_is_required_but_for_known_leniency() -> None:
    lenient = set()
    for _, ours, sdk in EVENTS:
        our = our_paths(ours)
        # A `type` that tells variants apart has a default in ours, and is required of clients all the same (torture).
        required = {path for path, needed in paths(sdk).items() if needed and path.rpartition(".")[2] != "type"}
        lenient |= {path for path in required if not our.get(path, True)}
    assert lenient == LENIENT


def test_the_document_names_every_event_and_every_field_of_a_configuration() -> None:
    document = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    fields = {*SessionConfig.model_fields, *ResponseConfig.model_fields} - {"audio"}
    fields |= {path for path in paths(SessionConfig) if path.startswith("audio.") and path.count(".") == 2}
    for name in {*CLIENT_EVENTS, *SERVER_EVENTS, *fields}:
        assert f"`{name}`" in document, name
