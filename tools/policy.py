"""What a tool may do and how the conversation treats it: one small table a tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from realtime_agent.errors import ConfigError

OnInterrupt = Literal["continue", "cancel"]
LateResult = Literal["speak", "silent", "drop"]
NeedsApproval = bool | Callable[[Mapping[str, Any]], bool]

# Room for the note that says that something was cut, and for every error we write.
SMALLEST_OUTPUT_BYTES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolPolicy:
    """How one tool is run.

    Attributes:
        timeout_s: the tool's time, from its start (after approval, and after the start of a worker process) to its
            result. When it is over the model is told `tool_timeout`, whatever the tool is doing.
        on_interrupt: what happens to a running call when the person cuts in. `"continue"` lets it finish, for anything
            with a side effect; `"cancel"` stops it, for look-ups that nobody waits for any longer.
        late_result: what happens to a result that comes after the person cut in and the talk went on. `"speak"`: the
            agent speaks of it as soon as nobody speaks; `"silent"`: the model is told and says nothing by itself;
            `"drop"`: the model is only told that the call is over.
        filler: what the agent says where the tool takes longer than `filler_after_s`, e.g. "One moment, I look it up."
        filler_after_s: how long to be silent before the filler.
        needs_approval: `True`, or a function of the arguments (a mapping of real Python values) that says whether this
            very call needs it. It must be quick. One that raises counts as yes. Nobody there to ask counts as no.
        max_output_bytes: the most that the model is told, in bytes of UTF-8. What is longer is cut, and says so.
        isolate: run in a worker process that is killed when the time is over. For code that may crash, hang, or hold
            the interpreter's lock. The tool must be a function at the top level of an importable module.
    """

    timeout_s: float = 30.0
    on_interrupt: OnInterrupt = "continue"
    late_result: LateResult = "speak"
    filler: str | None = None
    filler_after_s: float = 1.0
    needs_approval: NeedsApproval = False
    max_output_bytes: int = 32_768
    isolate: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            ConfigError: naming the setting and what it may be.
        """
        if not 0 < self.timeout_s < 86_400:
            raise ConfigError(f"timeout_s must be more than 0 and less than a day, not {self.timeout_s!r}.")
        if self.on_interrupt not in get_args(OnInterrupt):
            raise ConfigError(f"on_interrupt must be 'continue' or 'cancel', not {self.on_interrupt!r}.")
        if self.late_result not in get_args(LateResult):
            raise ConfigError(f"late_result must be 'speak', 'silent' or 'drop', not {self.late_result!r}.")
        if not self.filler_after_s >= 0:
            raise ConfigError(f"filler_after_s must be 0 or more, not {self.filler_after_s!r}.")
        if not isinstance(self.needs_approval, bool) and not callable(self.needs_approval):
            raise ConfigError("needs_approval must be True, False, or a function of the arguments.")
        if self.max_output_bytes < SMALLEST_OUTPUT_BYTES:
            raise ConfigError(f"max_output_bytes must be {SMALLEST_OUTPUT_BYTES} or more, not {self.max_output_bytes}.")
