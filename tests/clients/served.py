"""The real thing that the clients talk to: `realtime-agent serve` in a process of its own, and speech to say to it."""

from __future__ import annotations

import asyncio
import re
import selectors
import subprocess
import sysconfig
import time
import wave
from collections.abc import Mapping
from pathlib import Path

from realtime_agent.audio.resample import resample
from realtime_agent.engine.ear import MoonshineEar
from realtime_agent.engine.voice import PicoVoice

RATE_HZ = 24_000
_START_S = 60.0
_STOP_S = 10.0


class ServerProcess:
    """`realtime-agent serve --port 0`; a context manager. Its log goes where ours goes."""

    def __init__(self, *options: str) -> None:
        program = Path(sysconfig.get_path("scripts"), "realtime-agent")
        self._command = (str(program), "serve", "--port", "0", *options)
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> ServerProcess:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        try:
            self.port = self._read_port(self._process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        assert process is not None
        process.terminate()
        try:
            process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        assert process.returncode in (0, -15), f"the server ended with {process.returncode}"

    def _read_port(self, process: subprocess.Popen[str]) -> int:
        assert process.stdout is not None
        deadline = time.monotonic() + _START_S
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while selector.select(deadline - time.monotonic()):
                line = process.stdout.readline()
                if not line:
                    break
                if found := re.search(r"ws://127\.0\.0\.1:(\d+)/v1/realtime", line):
                    return int(found.group(1))
        raise AssertionError("the server did not start")


def write_speech(folder: Path, sentences: Mapping[str, str], voice: str = "sage") -> None:
    """Speak each sentence into `folder/name.wav`, 24 kHz, by another voice than the server's default."""
    asyncio.run(_write_speech(folder, sentences, voice))


async def _write_speech(folder: Path, sentences: Mapping[str, str], voice: str) -> None:
    speaker = PicoVoice()
    await speaker.start()
    try:
        for name, text in sentences.items():
            pcm = b"".join([clause.pcm async for clause in speaker.speak(text, voice=voice)])
            with wave.open(str(folder / f"{name}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE_HZ)
                file.writeframes(resample(pcm, speaker.rate_hz, RATE_HZ))
    finally:
        await speaker.close()


async def words_in(pcm: bytes) -> str:
    """What a person hears in this sound (24 kHz), in small letters without punctuation."""
    ear = MoonshineEar(workers=1)
    await ear.start()
    try:
        transcript = await ear.transcribe(resample(pcm, RATE_HZ, ear.rate_hz))
    finally:
        await ear.close()
    return plain(transcript.text)


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))
