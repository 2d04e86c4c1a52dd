"""What the events of a response do to the machines. `*.done` events also come when a response is cut short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from realtime_agent.core.machines import Machines
from realtime_agent.core.responses import ResponseRecord
from realtime_agent.core.tool_calls import is_whole, whole_call
from realtime_agent.errors import ServerError
from realtime_agent.protocol import (
    AnyItem,
    FunctionCallItem,
    MessageItem,
    Response,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseStatusDetails,
)


class ResponseEvents:
    """Reads them. Nothing here raises."""

    __slots__ = ("_m",)

    def __init__(self, machines: Machines) -> None:
        self._m = machines

    def table(self) -> dict[type[Any], Callable[[Any], None]]:
        """Which event goes where."""
        return {
            ResponseCreated: self._created,
            ResponseDone: self._done,
            ResponseOutputItemAdded: self._item_added,
            ResponseOutputItemDone: self._item_done,
            ResponseFunctionCallArgumentsDone: self._arguments_done,
        }

    def _created(self, event: ResponseCreated) -> None:
        """A response has begun."""
        lost = self._m.responses.created(event.response)
        if lost is not None:
            self._over(lost)

    def _item_added(self, event: ResponseOutputItemAdded) -> None:
        """It begins an item."""
        m = self._m
        response = m.responses.get(event.response_id) or m.responses.accept(event.response_id)
        item_id = _id_of(event.item)
        if response is None or item_id is None:
            return
        is_message = isinstance(event.item, MessageItem)
        late = response.cut and response.settled
        if late and is_message:
            self._late(response, item_id)
        response.items[item_id] = is_message
        if not late:
            m.conversation.fill(event.item)

    def _arguments_done(self, event: ResponseFunctionCallArgumentsDone) -> None:
        """A function call is complete, or was cut short: then its arguments are not whole, or the item says so."""
        response = self._m.responses.accept(event.response_id)
        record = self._m.conversation.get(event.item_id)
        name = event.name or (record.name if record is not None else None)
        if response is not None and name and is_whole(event.arguments):
            self._call(response, event.call_id, name, event.arguments)

    def _item_done(self, event: ResponseOutputItemDone) -> None:
        """An item is complete, or was cut short."""
        response = self._m.responses.accept(event.response_id)
        if response is not None:
            self._item_over(response, event.item)
            return
        cut = self._m.responses.get(event.response_id)
        item_id = _id_of(event.item)
        if cut is not None and item_id is not None:
            self._m.ledger.complete(item_id, None)
            if isinstance(event.item, MessageItem):
                self._late(cut, item_id)
                self._m.transcripts.agent_done(item_id)

    def _done(self, event: ResponseDone) -> None:
        """A response is over."""
        m = self._m
        response_id = event.response.id or ""
        if m.responses.get(response_id) is None:
            m.responses.accept(response_id)  # its beginning was lost
        response = m.responses.get(response_id)
        if response is None or response.ended:
            m.out.count("duplicate_response_done")
            return
        details = event.response.status_details
        reason = details.reason if isinstance(details, ResponseStatusDetails) else None
        if reason == "turn_detected" and not response.cut and m.user_turns.interrupts:
            # The server heard the user cut in, and we did not hear of it.
            m.cut_agent(cancel=False)
        for item in event.response.output or ():
            item_id = _id_of(item)
            if response.cut and item_id is not None and isinstance(item, MessageItem):
                self._late(response, item_id)
            elif not response.cut:
                self._item_over(response, item)
        m.usage.add_response(event.response.usage)
        if event.response.status == "failed":
            m.out.raise_error(_failure(event.response))
        m.responses.end(response)
        self._over(response)

    def give_up(self, response: ResponseRecord) -> None:
        """The end of a response is not waited for any longer."""
        if self._m.responses.end(response):
            self._over(response)

    # -- inside

    def _item_over(self, response: ResponseRecord, item: AnyItem) -> None:
        m = self._m
        item_id = _id_of(item)
        if item_id is None:
            return
        response.items.setdefault(item_id, isinstance(item, MessageItem))
        self._m.ledger.complete(item_id, None)
        record = m.conversation.fill(item)
        if record is not None and not record.placed and not response.out_of_band:
            m.conversation.place(item_id, None)
        if isinstance(item, MessageItem):
            m.transcripts.agent_done(item_id)
        elif isinstance(item, FunctionCallItem) and item.call_id is not None and whole_call(item):
            self._call(response, item.call_id, item.name, item.arguments)

    def _call(self, response: ResponseRecord, call_id: str, name: str, arguments: str) -> None:
        if response.out_of_band:
            # Its output could not be given back: the call is not in the conversation.
            self._m.out.count("out_of_band_tool_call")
            return
        self._m.tools.complete(response.id, call_id, name, arguments)

    def _late(self, response: ResponseRecord, item_id: str) -> None:
        if item_id not in response.items:
            self._m.barge_in.late_item(response, item_id)

    def _over(self, response: ResponseRecord) -> None:
        m = self._m
        for item_id, is_message in response.items.items():
            self._m.ledger.complete(item_id, None)
            if is_message:
                m.transcripts.agent_done(item_id)
        m.tools.response_over(response.id)
        m.agent_turns.end_heard(m.ledger.unheard_responses())


def _id_of(item: AnyItem) -> str | None:
    item_id = getattr(item, "id", None)
    return item_id if isinstance(item_id, str) else None


def _failure(response: Response) -> ServerError:
    details = response.status_details
    error = details.error if isinstance(details, ResponseStatusDetails) else None
    if error is None:
        return ServerError("The response failed.", code="response_failed")
    return ServerError(
        error.message or "The response failed.", code=error.code or error.type or "response_failed", type=error.type
    )
