"""The ear's process: writes down one piece of speech after the other, and may die of it alone.

Run by its path, with the parent's `sys.path` as its argument. `ear_request.py` says what requests and answers are.
"""

import json
import sys


def main(path: str) -> None:
    """Serve requests until standard input ends. `path`: the parent's `sys.path` as JSON."""
    sys.path[:] = json.loads(path)
    from realtime_agent.engine.ear_request import answer_request
    from realtime_agent.engine.moonshine import Moonshine
    from realtime_agent.engine.worker_frames import Frames, Refused
    from realtime_agent.errors import RealtimeAgentError

    frames = Frames()
    try:
        model = Moonshine()
        model.warm()
    except RealtimeAgentError as error:
        frames.refuse(str(error))
        return

    def answer(request: bytes) -> bytes:
        try:
            return answer_request(model.decode, request)
        except RealtimeAgentError as error:
            raise Refused(str(error)) from error

    frames.serve(answer)
    model.close()


if __name__ == "__main__":
    main(sys.argv[1])
