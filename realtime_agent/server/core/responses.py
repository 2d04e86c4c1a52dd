"""Responses: who may speak, and how each ends.

At most one response at a time belongs to the conversation; any number of out-of-band ones run beside it. Each goes
through

| state   | transcripts there | engine's output | engine ended              | cancel, speech              |
|---------|-------------------|-----------------|---------------------------|-----------------------------|
| waiting | → running         | –               | –                         | → done (cancelled)          |
| running | –                 | items, deltas   | → done (completed/failed) | → done (cancelled)          |
| done    | –                 | not listened to | –                         | –                           |

*waiting*: the response has begun for the client, but the ear has not finished what the person said. `response.done` is
sent by `_end` and nowhere else, and `_end` removes the response: it is sent exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from realtime_agent.errors import RemoteProtocolError
from realtime_agent.protocol import RateLimitsUpdated, ResponseCreated, ResponseDone
from realtime_agent.server.core.actions import (
    EngineOutput,
    ResponseCall,
    ResponseEnded,
    ResponseSpeech,
    ResponseText,
    ResponseUsed,
    StartResponse,
    StopResponse,
)
from realtime_agent.server.core.context import brain_request
from realtime_agent.server.core.conversation import Conversation, Entry
from realtime_agent.server.core.errors import refusal
from realtime_agent.server.core.hearing import Hearing, Understood
from realtime_agent.server.core.outbox import Outbox
from realtime_agent.server.core.output import ResponseOutput
from realtime_agent.server.core.settings import DEFAULT_CONTEXT_TOKENS, Settings
from realtime_agent.server.core.truncation import ContextWindow
from realtime_agent.server.core.usage import Tokens, wire_usage

CancelReason = Literal["turn_detected", "client_cancelled"]
MAX_OUT_OF_BAND = 16

ReportLimits = Callable[[int], Sequence[Mapping[str, Any]]]
"""Told the tokens of a response that ended; says what is left of the client's limits, as `rate_limits.updated` does:
`name`, `limit`, `remaining`, `reset_seconds` of each."""


def _no_limits(tokens: int) -> Sequence[Mapping[str, Any]]:
    return ()


@dataclass(slots=True, eq=False)
class _Run:
    id: str
    settings: Settings
    output: ResponseOutput
    in_conversation: bool
    context: list[Entry] | None  # None: the conversation
    metadata: dict[str, str] | None
    started: bool = False
    reported: tuple[int, int] | None = None  # the brain's own count of text: read, written
    read: Tokens = field(default_factory=Tokens)
    spoke_at: float | None = None


class Responses:
    """All responses of one session."""

    def __init__(
        self,
        outbox: Outbox,
        conversation: Conversation,
        hearing: Hearing,
        *,
        window: ContextWindow | None = None,
        report_limits: ReportLimits | None = None,
    ) -> None:
        self._outbox = outbox
        self._window = window or ContextWindow(DEFAULT_CONTEXT_TOKENS)
        self._report_limits = report_limits or _no_limits
        self._conversation = conversation
        self._hearing = hearing
        self._runs: dict[str, _Run] = {}
        self.begun = False  # whether there ever was a response
        self.has_spoken = False  # whether the model has made audio for the conversation
        self.heard_until: float | None = None  # when the last response will have been played, as far as we can tell

    @property
    def active_id(self) -> str | None:
        """The response that belongs to the conversation, while there is one."""
        return next((run.id for run in self._runs.values() if run.in_conversation), None)

    def check_can_create(self, *, in_conversation: bool) -> None:
        """Refuse a second response for the conversation, and too many beside it."""
        active = self.active_id
        if in_conversation and active is not None:
            raise refusal(
                f"Conversation already has an active response in progress: {active}. "
                "Wait until the response is finished before creating a new one.",
                code="conversation_already_has_active_response",
            )
        if not in_conversation and len(self._runs) >= MAX_OUT_OF_BAND:
            raise refusal(f"At most {MAX_OUT_OF_BAND} responses at a time.", code="too_many_responses")

    def create(
        self,
        settings: Settings,
        *,
        in_conversation: bool = True,
        context: list[Entry] | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """Begin a response. `context` is what the brain reads; None is the conversation."""
        self.check_can_create(in_conversation=in_conversation)
        self.begun = True
        response_id = self._outbox.new_id("resp")
        output = ResponseOutput(self._outbox, response_id, settings, self._conversation if in_conversation else None)
        run = _Run(response_id, settings, output, in_conversation, context, metadata)
        self._runs[response_id] = run
        self._outbox.emit(ResponseCreated, response=self._wire(run, "in_progress"))
        self._start_if_ready(run)

    def understood(self, news: Understood) -> None:
        """A transcript is final, or will never come."""
        for run in list(self._runs.values()):
            if run.started:
                continue
            if news.text is None and any(entry.id == news.item_id for entry in self._context(run)):
                self._end(run, "failed", error={"type": "server_error", "code": news.code, "message": news.message})
            else:
                self._start_if_ready(run)

    def receive(self, output: EngineOutput, now: float) -> None:
        """The engine's output for a response; what comes for one that is done is ignored."""
        run = self._runs.get(getattr(output, "response_id", ""))
        if run is None or not run.started:
            return
        fits = True
        match output:
            case ResponseSpeech(text=text, audio=audio):
                if audio:
                    run.spoke_at = now if run.spoke_at is None else run.spoke_at
                    self.has_spoken = self.has_spoken or run.in_conversation
                fits = run.output.add_speech(text, audio)
            case ResponseText(text=text):
                fits = run.output.add_text(text)
            case ResponseCall(name=name, arguments=arguments):
                fits = run.output.add_call(name, arguments)
                if fits and not run.settings.parallel_tool_calls:
                    self._end(run, "completed", stop=True)
            case ResponseUsed(input_tokens=read, output_tokens=written):
                run.reported = (read, written)
            case ResponseEnded(message=None):
                self._end(run, "completed")
            case ResponseEnded(message=message, code=code):
                self._end(run, "failed", error={"type": "server_error", "code": code, "message": message})
        if not fits:
            self._end(run, "incomplete", reason="max_output_tokens", stop=True)
        self._note_playback(run, now)

    def cancel(self, response_id: str | None) -> None:
        """The client wants this response, or the active one, stopped."""
        run = self._runs.get(response_id or self.active_id or "")
        if run is None:
            raise refusal("Cancellation failed: no active response found", code="response_cancel_not_active")
        self._end(run, "cancelled", reason="client_cancelled", stop=True)

    def interrupt(self) -> None:
        """The person began to speak: the active response stops."""
        active = self.active_id
        if active is not None:
            self._end(self._runs[active], "cancelled", reason="turn_detected", stop=True)

    def stop_all(self) -> None:
        """The session is over: stop the engine, say nothing more."""
        for run in self._runs.values():
            self._outbox.do(StopResponse(run.id))
        self._runs.clear()

    def _context(self, run: _Run) -> Iterator[Entry]:
        mine = set(map(id, run.output.entries))
        entries = self._conversation if run.context is None else run.context
        return (entry for entry in entries if id(entry) not in mine)

    def _start_if_ready(self, run: _Run) -> None:
        if any(self._hearing.waiting_for(entry.id) for entry in self._context(run)):
            return
        settings = run.settings
        try:
            reading = self._window.fit(settings, list(self._context(run)), in_conversation=run.context is None)
        except RemoteProtocolError as error:
            problem = {"type": "invalid_request_error", "code": error.code, "message": error.message}
            self._end(run, "failed", error=problem)
            return
        run.started = True
        run.read = reading.tokens
        request = brain_request(settings, reading.entries, run.metadata)
        self._outbox.do(
            StartResponse(run.id, request, settings.speaks, settings.voice, settings.speed, settings.output_format)
        )

    def _end(
        self,
        run: _Run,
        status: Literal["completed", "cancelled", "failed", "incomplete"],
        *,
        reason: str | None = None,
        error: dict[str, Any] | None = None,
        stop: bool = False,
    ) -> None:
        if self._runs.pop(run.id, None) is None:
            return
        run.output.close("completed" if status == "completed" else "incomplete")
        details: dict[str, Any] | None = None
        if status != "completed":
            details = {"type": status}
            if reason is not None:
                details["reason"] = reason
            if error is not None:
                details["error"] = error
        response = self._wire(run, status, details)
        self._outbox.emit(ResponseDone, response=response)
        # Where there are no limits the event says so: clients wait for it.
        self._outbox.emit(RateLimitsUpdated, rate_limits=self._report_limits(response["usage"]["total_tokens"]))
        if stop and run.started:
            self._outbox.do(StopResponse(run.id))

    def _note_playback(self, run: _Run, now: float) -> None:
        if run.in_conversation:
            until = now if run.spoke_at is None else run.spoke_at + run.output.played_ms / 1000
            self.heard_until = max(now, until)

    def _wire(self, run: _Run, status: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
        settings = run.settings
        rate = {"rate": settings.output_format.rate_hz} if settings.output_format.name == "audio/pcm" else {}
        usage = None
        if status != "in_progress":
            read, written = run.read, run.output.tokens
            if run.reported is not None:
                read = Tokens(run.reported[0], read.audio, read.image)
                written = Tokens(run.reported[1], written.audio)
            usage = wire_usage(read, written)
        return {
            "object": "realtime.response",
            "id": run.id,
            "status": status,
            "status_details": details,
            "output": [entry.wire() for entry in run.output.entries],
            "conversation_id": self._conversation.id if run.in_conversation else None,
            "output_modalities": ["audio"] if settings.speaks else ["text"],
            "max_output_tokens": "inf" if settings.max_output_tokens is None else settings.max_output_tokens,
            "audio": {"output": {"format": {"type": settings.output_format.name, **rate}, "voice": settings.voice}},
            "usage": usage,
            "metadata": run.metadata,
        }
