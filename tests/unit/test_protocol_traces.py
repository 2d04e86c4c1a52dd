"""Recorded conversations with live servers: every message is read, and written as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import UnknownEvent, decode_client, decode_server, encode

TRACES = Path(__file__).parents[2].parent / "shared" / "traces"


def recorded() -> list[Any]:
    found = []
    for path in sorted(TRACES.glob("*.yaml")):
        messages = [m for m in yaml.safe_load(path.read_text())["interactions"] if isinstance(m.get("data"), dict)]
        found += [
            pytest.param(path.stem, m["direction"], m["data"], id=f"{path.stem}-{n}-{m['data'].get('type')}")
            for n, m in enumerate(messages)
        ]
    return found


RECORDED = recorded() or [pytest.param("", "", {}, marks=pytest.mark.skip(reason="no traces beside this checkout"))]

# xAI has messages of its own, and its client need not say which kind of session it configures.
FOREIGN = {"ping"}


@pytest.mark.parametrize(("trace", "direction", "message"), RECORDED)
def test_a_recorded_message_is_read_and_written_as_it_was(trace: str, direction: str, message: dict[str, Any]) -> None:
    data = json.dumps(message)
    if trace.startswith("xai") and message["type"] == "session.update":
        with pytest.raises(RemoteProtocolError) as refused:
            decode_client(data)
        assert refused.value.param == "session.type"
        return
    event = decode_client(data) if direction == "sent" else decode_server(data)
    assert event.type == message["type"]
    assert isinstance(event, UnknownEvent) == (event.type in FOREIGN)
    assert json.loads(encode(event)) == message
