"""The command line. One small module a command; `main` is the entry point."""

from __future__ import annotations

import sys

from realtime_agent.cli.exit_codes import exit_code_of
from realtime_agent.errors import RealtimeAgentError


def main() -> None:
    """Run `realtime-agent`. A failure ends in one line on stderr and an exit code (see `exit_codes`)."""
    from realtime_agent.cli.app import app

    try:
        app()
    except RealtimeAgentError as error:
        print(f"realtime-agent: {error.message}", file=sys.stderr)
        sys.exit(exit_code_of(error))
    except KeyboardInterrupt:
        sys.exit(130)
