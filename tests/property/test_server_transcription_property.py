"""However the audio is cut into appends, a transcription session writes the same; and its deltas are the transcript."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from realtime_agent.server.core.actions import Heard, Transcribe
from realtime_agent.server.core.transcription.session import TranscriptionSession
from tests.fakes_engine import loud, quiet
from tests.server_harness import Harness

ITEM = "conversation.item.input_audio_transcription"
SPEECH = [f"word{number}" for number in range(18)]


class Stenographer(Harness):
    """An ear that hears three words a second, and never changes its mind."""

    def __init__(self, delay: str, *, manual: bool) -> None:
        super().__init__(eager=False, make_session=TranscriptionSession)
        sound: dict[str, Any] = {"transcription": {"model": "x", "delay": delay}}
        if manual:
            sound["turn_detection"] = None
        self.send("session.update", session={"type": "transcription", "audio": {"input": sound}})

    def listen(self) -> None:
        for action in self.work:
            if isinstance(action, Transcribe):
                pcm = action.pcm.rstrip(b"\0")
                words = SPEECH[: len(pcm) // 2 * 3 // action.rate_hz]
                self.answer(Heard(action.item_id, action.revision, " ".join(words)))
        self.work.clear()

    def hear_in_pieces(self, pcm: bytes, sizes: list[int]) -> None:
        """Pieces of these sizes, over and over."""
        at = index = 0
        while at < len(pcm):
            size = sizes[index % len(sizes)] * 2
            self.hear(pcm[at : at + size], step_bytes=size)
            self.listen()
            at += size
            index += 1


@given(
    sizes=st.lists(st.integers(100, 30_000), min_size=1, max_size=5),
    delay=st.sampled_from(["minimal", "low", "medium", "high", "xhigh"]),
    manual=st.booleans(),
    speech_ms=st.lists(st.integers(300, 4000), min_size=1, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_any_chunking_gives_the_same_items_and_deltas_that_add_up(
    sizes: list[int], delay: str, manual: bool, speech_ms: list[int]
) -> None:
    outcomes = []
    for pieces in (sizes, [480]):
        session = Stenographer(delay, manual=manual)
        for ms in speech_ms:
            session.hear_in_pieces(loud(ms) + quiet(900), pieces)
            if manual:
                session.send("input_audio_buffer.commit")
                session.listen()
        session.checker.finish()
        completed = session.of(f"{ITEM}.completed")
        for event in completed:
            deltas = [one["delta"] for one in session.of(f"{ITEM}.delta") if one["item_id"] == event["item_id"]]
            assert "".join(deltas) == event["transcript"]
        committed = [(event["item_id"] is not None) for event in session.of("input_audio_buffer.committed")]
        outcomes.append(([event["transcript"] for event in completed], committed))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) == len(speech_ms)
