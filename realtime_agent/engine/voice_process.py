"""What the voice's processes run, and what they are asked."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from realtime_agent.engine.worker_process import WorkerLost, WorkerProgram
from realtime_agent.errors import MissingExtra

# Pico reads memory that it never wrote. With this, glibc hands it zeroed pages each time: the same text then always
# gives the same sound, and hangs always or never. (Measured: three different sounds in 40 without, one with.)
_FRESH_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "131072"}


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What the worker is to say. `text` is not sanitised here."""

    text: str
    voice: str
    speed: float = 1.0
    pitch: float = 1.0
    volume: float = 0.5

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class VoiceHung(WorkerLost):
    """The worker process did not answer in time, or died; it has been killed."""

    code = "voice_hung"


def voice_program() -> WorkerProgram:
    """
    Raises:
        MissingExtra: py-nanotts is not installed.
    """
    package = importlib.util.find_spec("py_nanotts")
    if package is None or package.origin is None:
        raise MissingExtra("The embedded voice", "engine")
    return WorkerProgram(
        owner="The voice",
        script=Path(__file__).with_name("voice_worker.py"),
        arguments=(str(Path(package.origin).parent.parent),),
        isolated=True,
        environment=_FRESH_MEMORY,
        lost=VoiceHung,
    )
