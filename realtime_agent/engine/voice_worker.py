"""The voice's process: speaks one request after the other, and is killed when it hangs.

Run by its path, not imported: it must start fast and needs nothing of realtime_agent. Requests come on standard input,
as a length (4 bytes, big-endian) and JSON. Answers go to standard output, as a status byte, a length and the bytes:
b"+" with PCM (int16 little-endian, mono, 16 kHz), b"-" with a message. One b"+" without PCM says that it is ready.

It ends when standard input does. Pico can loop for ever with the GIL held, and nobody might be there to kill it then: a
watchdog thread in C, which needs no GIL, ends the process at the request's own deadline.
"""

import faulthandler
import json
import os
import signal
import struct
import sys
from typing import BinaryIO

_LENGTH = struct.Struct("!I")
_ANSWER = struct.Struct("!cI")


def main(package_dir: str) -> None:
    """Serve requests until standard input ends. `package_dir`: where py_nanotts is installed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business, which then closes our input
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not stand among the answers
    sys.path.append(package_dir)
    from py_nanotts import NanoTTS

    nano = NanoTTS()
    _speak(nano, {"text": "Ready.", "voice": "en-US", "speed": 1.0, "pitch": 1.0, "volume": 0.5})
    _answer(answers, b"+", b"")
    while (request := _read(requests)) is not None:
        faulthandler.dump_traceback_later(request.pop("deadline_s"), exit=True)
        try:
            pcm = _speak(nano, request)
        except (RuntimeError, ValueError, TypeError, MemoryError) as error:
            _answer(answers, b"-", str(error).encode())
        else:
            _answer(answers, b"+", pcm)
        faulthandler.cancel_dump_traceback_later()


def _speak(nano, request) -> bytes:  # type: ignore[no-untyped-def]
    # "<" opens Pico's markup, some of which plays and writes files.
    text = request["text"].replace("<", " ").replace(">", " ").replace("\0", " ")
    pcm = nano.speak(
        text, voice=request["voice"], speed=request["speed"], pitch=request["pitch"], volume=request["volume"]
    )
    return bytes(pcm)


def _read(requests: BinaryIO) -> dict | None:  # type: ignore[type-arg]
    header = requests.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    body = requests.read(length)
    return json.loads(body) if len(body) == length else None


def _answer(answers: BinaryIO, status: bytes, body: bytes) -> None:
    try:
        answers.write(_ANSWER.pack(status, len(body)) + body)
        answers.flush()
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more


if __name__ == "__main__":
    main(sys.argv[1])
