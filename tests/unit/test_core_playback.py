"""The playback ledger, sample by sample."""

from __future__ import annotations

import pytest

from realtime_agent.core.alignment import Alignment, heard_text
from realtime_agent.core.playback import Part, PlaybackLedger
from realtime_agent.protocol import PCM, PCMU


def _ledger(*spans: tuple[str, str, int]) -> tuple[PlaybackLedger, dict[str, Part]]:
    ledger = PlaybackLedger(PCM)
    parts = {}
    for response_id, item_id, samples in spans:
        parts[item_id] = ledger.part(response_id, item_id, 0)
        ledger.queue(parts[item_id], bytes(2 * samples))
    return ledger, parts


def test_samples_are_heard_in_the_order_in_which_they_came() -> None:
    ledger, parts = _ledger(("r1", "a", 1000), ("r1", "b", 1000))
    ledger.moved(1500, playing=True)
    assert (parts["a"].heard_samples, parts["b"].heard_samples) == (1000, 500)
    assert ledger.audible


def test_a_dry_edge_at_the_end_leaves_nothing_to_hear() -> None:
    ledger, parts = _ledger(("r1", "a", 1000))
    ledger.moved(1000, playing=False)
    assert not ledger.audible
    assert parts["a"].heard_samples == 1000


def test_the_part_that_begins_at_a_playing_edge_is_touched_before_any_sample_was_counted() -> None:
    ledger, parts = _ledger(("r1", "a", 1000))
    assert ledger.moved(0, playing=False) == []
    assert ledger.moved(0, playing=True) == [parts["a"]]


def test_a_flush_settles_what_was_heard_and_the_next_audio_begins_at_its_position() -> None:
    ledger, parts = _ledger(("r1", "a", 1000), ("r1", "b", 1000))
    ledger.begin_flush()
    assert ledger.flushed(600) == [parts["a"], parts["b"]]
    assert (parts["a"].heard_samples, parts["b"].heard_samples) == (600, 0)
    c = ledger.part("r2", "c", 0)
    ledger.queue(c, bytes(2 * 500))
    ledger.moved(700, playing=True)
    assert c.heard_samples == 100


def test_audio_queued_between_a_flush_and_its_answer_belongs_to_what_comes_after() -> None:
    ledger, parts = _ledger(("r1", "a", 1000))
    ledger.begin_flush()
    b = ledger.part("r2", "b", 0)
    ledger.queue(b, bytes(2 * 300))
    ledger.flushed(250)
    assert (parts["a"].heard_samples, b.heard_samples) == (250, 0)
    ledger.moved(350, playing=True)
    assert b.heard_samples == 100


def test_two_flushes_are_answered_in_their_order() -> None:
    ledger, parts = _ledger(("r1", "a", 1000))
    ledger.begin_flush()
    b = ledger.part("r2", "b", 0)
    ledger.queue(b, bytes(2 * 1000))
    ledger.begin_flush()
    ledger.flushed(100)
    assert ledger.flushing
    ledger.flushed(150)
    assert (parts["a"].heard_samples, b.heard_samples) == (100, 50)
    assert not ledger.flushing


def test_a_position_never_goes_back_and_never_beyond_what_was_queued() -> None:
    ledger, parts = _ledger(("r1", "a", 1000))
    ledger.moved(900, playing=True)
    ledger.moved(100, playing=True)
    assert parts["a"].heard_samples == 900
    ledger.moved(99_999, playing=True)
    assert parts["a"].heard_samples == 1000
    assert ledger.position == 1000


def test_a_resampler_that_keeps_a_few_samples_does_not_add_up_over_a_session() -> None:
    ledger = PlaybackLedger(PCM)
    played = 0
    for turn in range(50):
        part = ledger.part(f"r{turn}", f"i{turn}", 0)
        ledger.queue(part, bytes(2 * 10_000))
        played += 9_990  # ten samples a turn never come out
        ledger.moved(played, playing=False)
        assert not ledger.audible
    part = ledger.part("last", "last", 0)
    ledger.queue(part, bytes(2 * 10_000))
    ledger.begin_flush()
    ledger.flushed(played + 4_000)
    assert part.heard_samples == 4_000


def test_samples_that_come_after_a_short_dry_edge_take_the_correction_back() -> None:
    ledger, _ = _ledger(("r1", "a", 1000))
    ledger.moved(990, playing=False)
    ledger.moved(1000, playing=False)  # they were only late
    b = ledger.part("r2", "b", 0)
    ledger.queue(b, bytes(2 * 1000))
    ledger.moved(1500, playing=True)
    assert b.heard_samples == 500


