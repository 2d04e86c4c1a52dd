"""Responses: at most one active on the default conversation, each ended exactly once.

Theory. The server says when a response begins and when it is over; either may be lost, come twice or late. A
response that is over stays known for a while, so that what still comes of it is seen to be late. A response is `cut`
when the user interrupts: it may go on at the server, and whatever comes of it from then on is dropped.

The slot of the default conversation:

| state  | event                          | next   | effect                                                   |
|--------|--------------------------------|--------|----------------------------------------------------------|
| free   | created                        | active | cancelled at once where nobody wants it any more         |
| free   | content of an unknown response | active | its beginning was lost, or comes later                   |
| active | done (of this response)        | free   |                                                          |
| active | created (another)              | active | the old one's end was lost: it ends now                  |
| active | silent for too long            | free   | reported, cancelled; it ends now                         |

Out-of-band responses (`conversation: "none"`) do not use the slot. They are known by the mark in their metadata.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from realtime_agent.core.config import CoreConfig
from realtime_agent.core.outbox import Outbox
from realtime_agent.core.requests import OUT_OF_BAND_MARK, Requests
from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import Response, ResponseCancel

_REMEMBERED = 256


@dataclass(slots=True)
class ResponseRecord:
    """A response of the server."""

    id: str
    out_of_band: bool = False
    text_only: bool = False
    cut: bool = False
    settled: bool = False  # the cut's truncations and deletions are sent
    ended: bool = False
    implied: bool = False  # known by its content only: its `response.created` did not come (yet)
    turn: str = "none"  # "none", "open", "over": the agent's turn that it makes
    items: dict[str, bool] = field(default_factory=dict)  # item id -> is an assistant's message
    touched_at: float = 0.0


class Responses:
    """The slot, and what is known of past responses."""

    def __init__(self, out: Outbox, config: CoreConfig, requests: Requests) -> None:
        self.active: ResponseRecord | None = None
        self.timer: float | None = None
        self._out = out
        self._stall_s = config.response_stall_s
        self._requests = requests
        self._records: dict[str, ResponseRecord] = {}

    @property
    def idle(self) -> bool:
        """Nothing active."""
        return self.active is None and not self.out_of_band

    @property
    def out_of_band(self) -> int:
        """How many responses beside the conversation are not over."""
        return sum(record.out_of_band and not record.ended for record in self._records.values())

    def created(self, response: Response) -> ResponseRecord | None:
        """A response has begun. Returns the one whose end must have been lost: end it, too."""
        response_id = response.id or ""
        record = self._records.get(response_id)
        if record is None:
            record = self._new_record(response_id)
        elif not record.implied:
            self._out.count("duplicate_response_created")
            return None
        record.implied = False
        record.text_only = response.output_modalities == ["text"]
        record.out_of_band = OUT_OF_BAND_MARK in (response.metadata or {})
        if record.out_of_band and record is self.active:
            self.active = None
        if record.out_of_band or record.ended:
            return None
        lost = self.active if self.active is not record else None
        if lost is not None:
            self._out.count("lost_response_done")
            self.end(lost)
        self.active = record
        self.timer = self._out.now + self._stall_s
        if self._requests.response_created():
            self.cut(record, cancel=True)
            record.settled = True  # nothing of it was heard, and nothing will be
        return lost

    def accept(self, response_id: str) -> ResponseRecord | None:
        """The response that something belongs to; None where it is late: cut or ended. On the hot path."""
        record = self._records.get(response_id)
        if record is None:
            record = self._implied(response_id)
        if record.cut or record.ended:
            self._out.count("late_response_event")
            return None
        record.touched_at = self._out.now
        return record

    def get(self, response_id: str) -> ResponseRecord | None:
        """The response, also where it is cut or ended; None where it is unknown."""
        return self._records.get(response_id)

    def end(self, record: ResponseRecord) -> bool:
        """The response is over. False where it was already."""
        if record.ended:
            self._out.count("duplicate_response_done")
            return False
        record.ended = True
        if record is self.active:
            self.active = None
            self.timer = None
            self._requests.response_over()
        return True

    def live(self, also: Iterable[str] = ()) -> list[ResponseRecord]:
        """Responses not ended, and `also` these (of which audio is queued), in order of their beginning."""
        wanted = set(also)
        return [r for r in self._records.values() if not r.cut and (not r.ended or r.id in wanted)]

    def cut(self, record: ResponseRecord, *, cancel: bool) -> None:
        """Nothing more of this response is wanted; `cancel`: tell the server so."""
        record.cut = True
        if cancel and not record.ended:
            self._out.send(ResponseCancel(event_id=self._out.new_event_id("cancel"), response_id=record.id))

    def handle_timer(self) -> ResponseRecord | None:
        """Whether the active response fell silent. Returns it: its end is not waited for any longer."""
        stalled = self.active
        if stalled is None:
            self.timer = None
            return None
        if self._out.now < stalled.touched_at + self._stall_s:
            self.timer = stalled.touched_at + self._stall_s
            return None
        self._out.raise_error(RemoteProtocolError("A response fell silent before its end.", code="response_stalled"))
        if not stalled.cut:
            self.cut(stalled, cancel=True)
        return stalled

    def _new_record(self, response_id: str) -> ResponseRecord:
        record = self._records[response_id] = ResponseRecord(response_id, touched_at=self._out.now)
        if len(self._records) > _REMEMBERED:
            oldest = next((r for r in self._records.values() if r.ended), None)
            del self._records[oldest.id if oldest is not None else next(iter(self._records))]
        return record

    def _implied(self, response_id: str) -> ResponseRecord:
        # It never takes the slot from a response that has it.
        self._out.count("response_without_created")
        record = self._new_record(response_id)
        record.implied = True
        if self.active is None:
            self.active = record
            self.timer = self._out.now + self._stall_s
        return record
