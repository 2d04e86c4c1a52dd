"""Which items still wait for their words, and where the words go."""

from __future__ import annotations

from realtime_agent.server.core.conversation import Entry
from realtime_agent.server.core.hearing import Hearing, Understood
from realtime_agent.server.core.input_buffer import to_pcm
from realtime_agent.server.core.settings import TranscriptionSettings


class Transcripts:
    """The items whose sound is being written down: of the conversation, or of the input of one response."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._waiting: dict[str, tuple[Entry, TranscriptionSettings | None]] = {}

    def want(self, entry: Entry, hints: TranscriptionSettings | None, pcm: bytes | None = None) -> None:
        """Have an item's sound written down, if it has any without words.

        Args:
            entry: the item.
            hints: what the client wants to read of it; None where it reads nothing.
            pcm: the sound, where the caller has it at hand.
        """
        for index, part in enumerate(entry.content):
            if part.type == "input_audio" and part.transcript is None:
                self._waiting[entry.id] = (entry, hints)
                sound = to_pcm(bytes(part.audio), part.format) if pcm is None else pcm
                news = self._hearing.commit(entry.id, sound, part.format.rate_hz, hints, index)
                if news is not None:
                    self.note(news)
                return

    def note(self, news: Understood) -> None:
        """A transcript is final. If the item has more sound without words, that comes next."""
        entry, hints = self._waiting.pop(news.item_id, (None, None))
        if entry is None or news.text is None:
            return
        for part in entry.content:
            if part.type == "input_audio" and part.transcript is None:
                part.transcript = news.text
                break
        self.want(entry, hints)

    def forget(self, item_id: str) -> Understood | None:
        """The item was deleted: nobody waits for its words. Returns what to tell those who did."""
        if self._waiting.pop(item_id, None) is None:
            return None
        self._hearing.discard(item_id)
        return Understood(item_id, "")
