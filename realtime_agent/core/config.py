"""What the core is told once: the session's configuration, whose turn it is, tool policies, times and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

from realtime_agent.protocol import PCM, AudioFormat, SessionConfig

TurnMode = Literal["server", "local", "manual"]
OnInterrupt = Literal["continue", "cancel"]
LateResult = Literal["speak", "silent", "drop"]


class ToolPolicy(Protocol):
    """How the conversation treats a tool: the part of `tools.ToolPolicy` that the core decides by."""

    @property
    def timeout_s(self) -> float: ...
    @property
    def on_interrupt(self) -> OnInterrupt: ...
    @property
    def late_result(self) -> LateResult: ...
    @property
    def filler(self) -> str | None: ...
    @property
    def filler_after_s(self) -> float: ...
    @property
    def needs_approval(self) -> object:
        """False, or anything else where a person may be asked first: then time alone says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultToolPolicy:
    """The policy of a tool that has none."""

    timeout_s: float = 30.0
    on_interrupt: OnInterrupt = "continue"
    late_result: LateResult = "speak"
    filler: str | None = None
    filler_after_s: float = 1.0
    needs_approval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreConfig:
    """Settings of one session's core.

    session: what `session.update` asks for once the server has greeted; None to take the session as it is.
    turn_mode: "server": the server's VAD begins and ends turns. "local": ours does, `turn_detection` is null.
        "manual": push-to-talk.
    tool_policies: by tool name; a tool without one has `DefaultToolPolicy`.
    audio_format: of the microphone, and of the agent's audio as the wire carries it and the user transport counts it.

    duck: fall silent at local speech onset, until it is confirmed or a false alarm.
    confirm_ms: so much local speech makes a turn (local mode).
    false_alarm_silence_ms: an onset followed by so much silence was nothing.
    resume_deadline_s: an onset that nobody confirms is dismissed after this, also where no more frames come.
    end_silence_ms: so much silence ends a turn (local mode).
    min_commit_ms: less audio than this is not committed; OpenAI refuses it.

    ready_timeout_s: from the connection to a configured session.
    auto_response_wait_s: after the server committed a turn, how long its own response is waited for before ours.
    create_timeout_s: from `response.create` to `response.created` or an error.
    response_stall_s: a response that says nothing for so long is given up.
    retry_after_s: before a `response.create` is tried again that met a response which we do not know.
    tool_grace_s: on top of a tool's own timeout, before the core answers in its place. The tool runner keeps
        the timeout; this is for a runner that does not answer.

    max_waiting_creates: responses wanted and not yet asked for; more are refused.
    max_held_inputs: inputs that wait for the session to be configured; more are refused.
    max_items: conversation items kept in view; the oldest go first.
    max_item_chars: text kept of one item; the rest is not kept.
    max_running_tools: tool calls at once; more are answered with an error.
    max_tool_rounds: responses to tool results in a row, without a word of the user, before the loop is stopped.
    """

    session: SessionConfig | None = None
    turn_mode: TurnMode = "server"
    tool_policies: Mapping[str, ToolPolicy] = field(default_factory=lambda: MappingProxyType({}))
    audio_format: AudioFormat = PCM

    duck: bool = True
    confirm_ms: int = 250
    false_alarm_silence_ms: int = 300
    resume_deadline_s: float = 1.5
    end_silence_ms: int = 500
    min_commit_ms: int = 100

    ready_timeout_s: float = 10.0
    auto_response_wait_s: float = 2.0
    create_timeout_s: float = 15.0
    response_stall_s: float = 60.0
    retry_after_s: float = 0.25
    tool_grace_s: float = 10.0

    max_waiting_creates: int = 16
    max_held_inputs: int = 64
    max_items: int = 4096
    max_item_chars: int = 200_000
    max_running_tools: int = 64
    max_tool_rounds: int = 25
