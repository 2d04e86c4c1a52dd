"""However the server's events about items interleave, transcripts are told in the order of the conversation."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from realtime_agent.core.transcript_order import Told, TranscriptOrder


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """For each item: placed (in order), then deltas and an end, interleaved with the others'."""
    count = draw(st.integers(1, 5))
    streams: list[list[tuple[Any, ...]]] = []
    for index in range(count):
        deltas = draw(st.lists(st.sampled_from(["a", " b", "c "]), max_size=3))
        early = draw(st.integers(0, len(deltas)))
        place = ("place", index, index - 1 if index else None)
        grow = [("grow", index, delta) for delta in deltas]
        streams.append([*grow[:early], place, *grow[early:], ("finish", index, draw(st.sampled_from(["x", "", None])))])
    events, placed = [], 0
    while any(streams):
        open_streams = [
            index for index, stream in enumerate(streams) if stream and (stream[0][0] != "place" or index == placed)
        ]
        chosen = draw(st.sampled_from(open_streams))
        event = streams[chosen].pop(0)
        placed += event[0] == "place"
        events.append(event)
    return events


@given(conversations())
def test_finals_come_in_order_and_partials_only_of_the_current_item(events: list[tuple[Any, ...]]) -> None:
    order, told = TranscriptOrder(), list[Told]()
    for kind, index, what in events:
        item_id = f"item{index}"
        match kind:
            case "place":
                order.place(item_id, None if what is None else f"item{what}")
            case "grow":
                told += order.grow(item_id, what)
            case "finish":
                told += order.finish(item_id, what)
    assert not order.waiting
    ends = {f"item{index}": what for kind, index, what in events if kind == "finish"}
    finals = [one for one in told if one.final]
    if not _grew_before_it_was_placed(events):
        assert [one.item_id for one in finals] == sorted(one.item_id for one in finals)
    assert {one.item_id: one.text for one in finals if one.text} == {item: text for item, text in ends.items() if text}
    for position, one in enumerate(told):
        assert not any(before.final and before.item_id == one.item_id for before in told[:position])


def _grew_before_it_was_placed(events: list[tuple[Any, ...]]) -> bool:
    """Text of an item that nobody knows the place of yet is told as if it were the last there is."""
    placed: set[int] = set()
    for kind, index, _ in events:
        if kind == "place":
            placed.add(index)
        elif index not in placed and len(placed) < index:
            return True
    return False
