"""Responses: at most one active on the default conversation, asked for one after the other, each ended exactly once.

Theory. The server makes responses on our request (`response.create`), and by itself when its VAD ends a turn. It
refuses a request while one is active. So a wanted response waits in a bounded queue until nothing is active, nothing
of ours is on its way, nobody speaks, and no automatic response is expected. Requests can still cross with the
server's own responses on the wire: then ours is refused, goes back to the front of the queue, and is asked for again
after the active one. The protocol does not say which request a `response.created` answers; it is taken for ours
where one is on its way, and a refusal that names our request later puts that right.

The slot of the default conversation:

| state     | event                       | next      | effect                                               |
|-----------|-----------------------------|-----------|------------------------------------------------------|
| free      | wanted, and not held        | requested | send `response.create`                               |
| free      | created (server's own)      | active    | wanted replies that it answers as well are dropped   |
| requested | created                     | active    | cancelled at once if the user cut in meanwhile       |
| requested | error: already active       | free      | back to the queue; again after the active one's end  |
| requested | another error, or deadline  | free      | reported                                             |
| active    | error: already active       | active    | our request back to the queue                        |
| active    | done (of this response)     | free      | next in the queue                                    |
| active    | created (another)           | active    | the old one's `done` was lost: it ends now           |
| active    | silent for too long         | free      | it ends now, reported, cancelled                     |

A response is `cut` when the user interrupts: whatever comes of it from then on is late and dropped. Out-of-band
responses (`conversation: "none"`) do not use the slot; they are known by the mark that we put into their metadata.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from realtime_agent.core.config import CoreConfig
from realtime_agent.core.outbox import Outbox
from realtime_agent.errors import LocalProtocolError, RemoteProtocolError
from realtime_agent.protocol import Response, ResponseCancel, ResponseConfig, ResponseCreate

ALREADY_ACTIVE = "conversation_already_has_active_response"
OUT_OF_BAND_MARK = "realtime_agent"
_REMEMBERED = 256
_MOST_ATTEMPTS = 8
_MOST_OUT_OF_BAND = 16


@dataclass(slots=True)
class Wanted:
    """A response that we want.

    merges: it answers whatever the conversation holds, so that one serves for several.
    covers: call ids of the tool results that it is to answer, and that the server has not acknowledged yet.
    spoken: words of ours (a phrase to say); worthless once the user has interrupted.
    filler: such words that bridge a tool's work; worthless once the tool is done.
    """

    config: ResponseConfig | None = None
    merges: bool = False
    spoken: bool = False
    filler: bool = False
    covers: set[str] = field(default_factory=set)
    for_tools: bool = False
    attempts: int = 0
    cancelled: bool = False


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
    """The slot, the queue before it, and what is known of past responses."""

    def __init__(self, out: Outbox, config: CoreConfig) -> None:
        self.active: ResponseRecord | None = None
        self.timer: float | None = None
        self._out = out
        self._config = config
        self._waiting: deque[Wanted] = deque()
        self._requested: Wanted | None = None
        self._request_id: str | None = None
        self._request_deadline = 0.0
        self._answered: tuple[str, Wanted] | None = None  # the request that `active` is taken to answer
        self._not_before: float | None = None
        self._auto_expected_until: float | None = None
        self._records: dict[str, ResponseRecord] = {}

    # -- what is wanted

    @property
    def idle(self) -> bool:
        """Nothing active, on its way, waiting, or expected of the server."""
        return (
            self.active is None
            and self._requested is None
            and not self._waiting
            and self._auto_expected_until is None
            and not self._out_of_band()
        )

    @property
    def waiting(self) -> bool:
        """Whether `pump` might have something to do."""
        return bool(self._waiting)

    def want(self, wanted: Wanted) -> None:
        """Queue a response; one that merges joins one that waits already. A full queue refuses, and says so."""
        if wanted.merges:
            for other in self._waiting:
                if other.merges:
                    other.covers |= wanted.covers
                    other.for_tools = other.for_tools and wanted.for_tools
                    return
        if len(self._waiting) >= self._config.max_waiting_creates:
            self._out.raise_error(
                LocalProtocolError("Too many responses wait already; this one was not asked for.", code="queue_full")
            )
            return
        self._waiting.append(wanted)

    def want_out_of_band(self, config: ResponseConfig) -> None:
        """Ask for a response beside the conversation, at once."""
        if self._out_of_band() >= _MOST_OUT_OF_BAND:
            self._out.raise_error(
                LocalProtocolError("Too many out-of-band responses are active already.", code="queue_full")
            )
            return
        event_id = self._out.new_event_id("create_out_of_band")
        metadata = {**(config.metadata or {}), OUT_OF_BAND_MARK: event_id}
        self._out.send(ResponseCreate(event_id=event_id, response=config.model_copy(update={"metadata": metadata})))

    def pump(self, *, held: bool) -> None:
        """Ask for the next one if it may be. `held`: somebody speaks, or the session is not ready."""
        if (
            held
            or not self._waiting
            or self.active is not None
            or self._requested is not None
            or self._auto_expected_until is not None
            or self._not_before is not None
        ):
            return
        wanted = self._waiting.popleft()
        event_id = self._out.new_event_id("create")
        self._requested, self._request_id = wanted, event_id
        self._request_deadline = self._out.now + self._config.create_timeout_s
        self._rearm()
        if wanted.config is None:
            self._out.send(ResponseCreate(event_id=event_id))
        else:
            self._out.send(ResponseCreate(event_id=event_id, response=wanted.config))

    def expect_automatic(self) -> None:
        """The server committed a turn and is going to answer it by itself."""
        self._auto_expected_until = self._out.now + self._config.auto_response_wait_s
        self._rearm()

    def acknowledged(self, call_id: str) -> None:
        """The server has this tool result: any response from now on knows it."""
        for wanted in self._waiting:
            wanted.covers.discard(call_id)

    def drop_spoken(self) -> None:
        """Forget phrases that were to be said and not yet asked for."""
        self._waiting = deque(wanted for wanted in self._waiting if not wanted.spoken)

    def drop_tool_replies(self) -> None:
        """Forget replies to tool results: the model knows the results, and the user wants silence."""
        self._waiting = deque(wanted for wanted in self._waiting if not wanted.for_tools)

    def drop_fillers(self) -> None:
        """Forget fillers that were not yet asked for: there is nothing to bridge any more."""
        self._waiting = deque(wanted for wanted in self._waiting if not wanted.filler)

    # -- what the server does

    def created(self, response: Response) -> tuple[ResponseRecord | None, ResponseRecord | None]:
        """A response has begun. Returns it (None for a duplicate), and the one whose end must have been lost."""
        response_id = response.id or ""
        record = self._records.get(response_id)
        if record is None:
            record = self._new_record(response_id)
        elif not record.implied:
            self._out.count("duplicate_response_created")
            return None, None
        record.implied = False
        record.text_only = response.output_modalities == ["text"]
        record.out_of_band = OUT_OF_BAND_MARK in (response.metadata or {})
        if record.out_of_band:
            if self.active is record:
                self.active = None
            return record, None
        if record.ended:
            return record, None
        lost = self.active
        if lost is record:
            lost = None
        if lost is not None:
            self._out.count("lost_response_done")
            self.end(lost)
        self.active = record
        self._auto_expected_until = None
        if self._requested is not None and self._request_id is not None:
            self._answered = (self._request_id, self._requested)
            wanted, self._requested, self._request_id = self._requested, None, None
            if wanted.cancelled:
                self.cut(record, cancel=True)
                record.settled = True  # nothing of it was heard, and nothing will be
        else:
            self._drop_answered()
        self._rearm()
        return record, lost

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
            self._answered = None
            self._not_before = None
            self._rearm()
        return True

    def refused(self, event_id: str | None, code: str | None) -> bool:
        """An error came. True where it was an already-active race and needs no report."""
        if code == ALREADY_ACTIVE:
            wanted = self._take_request(event_id)
            if wanted is None:
                return False
            self._again(wanted)
            return True
        if event_id is not None and event_id == self._request_id:
            self._take_request(event_id)
        return False

    # -- interruption

    def live(self, also: Iterable[str] = ()) -> list[ResponseRecord]:
        """Responses not ended, and `also` these (of which audio is queued), in order of their beginning."""
        wanted = set(also)
        return [r for r in self._records.values() if not r.cut and (not r.ended or r.id in wanted)]

    def cut(self, record: ResponseRecord, *, cancel: bool) -> None:
        """Nothing more of this response is wanted; `cancel`: tell the server so."""
        record.cut = True
        if cancel and not record.ended:
            self._out.send(ResponseCancel(event_id=self._out.new_event_id("cancel"), response_id=record.id))

    def cut_request(self) -> None:
        """What is on its way is not wanted any more: to be cancelled as soon as it has a name."""
        if self._requested is not None:
            self._requested.cancelled = True

    def spare_request(self) -> None:
        """The user has finished: what is on its way now may as well be the answer."""
        if self._requested is not None and not self._requested.spoken:
            self._requested.cancelled = False

    # -- time

    def handle_timer(self, now: float) -> ResponseRecord | None:
        """Deadlines. Returns a response that is given up: end it."""
        if self._requested is not None and now >= self._request_deadline:
            self._requested = self._request_id = None
            self._out.raise_error(
                RemoteProtocolError("The server did not answer response.create.", code="response_timeout")
            )
        if self._auto_expected_until is not None and now >= self._auto_expected_until:
            self._auto_expected_until = None
        if self._not_before is not None and now >= self._not_before:
            self._not_before = None
        stalled = None
        if self.active is not None and now >= self.active.touched_at + self._config.response_stall_s:
            stalled = self.active
            self._out.raise_error(
                RemoteProtocolError("A response fell silent before its end.", code="response_stalled")
            )
            if not stalled.cut:
                self.cut(stalled, cancel=True)
        self._rearm()
        return stalled

    # -- inside

    def _out_of_band(self) -> int:
        return sum(r.out_of_band and not r.ended for r in self._records.values())

    def _rearm(self) -> None:
        due = [t for t in (self._auto_expected_until, self._not_before) if t is not None]
        if self._requested is not None:
            due.append(self._request_deadline)
        if self.active is not None:
            due.append(self.active.touched_at + self._config.response_stall_s)
        self.timer = min(due) if due else None

    def _new_record(self, response_id: str) -> ResponseRecord:
        record = self._records[response_id] = ResponseRecord(response_id, touched_at=self._out.now)
        if len(self._records) > _REMEMBERED:
            oldest = next((r for r in self._records.values() if r.ended), None)
            del self._records[oldest.id if oldest is not None else next(iter(self._records))]
        return record

    def _implied(self, response_id: str) -> ResponseRecord:
        # Its `response.created` was lost, or comes later. It never takes the slot from a response that has it.
        self._out.count("response_without_created")
        record = self._new_record(response_id)
        record.implied = True
        if self.active is None:
            self.active = record
            self._rearm()
        return record

    def _drop_answered(self) -> None:
        # The server's own response knows the tool results that it acknowledged before: no second one for them.
        self._waiting = deque(w for w in self._waiting if not (w.for_tools and not w.covers))

    def _take_request(self, event_id: str | None) -> Wanted | None:
        if self._requested is not None and event_id in (None, self._request_id):
            wanted, self._requested, self._request_id = self._requested, None, None
            self._rearm()
            return wanted
        if self._answered is not None and self._answered[0] == event_id:
            wanted, self._answered = self._answered[1], None
            return wanted
        return None

    def _again(self, wanted: Wanted) -> None:
        if wanted.cancelled:
            return
        wanted.attempts += 1
        if wanted.attempts > _MOST_ATTEMPTS:
            self._out.raise_error(RemoteProtocolError("The server refuses every response.create.", code=ALREADY_ACTIVE))
            return
        self._out.count("response_create_retried")
        if wanted.merges and any(other.merges for other in self._waiting):
            self.want(wanted)
        else:
            self._waiting.appendleft(wanted)
        if self.active is None:
            self._not_before = self._out.now + self._config.retry_after_s
            self._rearm()
