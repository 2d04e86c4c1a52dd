"""A Realtime server that keeps to the protocol, for the core alone: small, deterministic, with delays both ways.

It does its work when it is told to (`work`), so that a property test decides about every race. What it does not accept
it answers as OpenAI does; what a careful client must never send it refuses with an AssertionError.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from realtime_agent.core.inputs import Input
from realtime_agent.protocol import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    FunctionCallOutputItem,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
    said_text,
)
from tests.core_driver import (
    added,
    audio,
    audio_done,
    call_done,
    call_item,
    committed,
    created,
    done,
    error,
    item_added,
    item_done,
    server,
    speech_started,
    speech_stopped,
    transcript,
)

_SESSION = {"type": "realtime"}


@dataclass
class Plan:
    """What the next response will be: items of so many milliseconds, and so many calls."""

    items_ms: list[int] = field(default_factory=lambda: [400])
    calls: int = 0


class LawfulServer:
    """One session of it. `outbox` is what it says, in order."""

    def __init__(self, *, vad: bool) -> None:
        self.vad = vad
        self.outbox: deque[Input] = deque([server("session.created", session=_SESSION)])
        self.plans: deque[Plan] = deque()
        self.said: list[str] = []
        self.lengths_ms: dict[str, int] = {}  # of the items that there are
        self.deleted: set[str] = set()
        self.calls: dict[str, str | None] = {}  # call id -> its output
        self.active: str | None = None
        self._steps: Iterator[None] | None = None
        self._numbers = 0
        self._turn: str | None = None

    # -- the client's events

    def receive(self, event: ClientEvent) -> None:
        """One client event arrives."""
        match event:
            case SessionUpdate():
                self.outbox.append(server("session.updated", session=_SESSION))
            case ResponseCreate():
                self._create(event)
            case ResponseCancel(response_id=response_id):
                if self.active is None or response_id not in (None, self.active):
                    self.outbox.append(error("response_cancel_not_active", event.event_id))
                else:
                    self._end("cancelled", "client_cancelled")
            case ConversationItemTruncate(item_id=item_id, audio_end_ms=end_ms):
                assert item_id in self.lengths_ms, "truncation of an item that there is not"
                assert 0 < end_ms <= self.lengths_ms[item_id], "truncation beyond the audio"
                self.lengths_ms[item_id] = end_ms
            case ConversationItemDelete(item_id=item_id):
                assert item_id in self.lengths_ms, "deletion of an item that there is not"
                del self.lengths_ms[item_id]
                self.deleted.add(item_id)
                self.outbox.append(server("conversation.item.deleted", item_id=item_id))
            case ConversationItemCreate(item=FunctionCallOutputItem(call_id=call_id, output=output)):
                assert self.calls.get(call_id, "") is None, "an output for no call, or a second one"
                self.calls[call_id] = output
                self.outbox.append(
                    added(self._id("item"), None, type="function_call_output", call_id=call_id, output=output)
                )
            case ConversationItemCreate():
                self.outbox.append(added(self._id("item")))
            case InputAudioBufferCommit():
                assert not self.vad
                self.outbox.append(committed(self._id("item")))
            case InputAudioBufferClear():
                self.outbox.append(server("input_audio_buffer.cleared"))
            case _:
                raise AssertionError(event)

    # -- the person, as its VAD hears them

    def hears_speech(self) -> None:
        """Speech begins: what is active is cancelled."""
        if not self.vad or self._turn is not None:
            return
        self._turn = self._id("turn")
        self.outbox.append(speech_started(self._turn))
        if self.active is not None:
            self._end("cancelled", "turn_detected")

    def hears_silence(self) -> None:
        """Speech ends: it is committed and answered."""
        if self._turn is None:
            return
        turn, self._turn = self._turn, None
        self.outbox += [speech_stopped(turn), committed(turn), added(turn)]
        if self.active is None:
            self._begin(None)

    # -- its own work

    def work(self) -> bool:
        """One more step of the active response. False where there is nothing to do."""
        if self._steps is None:
            return False
        next(self._steps, None)
        return True

    def _create(self, event: ResponseCreate) -> None:
        if self.active is not None:
            self.outbox.append(error("conversation_already_has_active_response", event.event_id))
            return
        self._begin(said_text(event.response.instructions) if event.response else None)

    def _begin(self, said: str | None) -> None:
        response = self.active = self._id("resp")
        self.outbox.append(created(response))
        plan = self.plans.popleft() if self.plans else Plan()
        if said is not None:
            self.said.append(said)
            plan = Plan(plan.items_ms)
        self._steps = self._respond(response, plan)

    def _respond(self, response: str, plan: Plan) -> Iterator[None]:
        for duration_ms in plan.items_ms:
            item = self._id("item")
            self.lengths_ms[item] = 0
            self.outbox.append(item_added(response, item))
            self.outbox.append(added(item, None, type="message", role="assistant", content=[]))
            yield
            for start_ms in range(0, duration_ms, 200):
                piece_ms = min(200, duration_ms - start_ms)
                self.lengths_ms[item] += piece_ms
                self.outbox += [transcript(response, item, "word "), audio(response, item, piece_ms)]
                yield
            self.outbox += [audio_done(response, item), item_done(response, item)]
            yield
        for _ in range(plan.calls):
            call = self._id("call")
            self.calls[call] = None
            self.outbox += [call_done(response, call), item_done(response, f"item_{call}", **call_item(call))]
            yield
        self._end("completed", None)

    def _end(self, status: str, reason: str | None) -> None:
        details = {"type": status, "reason": reason} if reason else None
        assert self.active is not None
        self.outbox.append(done(self.active, status, status_details=details))
        self.active = self._steps = None

    def _id(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}_{self._numbers}"
