"""Barge-in: what becomes of the agent's words when the user cuts in.

Theory. Every response that is not over, or of which something is yet to be heard, is *cut*: what still comes of it
is dropped. Then the sound is flushed, and only the answer to that (`PlaybackFlushed`) says what was heard, for the
device may hold samples that it cannot give back. With it the server's conversation is made to hold what the person
heard, item by item of the cut responses:

| heard of the item                    | sent                                                                       |
|--------------------------------------|----------------------------------------------------------------------------|
| nothing (less than 1 ms)             | `conversation.item.delete`                                                 |
| a part                               | `conversation.item.truncate` of each content part: whole ms, and received  |
| all that there is of it              | nothing                                                                    |

An item that is only written, a function call, and everything out-of-band is left alone. An item that turns up late,
of a response already cut, was never heard: it is deleted.

| state    | event                          | next     | effect                                         |
|----------|--------------------------------|----------|------------------------------------------------|
| settled  | cut, something is queued       | flushing | cancel if asked for; `Flush`                   |
| settled  | cut, nothing is queued         | settled  | cancel if asked for; truncate, delete          |
| flushing | `PlaybackFlushed`              | settled  | truncate, delete; `Interrupted`; turns end     |
| flushing | cut again                      | flushing | a second flush; answers come in the same order |

In server mode the server cancels by itself; a `response.cancel` of ours could hit the next response, so none is sent.
Where we cancel, the response is named.
"""

from __future__ import annotations

from collections import deque

from realtime_agent.core.actions import Flush
from realtime_agent.core.agent_turns import AgentTurns
from realtime_agent.core.alignment import heard_text
from realtime_agent.core.conversation import Conversation
from realtime_agent.core.outbox import Outbox
from realtime_agent.core.playback import Part, PlaybackLedger
from realtime_agent.core.requests import Requests
from realtime_agent.core.responses import ResponseRecord, Responses
from realtime_agent.core.transcripts import Transcripts
from realtime_agent.events import Interrupted
from realtime_agent.protocol import AudioFormat, ConversationItemDelete, ConversationItemTruncate


class BargeIn:
    """Cuts the agent off and squares accounts with the server."""

    def __init__(
        self,
        out: Outbox,
        audio_format: AudioFormat,
        ledger: PlaybackLedger,
        requests: Requests,
        responses: Responses,
        conversation: Conversation,
        transcripts: Transcripts,
        agent_turns: AgentTurns,
    ) -> None:
        self._out = out
        self._rate_hz = audio_format.rate_hz
        self._ledger = ledger
        self._requests = requests
        self._responses = responses
        self._conversation = conversation
        self._transcripts = transcripts
        self._agent_turns = agent_turns
        self._flushing: deque[list[ResponseRecord]] = deque()

    def cut(self, *, cancel: bool, ducked: bool) -> None:
        """The user cuts in. `cancel`: the server does not stop by itself. `ducked`: a flush has to end that, too."""
        cut = self._responses.live(also=self._ledger.unheard_responses())
        for response in cut:
            self._responses.cut(response, cancel=cancel)
        self._requests.user_cut_in()
        if self._ledger.audible or ducked:
            self._ledger.begin_flush()
            self._out.do(Flush())
            self._flushing.append(cut)
        else:
            self._settle(cut)

    def flushed(self, position: int) -> None:
        """The sound is cut off; this is the last sample that was heard."""
        parts = self._ledger.flushed(position)
        for part in parts:
            self._conversation.heard(part.item_id, self.heard_ms(part.item_id))
        if self._flushing:
            self._settle(self._flushing.popleft())
        elif parts:
            # The transport flushed without being asked: for the person that is an interruption all the same.
            self._out.count("unasked_flush")
            ids = dict.fromkeys(part.response_id for part in parts)
            cut = [r for r in map(self._responses.get, ids) if r is not None and not r.cut]
            for response in cut:
                self._responses.cut(response, cancel=True)
            self._settle(cut)

    def late_item(self, response: ResponseRecord, item_id: str) -> None:
        """An item of a response that is cut. Where that is settled, the item was never heard."""
        if response.settled and not response.text_only and not response.out_of_band:
            self._delete(item_id)

    def heard_ms(self, item_id: str) -> int:
        """How much of the item was heard, all its parts together."""
        return sum(self._ms(part.heard_samples) for part in self._ledger.parts_of(item_id))

    def _settle(self, responses: list[ResponseRecord]) -> None:
        unheard: str | None = None
        heard: Interrupted | None = None
        for response in responses:
            response.settled = True
            for item_id, is_message in list(response.items.items()):
                if not is_message or response.text_only or response.out_of_band or self._is_written(item_id):
                    continue
                parts = self._ledger.parts_of(item_id)
                if not any(self._ms(part.heard_samples) for part in parts):
                    self._delete(item_id)
                    unheard = unheard or item_id
                elif not all(part.complete and part.heard_samples >= part.received_samples for part in parts):
                    heard = self._truncate(item_id, parts)
        if heard is None and unheard is not None:
            heard = Interrupted(unheard, 0, "", self._out.time_s)
        if heard is not None:
            self._out.emit(heard)
        for response in responses:
            self._agent_turns.end(response)

    def _truncate(self, item_id: str, parts: list[Part]) -> Interrupted:
        total_ms = 0
        words: list[str] = []
        record = self._conversation.get(item_id)
        for part in parts:
            heard_ms = self._ms(part.heard_samples)
            total_ms += heard_ms
            text = record.texts.get(part.content_index, "") if record is not None else ""
            chars = part.alignment.heard_chars(part.heard_samples, part.received_samples, len(text))
            words.append(heard_text(text, chars))
            if part.complete and part.heard_samples >= part.received_samples:
                continue
            self._out.send(
                ConversationItemTruncate(
                    event_id=self._out.new_event_id("truncate"),
                    item_id=item_id,
                    content_index=part.content_index,
                    audio_end_ms=heard_ms,
                )
            )
        said = " ".join(filter(None, words))
        self._conversation.heard(item_id, total_ms, said)
        return Interrupted(item_id, total_ms, said, self._out.time_s)

    def _delete(self, item_id: str) -> None:
        self._transcripts.agent_done(item_id)
        if self._conversation.remove(item_id):
            self._out.send(ConversationItemDelete(event_id=self._out.new_event_id("delete"), item_id=item_id))

    def _is_written(self, item_id: str) -> bool:
        record = self._conversation.get(item_id)
        return record is not None and record.written

    def _ms(self, samples: int) -> int:
        return samples * 1000 // self._rate_hz