def test_a_dry_edge_far_from_the_end_is_an_underrun_and_nothing_is_lost() -> None:
    ledger, parts = _ledger(("r1", "a", 24_000))
    ledger.moved(12_000, playing=False)
    assert ledger.audible
    ledger.moved(12_000, playing=True)
    ledger.moved(24_000, playing=False)
    assert parts["a"].heard_samples == 24_000


def test_a_sample_cut_in_two_by_a_delta_is_played_whole() -> None:
    ledger = PlaybackLedger(PCM)
    part = ledger.part("r", "i", 0)
    chunks = [ledger.queue(part, chunk) for chunk in (b"\x01", b"\x02\x03", b"\x04\x05\x06")]
    assert chunks == [b"", b"\x01\x02", b"\x03\x04\x05\x06"]
    assert part.received_samples == 3


def test_g711_counts_a_byte_a_sample() -> None:
    ledger = PlaybackLedger(PCMU)
    part = ledger.part("r", "i", 0)
    ledger.queue(part, bytes(801))
    assert part.received_samples == 801


def test_the_boundary_to_the_next_response_is_known_and_none_where_there_is_none() -> None:
    ledger, _ = _ledger(("r1", "a", 1000), ("r1", "b", 500), ("r2", "c", 100))
    ledger.moved(200, playing=True)
    assert ledger.next_boundary_samples() == 1300
    ledger.moved(1500, playing=True)
    assert ledger.next_boundary_samples() is None


def test_the_ledger_stays_small_over_a_long_session() -> None:
    ledger = PlaybackLedger(PCM)
    played = 0
    for turn in range(5_000):
        part = ledger.part(f"r{turn}", f"i{turn}", 0)
        ledger.queue(part, bytes(200))
        played += 100
        ledger.moved(played, playing=False)
    assert len(ledger._items) <= 512
    assert len(ledger._spans) == 0


def test_a_server_that_hops_between_items_with_every_delta_is_bounded() -> None:
    ledger = PlaybackLedger(PCM)
    parts = [ledger.part("r", f"i{n}", 0) for n in range(2)]
    for n in range(10_000):
        ledger.queue(parts[n % 2], bytes(2))
    assert len(ledger._spans) <= 4096


# -- which text goes with which audio


def test_without_marks_the_text_goes_in_proportion() -> None:
    assert Alignment().heard_chars(500, 1000, 80) == 40


def test_text_that_comes_clause_by_clause_before_its_audio_is_cut_at_the_clause() -> None:
    alignment = Alignment()
    alignment.text_arrived(0, 0)
    alignment.text_arrived(24_000, 20)  # one second for twenty characters
    alignment.text_arrived(60_000, 40)  # one and a half for the next twenty
    assert alignment.heard_chars(24_000, 100_000, 70) == 20
    assert alignment.heard_chars(60_000, 100_000, 70) == 40
    assert alignment.heard_chars(42_000, 100_000, 70) == 30


def test_text_that_runs_far_ahead_of_the_audio_is_not_taken_for_an_alignment() -> None:
    alignment = Alignment()
    alignment.text_arrived(0, 0)
    alignment.text_arrived(2_000, 90)  # nearly all the text within a tenth of a second of audio
    assert alignment.heard_chars(50_000, 100_000, 100) == 50


def test_times_that_the_server_reports_win_over_the_order_of_arrival() -> None:
    alignment = Alignment()
    alignment.text_arrived(0, 0)
    alignment.text_begins(0, 0)
    alignment.text_arrived(0, 10)
    alignment.text_begins(80_000, 10)
    assert alignment.heard_chars(80_000, 100_000, 100) == 10
    assert alignment.heard_chars(90_000, 100_000, 100) == 55


def test_marks_are_bounded() -> None:
    alignment = Alignment()
    for n in range(100_000):
        alignment.text_arrived(n * 10, n)
    assert len(alignment._interleaved) <= 512
    assert abs(alignment.heard_chars(500_000, 1_000_000, 100_000) - 50_000) < 300


@pytest.mark.parametrize(
    ("chars", "expected"),
    [(0, ""), (3, ""), (5, "Hello"), (6, "Hello"), (8, "Hello"), (11, "Hello there"), (99, "Hello there")],
)
def test_a_word_cut_in_the_middle_does_not_count_as_heard(chars: int, expected: str) -> None:
    assert heard_text("Hello there", chars) == expected
