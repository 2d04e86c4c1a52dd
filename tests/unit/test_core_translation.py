"""The client's core of a translation session: text, sound, and an end that is heard to its end."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from realtime_agent.core import inputs
from realtime_agent.core.actions import Close, Emit, Play, Send
from realtime_agent.core.translation import TranslationCore, TranslationPlan
from realtime_agent.errors import PathDead, PeerClosed
from realtime_agent.events import SourceText, TranslatedText
from realtime_agent.protocol import encode
from realtime_agent.protocol.translation import decode_translation_server

SECOND = 48_000


class Booth:
    def __init__(self, **plan: Any) -> None:
        self.core = TranslationCore(TranslationPlan(**{"language": "es", "transcribe": "m", **plan}))
        self.now = 100.0
        self.sent: list[dict[str, Any]] = []
        self.said: list[str] = []
        self.played = b""
        self.closed: list[Close] = []
        self.feed(inputs.Connected())
        self.server("session.created", session={"type": "translation"})
        self.server("session.updated", session={"type": "translation"})
        self.feed(inputs.Opened())

    def server(self, type: str, **fields: Any) -> None:
        self.feed(decode_translation_server(json.dumps({"type": type, "event_id": "event_1", **fields})))

    def sound(self, pcm: bytes) -> None:
        self.server("session.output_audio.delta", delta=base64.b64encode(pcm).decode())

    def feed(self, event: Any) -> None:
        self.core.receive(event, self.now)
        self._drain()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.core.handle_timer(self.now)
        self._drain()

    def _drain(self) -> None:
        for action in self.core.actions():
            match action:
                case Send(event=event):
                    self.sent.append(json.loads(encode(event)))
                case Emit(event=SourceText(delta=delta)):
                    self.said.append(f"en:{delta}")
                case Emit(event=TranslatedText(delta=delta)):
                    self.said.append(f"es:{delta}")
                case Play(audio=audio):
                    self.played += audio
                case Close():
                    self.closed.append(action)


@pytest.mark.parametrize(("model", "transcription"), [("m", {"model": "m"}), (None, None)])
def test_the_session_is_asked_for_a_language(model: str | None, transcription: dict[str, str] | None) -> None:
    [update] = Booth(transcribe=model).sent
    assert update["session"]["audio"] == {"input": {"transcription": transcription}, "output": {"language": "es"}}


def test_texts_are_told_and_sound_is_played_as_they_come() -> None:
    booth = Booth()
    booth.server("session.input_transcript.delta", delta="Hello")
    booth.server("session.output_transcript.delta", delta="Hola")
    booth.sound(b"\1\0" * 100)
    assert booth.said == ["en:Hello", "es:Hola"]
    assert booth.played == b"\1\0" * 100


def test_the_end_is_heard_to_its_end() -> None:
    booth = Booth()
    booth.feed(inputs.MicrophoneEnded())
    assert booth.sent[-1] == {"type": "session.close"}
    booth.sound(bytes(SECOND))
    booth.server("session.closed")
    booth.feed(inputs.Disconnected(PeerClosed("bye", close_code=1000)))
    assert not booth.closed
    booth.feed(inputs.PlaybackMoved(24_000, False))
    assert (booth.closed[0].reason, booth.closed[0].error) == ("user left", None)


def test_an_end_without_sound_is_at_once() -> None:
    booth = Booth()
    booth.feed(inputs.MicrophoneEnded())
    booth.server("session.closed")
    assert booth.closed[0].reason == "user left"


def test_a_speaker_that_never_runs_dry_is_not_waited_for() -> None:
    booth = Booth()
    booth.feed(inputs.MicrophoneEnded())
    booth.sound(bytes(SECOND))
    booth.server("session.closed")
    booth.wait(2.9)
    assert not booth.closed
    booth.wait(0.2)
    assert booth.closed[0].error is None


def test_a_connection_that_breaks_before_the_end_is_a_fault() -> None:
    booth = Booth()
    booth.feed(inputs.MicrophoneEnded())
    error = PathDead("silent")
    booth.feed(inputs.Disconnected(error))
    assert booth.closed[0].error is error


def test_a_server_that_ends_by_itself_ends_the_session() -> None:
    booth = Booth()
    booth.server("session.closed")
    assert booth.closed[0].reason == "server left"


def test_nobody_hears_where_nobody_listens() -> None:
    booth = Booth(plays=False)
    booth.sound(bytes(SECOND))
    assert booth.played == b""
    assert not booth.core.audible
