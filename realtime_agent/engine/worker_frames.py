"""A worker's side of the pipes to `WorkerProcess`. Imports nothing of ours: a worker must start fast.

Requests come on standard input: a length (4 bytes), the seconds that it may take (8 bytes, a double), and the body.
Answers go to standard output: a status byte, a length and the body; b"+" is an answer, b"-" a message that says why
there is none. All big-endian. The first answer, without a body, says that the worker is ready.

A worker ends when standard input does. C code can loop for ever with the GIL held, and nobody might be there to kill
it then: a watchdog thread in C, which needs no GIL, ends the process at the request's own deadline.
"""

import faulthandler
import os
import signal
import struct
import sys
from collections.abc import Callable

_REQUEST = struct.Struct("!Id")
_ANSWER = struct.Struct("!cI")


class Refused(Exception):
    """A request cannot be met; the message goes to who asked."""


class Frames:
    """The pipes. Whatever a library prints goes to standard error."""

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business, which then closes our input
        self._requests = sys.stdin.buffer
        self._answers = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def serve(self, answer: Callable[[bytes], bytes]) -> None:
        """Say that we are ready, and answer requests until there are no more."""
        self._send(b"+", b"")
        while (header := self._requests.read(_REQUEST.size)) and len(header) == _REQUEST.size:
            length, deadline_s = _REQUEST.unpack(header)
            body = self._requests.read(length)
            if len(body) < length:
                return
            faulthandler.dump_traceback_later(deadline_s, exit=True)
            try:
                self._send(b"+", answer(body))
            except Refused as refusal:
                self.refuse(str(refusal))
            faulthandler.cancel_dump_traceback_later()

    def refuse(self, why: str) -> None:
        self._send(b"-", why.encode("utf-8", "replace"))

    def _send(self, status: bytes, body: bytes) -> None:
        try:
            self._answers.write(_ANSWER.pack(status, len(body)) + body)
            self._answers.flush()
        except BrokenPipeError:
            os._exit(0)  # nobody listens any more
