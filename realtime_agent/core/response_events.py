"""What the events of a response do to the machines. `*.done` events also come when a response is cut short."""

from __future__ import annotations

from realtime_agent.core.actions import Play
from realtime_agent.core.machines import Machines
from realtime_agent.core.playback import Part
from realtime_agent.core.responses import ResponseRecord
from realtime_agent.core.tool_calls import is_whole, whole_call
from realtime_agent.errors import ServerError
from realtime_agent.protocol import (
    AnyItem,
    FunctionCallItem,
    MessageItem,
    Response,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ResponseStatusDetails,
)


class ResponseEvents:
    """Reads them. Nothing here raises."""

    __slots__ = ("_m", "_part")

    def __init__(self, machines: Machines) -> None:
        self._m = machines
        self._part: Part | None = None  # of the last audio delta: the next one is nearly always of the same

    def audio_delta(self, event: ResponseOutputAudioDelta) -> None:
        """The hot path: from the socket to the speaker."""
        m = self._m
        response = m.responses.accept(event.response_id)
        if response is None:
            return
        part = self._part
        if part is None or part.item_id != event.item_id or part.content_index != event.content_index:
            part = self._part = self._new_part(response, event.item_id, event.content_index)
        ledger = m.ledger
        was_audible = ledger.queued_samples > 0
        audio = ledger.queue(part, event.audio)
        if not audio:
            return
        m.out.actions.append(Play(audio))
        if not was_audible:
            m.user_turns.agent_audible()

    def created(self, event: ResponseCreated) -> None:
        """A response has begun."""
        _, lost = self._m.responses.created(event.response)
        if lost is not None:
            self._over(lost)

    def item_added(self, event: ResponseOutputItemAdded) -> None:
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

    def part_added(self, event: ResponseContentPartAdded) -> None:
        """An item begins a content part."""
        if event.part is not None and event.part.type == "text":
            record = self._m.conversation.get(event.item_id)
            if record is not None:
                record.written = True

    def text_delta(self, event: ResponseOutputTextDelta) -> None:
        """The agent writes."""
        response = self._m.responses.accept(event.response_id)
        if response is None:
            return
        record = self._m.transcripts.agent_says(event.item_id, event.content_index, event.delta)
        if record is not None:
            record.written = True
            response.items.setdefault(event.item_id, True)
            self._m.agent_turns.begin(response, event.item_id)

    def transcript_delta(self, event: ResponseOutputAudioTranscriptDelta) -> None:
        """What the agent's voice says, or is going to say."""
        m = self._m
        response = m.responses.accept(event.response_id)
        if response is None:
            return
        response.items.setdefault(event.item_id, True)
        record = m.conversation.touch(event.item_id)
        chars = len(record.texts.get(event.content_index, "")) if record is not None else 0
        if m.transcripts.agent_says(event.item_id, event.content_index, event.delta) is None:
            return
        part = m.ledger.part(event.response_id, event.item_id, event.content_index)
        part.alignment.text_arrived(part.received_samples, chars)
        start_time = (event.model_extra or {}).get("start_time")
        if isinstance(start_time, int | float) and 0 <= start_time < 86_400:
            part.alignment.text_begins(int(start_time * m.config.audio_format.rate_hz), chars)

    def audio_done(self, event: ResponseOutputAudioDone) -> None:
        """The audio of a part is complete."""
        self._complete(event.item_id, event.content_index)

    def text_done(self, event: ResponseOutputTextDone) -> None:
        """All that the agent writes in a part."""
        self._part_text(event.response_id, event.item_id, event.content_index, event.text)

    def transcript_done(self, event: ResponseOutputAudioTranscriptDone) -> None:
        """All that the agent's voice says in a part."""
        self._part_text(event.response_id, event.item_id, event.content_index, event.transcript)

    def part_done(self, event: ResponseContentPartDone) -> None:
        """A part is complete."""
        self._complete(event.item_id, event.content_index)
        if event.part is not None:
            text = event.part.transcript or event.part.text or ""
            self._part_text(event.response_id, event.item_id, event.content_index, text)

    def arguments_done(self, event: ResponseFunctionCallArgumentsDone) -> None:
        """A function call is complete, or was cut short: then its arguments are not whole, or the item says so."""
        response = self._m.responses.accept(event.response_id)
        record = self._m.conversation.get(event.item_id)
        name = event.name or (record.name if record is not None else None)
        if response is not None and name and is_whole(event.arguments):
            self._call(response, event.call_id, name, event.arguments)

    def item_done(self, event: ResponseOutputItemDone) -> None:
        """An item is complete, or was cut short."""
        response = self._m.responses.accept(event.response_id)
        if response is not None:
            self._item_over(response, event.item)
            return
        cut = self._m.responses.get(event.response_id)
        item_id = _id_of(event.item)
        if cut is not None and item_id is not None:
            self._complete(item_id, None)
            if isinstance(event.item, MessageItem):
                self._late(cut, item_id)
                self._m.transcripts.agent_done(item_id)

    def done(self, event: ResponseDone) -> None:
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

    def _new_part(self, response: ResponseRecord, item_id: str, content_index: int) -> Part:
        response.items.setdefault(item_id, True)
        part = self._m.ledger.part(response.id, item_id, content_index)
        self._m.time_playback()
        return part

    def _complete(self, item_id: str, content_index: int | None) -> None:
        for part in self._m.ledger.parts_of(item_id):
            if content_index is None or part.content_index == content_index:
                part.complete = True

    def _part_text(self, response_id: str, item_id: str, content_index: int, text: str) -> None:
        response = self._m.responses.get(response_id)
        if response is None or not response.cut:
            self._m.transcripts.agent_part_done(item_id, content_index, text)

    def _item_over(self, response: ResponseRecord, item: AnyItem) -> None:
        m = self._m
        item_id = _id_of(item)
        if item_id is None:
            return
        response.items.setdefault(item_id, isinstance(item, MessageItem))
        self._complete(item_id, None)
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
            self._complete(item_id, None)
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
