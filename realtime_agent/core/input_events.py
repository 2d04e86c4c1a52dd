"""What the server hears of the user: its VAD and its input buffer. Nothing here raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from realtime_agent.core.machines import Machines
from realtime_agent.protocol import (
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
)


class InputEvents:
    """Reads the events of the input buffer."""

    __slots__ = ("_answered_by_server", "_m")

    def __init__(self, machines: Machines) -> None:
        self._m = machines
        self._answered_by_server: str | None = None  # the turn that its VAD found, which it answers by itself

    def table(self) -> dict[type[Any], Callable[[Any], None]]:
        """Which event goes where."""
        return {
            InputAudioBufferSpeechStarted: self._speech_started,
            InputAudioBufferSpeechStopped: self._speech_stopped,
            InputAudioBufferTimeoutTriggered: self._timeout_triggered,
            InputAudioBufferCommitted: self._committed,
            InputAudioBufferCleared: self._cleared,
        }

    def _speech_started(self, event: InputAudioBufferSpeechStarted) -> None:
        """The server hears the user."""
        m = self._m
        if m.user_turns.server_started(event.item_id):
            self._answered_by_server = event.item_id
            m.conversation.touch(event.item_id)
            m.user_began(interrupts=m.user_turns.interrupts, cancel=False)

    def _speech_stopped(self, event: InputAudioBufferSpeechStopped) -> None:
        """The server does not hear the user any more."""
        self._stopped()

    def _timeout_triggered(self, event: InputAudioBufferTimeoutTriggered) -> None:
        """The user said nothing for long; the server makes a turn of that, and answers it."""
        self._answered_by_server = event.item_id

    def _committed(self, event: InputAudioBufferCommitted) -> None:
        """What the user said is an item now."""
        m = self._m
        self._stopped()
        m.uncommitted_samples = 0
        record = m.conversation.place(event.item_id, event.previous_item_id)
        if record is not None:
            record.role = record.role or "user"
        if m.user_turns.mode == "server" and m.creates_responses and event.item_id == self._answered_by_server:
            self._answered_by_server = None
            m.requests.expect_automatic()

    def _cleared(self, event: InputAudioBufferCleared) -> None:
        """What the user said is forgotten."""
        if self._m.user_turns.mode == "server":
            self._m.user_turns.cleared()

    def _stopped(self) -> None:
        m = self._m
        if m.user_turns.server_stopped():
            m.agent_turns.question_ended()
            m.requests.user_finished()
            if m.creates_responses:
                m.requests.expect_automatic()
