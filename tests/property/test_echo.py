"""However the echo canceller's streams are chunked, the samples are the same."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime_agent.audio.echo import EchoCanceller

_RATE_HZ = 8_000
_BLOCK_BYTES = 160


@cache
def _streams() -> tuple[bytes, bytes]:
    rng = np.random.default_rng(4)
    far = (rng.standard_normal(3_000) * 4_000).astype("<i2")
    far[1_000:1_500] = 0
    near = (np.roll(far, 200) * 0.4 + rng.standard_normal(3_000) * 200).astype("<i2")
    return near.tobytes(), far.tobytes()


@cache
def _at_once() -> bytes:
    near, far = _streams()
    canceller = EchoCanceller(_RATE_HZ)
    canceller.far_end(far)
    return canceller.process(near)


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


_CUTS = st.lists(st.integers(0, 6_000), max_size=12)


@settings(max_examples=30, deadline=None)
@given(near_cuts=_CUTS, far_cuts=_CUTS)
def test_any_chunking_gives_the_same_samples(near_cuts: list[int], far_cuts: list[int]) -> None:
    near, far = _streams()
    canceller = EchoCanceller(_RATE_HZ)
    for piece in _pieces(far, far_cuts):
        canceller.far_end(piece)
    rest = b"".join(canceller.process(piece) for piece in _pieces(near, near_cuts))
    assert rest == _at_once()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), loud=st.sampled_from([0, 1, 30_000, 32_767]))
def test_no_input_breaks_it(seed: int, loud: int) -> None:
    """Whatever comes in, so much comes out, and it still works afterwards."""
    rng = np.random.default_rng(seed)
    canceller = EchoCanceller(_RATE_HZ)
    for _ in range(5):
        near, far = (rng.integers(-loud, loud + 1, 1_000).clip(-32_768, 32_767).astype("<i2") for _ in range(2))
        canceller.far_end(far.tobytes())
        canceller.process(near.tobytes())
    near_stream, far_stream = _streams()
    canceller.far_end(far_stream)
    rest = canceller.process(near_stream)
    assert len(near_stream) - _BLOCK_BYTES <= len(rest) <= len(near_stream) + _BLOCK_BYTES
    assert np.isfinite(canceller._filter._room).all()
    assert np.isfinite(canceller._filter._variance).all()
    assert (canceller._filter._variance > 0).all()
