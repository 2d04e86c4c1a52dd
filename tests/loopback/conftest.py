"""Fixtures of the tests that use real sockets, processes and devices."""

from __future__ import annotations

from tests.pulse import pulse

__all__ = ["pulse"]
