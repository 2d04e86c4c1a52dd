"""G.711 against the recommendation and against CPython's own codec."""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
import pytest

from realtime_agent.audio.g711 import (
    ALAW_SILENCE,
    ULAW_SILENCE,
    alaw_decode,
    alaw_encode,
    ulaw_decode,
    ulaw_encode,
)
from realtime_agent.audio.pcm import samples_of

_CODES = bytes(range(256))
_VALUES = np.arange(-32_768, 32_768).astype("<i2").tobytes()


@pytest.fixture
def audioop() -> ModuleType:
    """The standard library's codec; Python 3.13 has it no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module: ModuleType = pytest.importorskip("audioop")
        return module


def test_every_code_and_every_value_is_as_in_the_standard_library(audioop: ModuleType) -> None:
    assert ulaw_decode(_CODES) == audioop.ulaw2lin(_CODES, 2)
    assert alaw_decode(_CODES) == audioop.alaw2lin(_CODES, 2)
    assert ulaw_encode(_VALUES) == audioop.lin2ulaw(_VALUES, 2)
    assert alaw_encode(_VALUES) == audioop.lin2alaw(_VALUES, 2)


def test_golden_values_of_the_recommendation() -> None:
    """Decision values of ITU-T G.711 tables 1a/2a, in 16 bits: the ends, zero, and a code of each segment."""
    ulaw = {0x00: -32124, 0x80: 32124, 0xFF: 0, 0x7F: 0, 0x8F: 16764, 0x9F: 8316, 0xEF: 132, 0xF0: 120}
    alaw = {0x2A: -32256, 0xAA: 32256, 0xD5: 8, 0x55: -8, 0x80: 5504, 0xC5: 264, 0xD4: 24}
    assert {code: int(samples_of(ulaw_decode(bytes([code])))[0]) for code in ulaw} == ulaw
    assert {code: int(samples_of(alaw_decode(bytes([code])))[0]) for code in alaw} == alaw


@pytest.mark.parametrize(("encode", "decode"), [(ulaw_encode, ulaw_decode), (alaw_encode, alaw_decode)])
def test_what_was_coded_once_stays_the_same(encode: object, decode: object) -> None:
    assert callable(encode)
    assert callable(decode)
    coded = encode(decode(_CODES))
    assert decode(coded) == decode(_CODES)
    differing = [code for code in range(256) if coded[code] != code]
    assert differing in ([], [0x7F]), "µ-law alone has two codes for zero"


def test_the_error_is_within_half_a_step() -> None:
    values = samples_of(_VALUES).astype(int)
    for decoded in (ulaw_decode(ulaw_encode(_VALUES)), alaw_decode(alaw_encode(_VALUES))):
        error = np.abs(samples_of(decoded).astype(int) - values)
        assert (error <= np.maximum(np.abs(values) / 16, 16)).all()


def test_silence_is_the_code_of_zero() -> None:
    assert ulaw_encode(bytes(2)) == ULAW_SILENCE
    assert alaw_encode(bytes(2)) == ALAW_SILENCE
