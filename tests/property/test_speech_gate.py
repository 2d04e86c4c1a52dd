"""From verdicts on frames to where speech begins and ends."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.audio.speech_gate import GateState, SpeechEdge, SpeechGate
from realtime_agent.errors import ConfigError

_RATE_HZ = 1000  # so that a sample is a millisecond
_VERDICTS = st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=200)
_SETTINGS = st.fixed_dictionaries(
    {
        "prefix_padding_ms": st.integers(0, 400),
        "silence_duration_ms": st.integers(0, 600),
        "min_speech_ms": st.integers(0, 200),
        "gap_ms": st.integers(0, 100),
    }
)


def _run(gate: SpeechGate, *spans: tuple[int, bool]) -> list[SpeechEdge]:
    """Feed spans of milliseconds, in frames of 20."""
    edges = (gate.process(20, speech) for ms, speech in spans for _ in range(ms // 20))
    return [edge for edge in edges if edge is not None]


@given(_VERDICTS, _SETTINGS)
def test_onsets_and_offsets_alternate_and_utterances_never_overlap(
    verdicts: list[tuple[int, bool]], settings: dict[str, int]
) -> None:
    gate = SpeechGate(_RATE_HZ, **settings)
    edges = [edge for samples, speech in verdicts if (edge := gate.process(samples, speech))]
    assert [edge.kind for edge in edges] == [("onset", "offset")[index % 2] for index in range(len(edges))]
    assert all(edge.at <= edge.heard <= gate.position for edge in edges)
    assert all(first.at <= second.at for first, second in itertools.pairwise(edges))
    assert gate.speaking == bool(edges and edges[-1].kind == "onset")
    assert gate.position == sum(samples for samples, _ in verdicts)


@given(_VERDICTS, _SETTINGS, st.integers(0, 200))
def test_an_offset_needs_its_silence_and_an_onset_its_speech(
    verdicts: list[tuple[int, bool]], settings: dict[str, int], reset_at: int
) -> None:
    gate = SpeechGate(_RATE_HZ, **settings)
    silence = speech_seen = 0
    for index, (samples, speech) in enumerate(verdicts):
        if index == reset_at:
            gate.reset()
            speech_seen = 0
        edge = gate.process(samples, speech)
        silence = 0 if speech else silence + samples
        speech_seen += samples if speech else 0
        if edge is not None and edge.kind == "offset":
            assert silence >= settings["silence_duration_ms"]
            assert edge.at == gate.position
            speech_seen = 0
        if edge is not None and edge.kind == "onset":
            assert speech
            assert speech_seen >= settings["min_speech_ms"]


def test_an_onset_is_dated_back_and_an_offset_holds_its_silence() -> None:
    gate = SpeechGate(_RATE_HZ, prefix_padding_ms=300, silence_duration_ms=500)
    edges = _run(gate, (1000, False), (400, True), (1000, False))
    assert edges == [SpeechEdge("onset", 700, 1020), SpeechEdge("offset", 1900, 1900)]


def test_the_prefix_reaches_neither_before_the_start_nor_into_the_utterance_before() -> None:
    gate = SpeechGate(_RATE_HZ, prefix_padding_ms=300, silence_duration_ms=100)
    edges = _run(gate, (100, False), (200, True), (200, False), (100, True))
    assert [edge.at for edge in edges] == [0, 400, 400]


def test_a_cough_is_no_onset_and_is_forgotten() -> None:
    gate = SpeechGate(_RATE_HZ, min_speech_ms=100, gap_ms=60)
    assert _run(gate, (60, True), (100, False), (60, True), (100, False)) == []
    assert gate.state is GateState.QUIET


def test_a_short_gap_does_not_make_a_pending_onset_forgotten() -> None:
    gate = SpeechGate(_RATE_HZ, min_speech_ms=100, gap_ms=60, prefix_padding_ms=0)
    assert _run(gate, (60, True), (60, False), (60, True)) == [SpeechEdge("onset", 0, 160)]


def test_a_pause_shorter_than_the_silence_is_part_of_the_utterance() -> None:
    gate = SpeechGate(_RATE_HZ, silence_duration_ms=500)
    edges = _run(gate, (200, True), (480, False), (200, True), (500, False))
    assert [edge.kind for edge in edges] == ["onset", "offset"]
    assert edges[1].at == 1380


def test_resetting_drops_the_utterance_and_the_next_begins_after_it() -> None:
    gate = SpeechGate(_RATE_HZ, prefix_padding_ms=300)
    _run(gate, (400, True))
    gate.reset()
    assert not gate.speaking
    assert _run(gate, (100, True)) == [SpeechEdge("onset", 400, 420)]


def test_settings_can_change_in_the_middle_and_must_make_sense() -> None:
    gate = SpeechGate(_RATE_HZ, silence_duration_ms=500)
    _run(gate, (200, True), (200, False))
    gate.configure(silence_duration_ms=200)
    assert [edge.kind for edge in _run(gate, (20, False))] == ["offset"]
    with pytest.raises(ConfigError, match="silence_duration_ms"):
        gate.configure(silence_duration_ms=-1)
