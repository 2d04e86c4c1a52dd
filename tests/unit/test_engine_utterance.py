"""An utterance in pieces, and text without what the model makes up."""

from __future__ import annotations

import numpy as np
import pytest

from realtime_agent.engine.utterance import (
    LONGEST_PIECE_SAMPLES,
    MARGIN_SAMPLES,
    RATE_HZ,
    SHORTEST_PIECE_SAMPLES,
    Samples,
    believable,
    collapse_loops,
    find_piece,
    trim_silence,
)


def _speech(duration_s: float, *, seed: int = 0) -> Samples:
    noise = np.random.default_rng(seed).normal(0, 3000, int(duration_s * RATE_HZ))
    return noise.clip(-32768, 32767).astype(np.int16)


def _silence(duration_s: float) -> Samples:
    return np.zeros(int(duration_s * RATE_HZ), np.int16)


def _pieces(pcm: Samples) -> list[Samples]:
    pieces = []
    while (length := find_piece(pcm)) is not None:
        pieces.append(pcm[:length])
        pcm = pcm[length:]
    return [*pieces, pcm]


@pytest.mark.parametrize("duration_s", [0, 0.01, 5, 11.9])
def test_a_short_utterance_is_one_open_piece(duration_s: float) -> None:
    assert find_piece(_speech(duration_s)) is None


def test_a_piece_is_settled_once_speech_follows_its_pause() -> None:
    spoken = np.concatenate([_speech(7), _silence(0.5)])
    assert find_piece(spoken) is None
    assert find_piece(np.concatenate([spoken, _speech(0.1)])) == 7.26 * RATE_HZ
    early = np.concatenate([_speech(4), _silence(0.5), _speech(4)])
    assert find_piece(early) is None  # short pieces cost words


def test_a_long_utterance_is_cut_where_it_pauses() -> None:
    pcm = np.concatenate([_speech(8), _silence(0.4), _speech(9)])
    first, second = _pieces(pcm)
    assert 8.0 <= len(first) / RATE_HZ <= 8.4
    assert len(first) + len(second) == len(pcm)


def test_an_utterance_without_pauses_is_cut_all_the_same() -> None:
    pcm = _speech(60)
    pieces = _pieces(pcm)
    assert all(SHORTEST_PIECE_SAMPLES <= len(piece) <= LONGEST_PIECE_SAMPLES for piece in pieces[:-1])
    assert len(pieces[-1]) <= LONGEST_PIECE_SAMPLES
    assert np.array_equal(np.concatenate(pieces), pcm)


def test_finished_pieces_stay_the_same_as_the_utterance_grows() -> None:
    pcm = _speech(60)
    grown = [piece.tobytes() for piece in _pieces(pcm)]
    for seconds in (13, 25, 40.5, 59):
        shorter = [piece.tobytes() for piece in _pieces(pcm[: int(seconds * RATE_HZ)])]
        assert shorter[:-1] == grown[: len(shorter) - 1]


def test_silence_at_the_ends_is_trimmed_to_a_margin() -> None:
    pcm = np.concatenate([_silence(3), _speech(1), _silence(2)])
    assert abs(len(trim_silence(pcm)) - (RATE_HZ + 2 * MARGIN_SAMPLES)) <= RATE_HZ // 25


def test_silence_appended_changes_nothing() -> None:
    spoken = np.concatenate([_speech(2), _silence(0.3)])
    longer = np.concatenate([spoken, _silence(0.5)])
    assert np.array_equal(trim_silence(spoken), trim_silence(longer))


def test_a_noisy_room_is_silence_too() -> None:
    room = (np.random.default_rng(1).normal(0, 100, 4 * RATE_HZ)).astype(np.int16)
    room[RATE_HZ : 2 * RATE_HZ] += _speech(1)
    assert len(trim_silence(room)) <= RATE_HZ * 1.6


@pytest.mark.parametrize("samples", [0, 1, 319, 320, 16000])
def test_nothing_but_silence_is_trimmed_to_nothing(samples: int) -> None:
    assert len(trim_silence(np.zeros(samples, np.int16))) == 0


@pytest.mark.parametrize(
    ("heard", "kept"),
    [
        ("no no no", "no no no"),
        ("no no no no no no", "no"),
        ("I said so. I said so. I said so. Right.", "I said so. Right."),
        ("I said so, I said so.", "I said so, I said so."),
        ("Go go. Go go, go go, go go, go go", "Go"),
        ("", ""),
    ],
)
def test_a_phrase_said_over_and_over_is_kept_once(heard: str, kept: str) -> None:
    assert collapse_loops(heard) == kept


def test_the_word_that_the_model_hears_in_noise_is_dropped() -> None:
    assert believable("You", 2.0) == ""
    assert believable("you.", 2.0) == ""
    assert believable("You too.", 2.0) == "You too."


def test_nobody_speaks_faster_than_seven_words_a_second() -> None:
    words = " ".join(f"w{number}" for number in range(100))
    assert len(believable(words, 2.0).split()) == 17


def test_doubled_commas_are_one() -> None:
    assert believable("In short,, the period", 3.0) == "In short, the period"
