"""A translation session: audio in, and out in another language while somebody still speaks; no turns on the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from openai.types.realtime import RealtimeTranslationServerEvent
from pydantic import TypeAdapter

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import encode
from realtime_agent.server.core.actions import (
    Action,
    ClauseEnded,
    ClauseSpoken,
    ClauseTranslated,
    Emit,
    EndSession,
    EngineOutput,
    Heard,
    HearingFailed,
    Interpret,
    StopTranscribing,
    Transcribe,
)
from realtime_agent.server.core.settings import Capabilities
from realtime_agent.server.core.translation.languages import Translation, translations
from realtime_agent.server.core.translation.session import MAX_CLAUSES, TranslationSession
from tests.fakes_engine import loud, make_loudness_detector, quiet
from tests.order_checker import Json
from tests.server_harness import counting_ids, error_of, kinds

AVAILABLE = {"es": Translation("en", "es", "es-ES"), "de": Translation("en", "de", "de-DE")}
SECOND = 48_000


@cache
def oracle() -> TypeAdapter[Any]:
    return TypeAdapter(RealtimeTranslationServerEvent)


class Booth:
    """A session; the test is the client, the ear, the translator and the voice."""

    def __init__(self, *, eager: bool = True, available: dict[str, Translation] | None = None) -> None:
        self.words: Callable[[float], str] = lambda seconds: "hello there"
        self.eager = eager
        self.events: list[Json] = []
        self.work: list[Action] = []
        self.ended: int = 0
        self.session = TranslationSession(
            model="test-model",
            expires_at=1_800_000_000,
            new_id=counting_ids(),
            make_detector=make_loudness_detector,
            capabilities=Capabilities(voices=("es-ES", "de-DE"), languages=("en",)),
            available=AVAILABLE if available is None else available,
        )
        self.session.start(0.0)
        self._settle()

    def send(self, type: str, **fields: Any) -> list[Json]:
        seen = len(self.events)
        try:
            event = self.session.decode(json.dumps({"type": type, **fields}))
        except RemoteProtocolError as error:
            self.session.refuse(error, error.event_id)
        else:
            self.session.receive(event, 0.0)
        self._settle()
        return self.events[seen:]

    def update(self, **audio: Any) -> list[Json]:
        return self.send("session.update", event_id="mine", session={"audio": audio})

    def hear(self, pcm: bytes, *, step_bytes: int = 9600) -> list[Json]:
        seen = len(self.events)
        for offset in range(0, len(pcm), step_bytes):
            piece = base64.b64encode(pcm[offset : offset + step_bytes]).decode()
            self.send("session.input_audio_buffer.append", audio=piece)
        return self.events[seen:]

    def answer(self, output: EngineOutput) -> list[Json]:
        seen = len(self.events)
        self.session.answer(output, 0.0)
        self._drain()
        return self.events[seen:]

    def run_engine(self) -> None:
        while self.work:
            action = self.work.pop(0)
            match action:
                case Transcribe(item_id=item_id, revision=revision, pcm=pcm):
                    self.answer(Heard(item_id, revision, self.words(len(pcm) / 2 / action.rate_hz)))
                case Interpret(clause_id=clause_id, text=text, target=target):
                    self.answer(ClauseTranslated(clause_id, f"{target}<{text}>"))
                    self.answer(ClauseSpoken(clause_id, loud(500)))
                    self.answer(ClauseEnded(clause_id))

    def _settle(self) -> None:
        self._drain()
        if self.eager:
            self.run_engine()

    def _drain(self) -> None:
        for action in self.session.actions():
            match action:
                case Emit(event=event):
                    assert not self.ended, "an event after the end"
                    wire = json.loads(encode(event))
                    oracle().validate_python(wire)
                    self.events.append(wire)
                case EndSession():
                    self.ended += 1
                case StopTranscribing():
                    pass
                case _:
                    self.work.append(action)

    def of(self, type: str) -> list[Json]:
        return [event for event in self.events if event["type"] == type]

    def text(self, side: str = "output") -> str:
        return "".join(event["delta"] for event in self.of(f"session.{side}_transcript.delta"))

    @property
    def clauses(self) -> list[Interpret]:
        return [action for action in self.work if isinstance(action, Interpret)]


SPEECH = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of folly."


def word_by_word(seconds: float) -> str:
    """Somebody who says three words a second."""
    return " ".join(SPEECH.split()[: int(seconds * 3)])


def test_the_greeting_tells_the_whole_configuration() -> None:
    session = Booth().events[0]["session"]
    assert session["type"] == "translation"
    assert session["model"] == "test-model"
    assert session["expires_at"] == 1_800_000_000
    assert session["audio"] == {"input": {"transcription": None, "noise_reduction": None}, "output": {"language": "es"}}


def test_what_is_said_is_said_in_the_other_language() -> None:
    booth = Booth()
    booth.hear(quiet(400) + loud(1000) + quiet(1000))
    assert booth.text() == "es<hello there>"
    sound = b"".join(base64.b64decode(event["delta"]) for event in booth.of("session.output_audio.delta"))
    assert sound == loud(500)
    assert kinds(booth.events[1:]) == ["session.output_transcript.delta", "session.output_audio.delta"]


def test_the_translation_is_spoken_while_the_speaker_still_talks() -> None:
    booth = Booth()
    booth.words = word_by_word
    booth.hear(loud(6000))
    assert "es<It was the best of times,> es<it was the worst of times,>" in booth.text()
    assert booth.of("session.output_audio.delta")


def test_the_speakers_words_are_shown_only_where_they_are_wanted() -> None:
    booth = Booth()
    booth.hear(loud(1000) + quiet(1000))
    assert booth.of("session.input_transcript.delta") == []
    booth.update(input={"transcription": {"model": "gpt-realtime-whisper"}})
    booth.hear(loud(1000) + quiet(1000))
    assert booth.text("input").strip() == "hello there"
    booth.update(input={"transcription": None})
    booth.hear(loud(1000) + quiet(1000))
    assert booth.text("input").strip() == "hello there"


def test_both_texts_only_grow_and_have_spaces_between_what_was_said_apart() -> None:
    booth = Booth()
    booth.update(input={"transcription": {"model": "x"}})
    for _ in range(3):
        booth.hear(loud(1000) + quiet(1000))
    assert booth.text("input") == "hello there hello there hello there"
    assert booth.text() == "es<hello there> es<hello there> es<hello there>"


def test_the_language_can_change_between_clauses() -> None:
    booth = Booth()
    booth.hear(loud(1000) + quiet(1000))
    [answer] = booth.update(output={"language": "de"})
    assert answer["session"]["audio"]["output"]["language"] == "de"
    booth.hear(loud(1000) + quiet(1000))
    assert booth.text() == "es<hello there> de<hello there>"


def test_closing_flushes_everything_and_ends() -> None:
    booth = Booth()
    booth.words = word_by_word
    booth.hear(loud(4000))
    before = booth.text()
    events = booth.send("session.close")
    assert booth.text().startswith(before)
    assert booth.text() == "es<It was the best of times,> es<it was the worst of times,>"
    assert events[-1]["type"] == "session.closed"
    assert booth.ended == 1


def test_closing_waits_for_the_engine() -> None:
    booth = Booth(eager=False)
    booth.hear(loud(1000))
    assert booth.send("session.close") == []
    for action in [action for action in booth.work if isinstance(action, Transcribe)]:
        booth.answer(Heard(action.item_id, action.revision, "hello there"))
    [clause] = booth.clauses
    booth.answer(ClauseTranslated(clause.clause_id, "hola"))
    booth.answer(ClauseSpoken(clause.clause_id, loud(100)))
    assert kinds(booth.answer(ClauseEnded(clause.clause_id))) == ["session.closed"]
    assert booth.ended == 1


@pytest.mark.parametrize("audio", [b"", quiet(50), quiet(2000)])
def test_closing_a_session_in_which_nobody_spoke_ends_it_at_once(audio: bytes) -> None:
    booth = Booth()
    booth.hear(audio)
    booth.words = lambda seconds: ""
    assert [event["type"] for event in booth.send("session.close")] == ["session.closed"]


def test_nothing_is_taken_after_closing() -> None:
    booth = Booth(eager=False)
    booth.hear(loud(1000))
    booth.send("session.close")
    for type in ("session.close", "session.update", "session.input_audio_buffer.append"):
        error = error_of(booth.send(type, event_id="late", audio="AAAA", session={}))
        assert (error["code"], error["event_id"]) == ("session_closing", "late")


def test_a_clause_that_fails_is_told_and_left_out() -> None:
    booth = Booth(eager=False)
    for _ in range(2):
        booth.hear(loud(1000) + quiet(1000))
    for action in [action for action in booth.work if isinstance(action, Transcribe)]:
        booth.answer(Heard(action.item_id, action.revision, "hello there"))
    [first] = booth.clauses
    [told] = booth.answer(ClauseEnded(first.clause_id, "It is lost for words.", "translator_failed"))
    assert told["error"]["code"] == "translator_failed"
    assert told["error"]["type"] == "server_error"
    second = booth.clauses[-1]
    assert second.clause_id != first.clause_id
    booth.answer(ClauseTranslated(second.clause_id, "hola"))
    assert booth.text() == "hola"


def test_speech_that_was_not_understood_is_told_and_does_not_hold_up_the_rest() -> None:
    booth = Booth(eager=False)
    for _ in range(2):
        booth.hear(loud(1000) + quiet(1000))
    asked = [action for action in booth.work if isinstance(action, Transcribe)]
    first, second = asked[0].item_id, asked[-1].item_id
    for action in asked:
        if action.item_id == second:
            booth.answer(Heard(second, action.revision, "hello there"))
    assert booth.clauses == []  # the first comes first
    for action in asked:
        if action.item_id == first:
            booth.answer(HearingFailed(first, action.revision, "Deaf."))
    assert [clause.text for clause in booth.clauses] == ["hello there"]
    assert len(booth.of("error")) == 1


def test_too_many_clauses_are_left_out_and_told() -> None:
    booth = Booth(eager=False)
    booth.words = lambda seconds: " ".join(["This is a sentence."] * 100)
    booth.hear(loud(1000) + quiet(1000))
    for action in [action for action in booth.work if isinstance(action, Transcribe)]:
        booth.answer(Heard(action.item_id, action.revision, booth.words(1)))
    assert len(booth.clauses) == 1
    errors = booth.of("error")
    assert len(errors) == 100 - 1 - MAX_CLAUSES
    assert {event["error"]["code"] for event in errors} == {"overloaded"}


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"audio": {"output": {"language": "fr"}}}, "invalid_value", "session.audio.output.language"),
        (
            {"audio": {"input": {"noise_reduction": {"strength": 99.0}}}},
            "invalid_value",
            "session.audio.input.noise_reduction.strength",
        ),
        ({"model": "another"}, "invalid_value", "session.model"),
        ({"type": "realtime"}, "invalid_value", "session.type"),
        ({"instructions": "x"}, "unknown_parameter", "session.instructions"),
        ({"audio": {"output": {"voice": "x"}}}, "unknown_parameter", "session.audio.output.voice"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(session: Json, code: str, param: str) -> None:
    booth = Booth()
    error = error_of(booth.send("session.update", event_id="mine", session=session))
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
    [after] = booth.send("session.update", session={})
    assert after["session"] == booth.events[0]["session"]


def test_the_speaker_can_be_cleaned_of_noise() -> None:
    booth = Booth()
    [answer] = booth.update(input={"noise_reduction": {"type": "far_field"}})
    assert answer["session"]["audio"]["input"]["noise_reduction"] == {"type": "far_field", "strength": 1.0}
    booth.hear(loud(1000) + quiet(1000))
    assert booth.text()
    [answer] = booth.update(input={"noise_reduction": None})
    assert answer["session"]["audio"]["input"]["noise_reduction"] is None


def test_a_language_that_is_not_installed_is_refused_with_those_that_are() -> None:
    error = error_of(Booth().update(output={"language": "fr"}))
    assert "'es' (from 'en'), 'de' (from 'en')" in error["message"]


def test_a_language_may_be_given_with_its_country() -> None:
    booth = Booth()
    [answer] = booth.update(output={"language": "de-DE"})
    assert answer["session"]["audio"]["output"]["language"] == "de-DE"
    booth.hear(loud(1000) + quiet(1000))
    assert booth.text() == "de<hello there>"


def test_without_any_translation_audio_is_refused_with_what_would_help() -> None:
    booth = Booth(available={})
    error = error_of(booth.send("session.input_audio_buffer.append", audio="AAAA"))
    assert "apertium-eng-spa" in error["message"]
    assert booth.events[0]["session"]["audio"]["output"]["language"] is None
    assert booth.send("session.close")[-1]["type"] == "session.closed"


@pytest.mark.parametrize("type", ["input_audio_buffer.append", "response.create", "input_audio_buffer.commit", "x"])
def test_events_of_other_sessions_are_refused_by_name(type: str) -> None:
    error = error_of(Booth().send(type, event_id="mine", audio="AAAA"))
    assert (error["param"], error["event_id"]) == ("type", "mine")
    assert type in error["message"]


def test_half_a_sample_is_refused_and_the_session_goes_on() -> None:
    booth = Booth()
    error = error_of(booth.send("session.input_audio_buffer.append", event_id="mine", audio="AAAAAA=="[:4]))
    assert (error["code"], error["event_id"]) == ("invalid_audio", "mine")
    booth.hear(loud(1000) + quiet(1000))
    assert booth.text() == "es<hello there>"


def test_time_is_counted_in_frames_of_the_speakers_audio() -> None:
    booth = Booth()
    booth.hear(loud(1000) + quiet(1000))
    assert all(event["elapsed_ms"] % 200 == 0 for event in booth.events if "elapsed_ms" in event)
    assert booth.of("session.output_audio.delta")[0]["elapsed_ms"] <= 2000


def test_translations_are_what_ear_translator_and_voice_have_in_common() -> None:
    pairs = [("en", "es"), ("es", "en"), ("en", "ca"), ("en", "de")]
    found = translations(("en",), pairs, ("en-US", "de-DE", "es-ES", "es-MX"))
    assert found == {"es": Translation("en", "es", "es-ES"), "de": Translation("en", "de", "de-DE")}
    assert list(translations((), pairs, ("en-US", "es-ES"))) == ["es", "en"]
    assert translations(("en",), [], ("es-ES",)) == {}
