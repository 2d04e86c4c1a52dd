"""What the exit code of a command says.

| code | meaning |
|------|---------|
| 0    | fine |
| 1    | the session ended with an error |
| 2    | wrong usage or settings |
| 3    | the model cannot be reached, or refuses the key |
| 4    | microphone, speaker or sound file |
| 5    | `doctor` found something broken |
| 130  | stopped with Ctrl-C |
| 143  | stopped with SIGTERM |
"""

from __future__ import annotations

from realtime_agent.errors import ConfigError, DeviceError, RealtimeAgentError, TransportError

FAILED = 1
USAGE = 2
NO_MODEL = 3
NO_DEVICE = 4
BROKEN = 5
TERMINATED = 143


def exit_code_of(error: RealtimeAgentError) -> int:
    """The exit code for an error that ended a command."""
    if isinstance(error, ConfigError):
        return USAGE
    if isinstance(error, TransportError):
        return NO_MODEL
    if isinstance(error, DeviceError):
        return NO_DEVICE
    return FAILED
