"""Requests: the responses that we want, asked for one after the other.

Theory. The server makes responses on our request (`response.create`), and by itself when its VAD ends a turn. It
refuses a request while a response is active. So a wanted response waits in a bounded queue until nothing is active,
nothing of ours is on its way, nobody speaks, and no answer of the server's own is expected. Requests can still cross
with the server's own responses on the wire: then ours is refused, goes back to the front of the queue, and is asked
for again after the active one. The protocol does not say which request a `response.created` answers; it is taken for
ours where one is on its way, and a refusal that names our request later puts that right.

| state      | event                            | next       | effect                                           |
|------------|----------------------------------|------------|--------------------------------------------------|
| none       | wanted, and not held             | on its way | send `response.create`                           |
| none       | response created (not for us)    | none       | waiting replies that it gives, too, are dropped  |
| on its way | response created                 | answered   | cancelled at once where the user has cut in      |
| on its way | error: already active            | none       | back to the front; again after the active one    |
| on its way | another error, or the deadline   | none       | reported                                         |
| on its way | the user cuts in                 | on its way | to be cancelled as soon as it has a name         |
| answered   | error: already active            | none       | that response was not for us: back to the front  |
| answered   | response over                    | none       |                                                  |
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from realtime_agent.core.config import CoreConfig
from realtime_agent.core.outbox import Outbox
from realtime_agent.errors import LocalProtocolError, RemoteProtocolError
from realtime_agent.protocol import ResponseConfig, ResponseCreate

ALREADY_ACTIVE = "conversation_already_has_active_response"
OUT_OF_BAND_MARK = "realtime_agent"
_MOST_ATTEMPTS = 8

Kind = Literal["reply", "tool_reply", "phrase", "filler"]


@dataclass(slots=True)
class Wanted:
    """A response that we want.

    kind: "reply": to the user or the application. "tool_reply": to tool results. "phrase": words of ours to be said.
        "filler": such words that bridge a tool's work.
    merges: it answers whatever the conversation holds, so that one serves for several.
    covers: call ids of the tool results that it is to answer, and that the server has not acknowledged yet.
    """

    config: ResponseConfig | None = None
    kind: Kind = "reply"
    merges: bool = False
    covers: set[str] = field(default_factory=set)
    attempts: int = 0
    cancelled: bool = False


class Requests:
    """The queue, and the one request that is on its way."""

    def __init__(self, out: Outbox, config: CoreConfig) -> None:
        self.timer: float | None = None
        self._out = out
        self._config = config
        self._waiting: deque[Wanted] = deque()
        self._sent: Wanted | None = None
        self._sent_id: str | None = None
        self._deadline = 0.0
        self._answered: tuple[str, Wanted] | None = None  # the request that the active response is taken to answer
        self._not_before: float | None = None
        self._automatic_until: float | None = None

    @property
    def idle(self) -> bool:
        """Nothing waiting, on its way, or expected of the server."""
        return self._sent is None and not self._waiting and self._automatic_until is None

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
                    other.kind = other.kind if other.kind == wanted.kind else "reply"
                    return
        if len(self._waiting) >= self._config.max_waiting_creates:
            self._out.raise_error(
                LocalProtocolError("Too many responses wait already; this one was not asked for.", code="queue_full")
            )
            return
        self._waiting.append(wanted)

    def drop(self, *kinds: Kind) -> None:
        """Forget wanted responses of these kinds that were not asked for yet."""
        self._waiting = deque(wanted for wanted in self._waiting if wanted.kind not in kinds)

    def pump(self, *, held: bool) -> None:
        """Ask for the next one if it may be. `held`: one is active, somebody speaks, or the session is not ready."""
        if (
            held
            or not self._waiting
            or self._sent is not None
            or self._automatic_until is not None
            or self._not_before is not None
        ):
            return
        wanted = self._waiting.popleft()
        event_id = self._out.new_event_id("create")
        self._sent, self._sent_id = wanted, event_id
        self._deadline = self._out.now + self._config.create_timeout_s
        self._rearm()
        if wanted.config is None:
            self._out.send(ResponseCreate(event_id=event_id))
        else:
            self._out.send(ResponseCreate(event_id=event_id, response=wanted.config))

    def send_out_of_band(self, config: ResponseConfig) -> None:
        """Ask for a response beside the conversation, at once, marked so that it is known again."""
        event_id = self._out.new_event_id("create_out_of_band")
        metadata = {**(config.metadata or {}), OUT_OF_BAND_MARK: event_id}
        self._out.send(ResponseCreate(event_id=event_id, response=config.model_copy(update={"metadata": metadata})))

    def expect_automatic(self) -> None:
        """The server found the end of a turn and is going to answer it by itself."""
        self._automatic_until = self._out.now + self._config.auto_response_wait_s
        self._rearm()

    def acknowledged(self, call_id: str) -> None:
        """The server has this tool result: any response from now on knows it."""
        for wanted in self._waiting:
            wanted.covers.discard(call_id)

    def response_created(self) -> bool:
        """A response of the conversation has begun. True where it answers a request that nobody wants any more."""
        self._automatic_until = None
        if self._sent is None or self._sent_id is None:
            # The server's own response knows the tool results that it acknowledged before: no second one for them.
            self._waiting = deque(w for w in self._waiting if w.kind != "tool_reply" or w.covers)
            self._rearm()
            return False
        wanted, self._answered = self._sent, (self._sent_id, self._sent)
        self._sent = self._sent_id = None
        self._rearm()
        return wanted.cancelled

    def response_over(self) -> None:
        """The active response of the conversation is over."""
        self._answered = None
        self._not_before = None
        self._rearm()

    def refused(self, event_id: str | None, code: str | None, *, active: bool) -> bool:
        """An error came. True where it was a race with a response that is active already, and needs no report."""
        if code == ALREADY_ACTIVE:
            wanted = self._take_back(event_id)
            if wanted is not None:
                self._again(wanted, active=active)
            return wanted is not None
        if event_id is not None and event_id == self._sent_id:
            self._take_back(event_id)
        return False

    def user_cut_in(self) -> None:
        """Nobody wants any more what is on its way, nor words of ours that wait."""
        self.drop("phrase", "filler")
        if self._sent is not None:
            self._sent.cancelled = True

    def user_finished(self) -> None:
        """What is on its way now may as well be the answer, if it is not words of ours."""
        if self._sent is not None and self._sent.kind in ("reply", "tool_reply"):
            self._sent.cancelled = False

    def handle_timer(self) -> None:
        """Deadlines."""
        now = self._out.now
        if self._sent is not None and now >= self._deadline:
            self._sent = self._sent_id = None
            self._out.raise_error(
                RemoteProtocolError("The server did not answer response.create.", code="response_timeout")
            )
        if self._automatic_until is not None and now >= self._automatic_until:
            self._automatic_until = None
        if self._not_before is not None and now >= self._not_before:
            self._not_before = None
        self._rearm()

    # -- inside

    def _rearm(self) -> None:
        due = [t for t in (self._automatic_until, self._not_before) if t is not None]
        if self._sent is not None:
            due.append(self._deadline)
        self.timer = min(due) if due else None

    def _take_back(self, event_id: str | None) -> Wanted | None:
        if self._sent is not None and event_id in (None, self._sent_id):
            wanted, self._sent, self._sent_id = self._sent, None, None
            self._rearm()
            return wanted
        if self._answered is not None and self._answered[0] == event_id:
            wanted, self._answered = self._answered[1], None
            return wanted
        return None

    def _again(self, wanted: Wanted, *, active: bool) -> None:
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
        if not active:  # it is active there, and we do not know of it (yet)
            self._not_before = self._out.now + self._config.retry_after_s
            self._rearm()
