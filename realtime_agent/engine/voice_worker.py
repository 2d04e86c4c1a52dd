"""The voice's process: speaks one request after the other, and is killed when it hangs.

Run by its path, not imported. A request is JSON, as `voice_process.py` makes it; the answer is PCM (int16
little-endian, mono, 16 kHz).
"""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # it is a script, and knows no packages

from worker_frames import Frames, Refused  # type: ignore[import-not-found]


def main(package_dir: str) -> None:
    """Serve requests until standard input ends. `package_dir`: where py_nanotts is installed."""
    frames = Frames()
    sys.path.append(package_dir)
    from py_nanotts import NanoTTS

    nano = NanoTTS()

    def speak(request: bytes) -> bytes:
        wanted = json.loads(request)
        # "<" opens Pico's markup, some of which plays and writes files.
        text = wanted.pop("text").replace("<", " ").replace(">", " ").replace("\0", " ")
        try:
            return bytes(nano.speak(text, **wanted))
        except (RuntimeError, ValueError, TypeError, MemoryError) as error:
            raise Refused(str(error)) from error

    speak(json.dumps({"text": "Ready.", "voice": "en-US", "speed": 1.0, "pitch": 1.0, "volume": 0.5}).encode())
    frames.serve(speak)


if __name__ == "__main__":
    main(sys.argv[1])
