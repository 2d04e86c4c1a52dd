"""A worker that does what it is told, to test what is around it."""

import os
import sys
import time

sys.path.append(sys.argv[1])  # where worker_frames is

from worker_frames import Frames, Refused  # type: ignore[import-not-found]


def answer(request: bytes) -> bytes:
    order, _, argument = request.decode().partition(" ")
    if order == "sleep":
        time.sleep(float(argument))
    elif order == "die":
        os.abort()
    elif order == "refuse":
        raise Refused(argument)
    return str(os.getpid()).encode()


if __name__ == "__main__":
    frames = Frames()
    if "mute" in sys.argv:
        time.sleep(60)
    frames.serve(answer)
