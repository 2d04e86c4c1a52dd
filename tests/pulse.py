"""A private sound system without a sound card: PulseAudio with null sinks, for tests against real PortAudio streams.

What is played into the sink `micfeed` is what the microphone `vmic` hears; what a program plays on the loudspeaker
`spk` can be recorded from `spk.monitor`. PortAudio programs reach them as the ALSA devices `micin` and `spkout`, which
exist only for programs that run with `HOME` set to `Pulse.home`, so such a program runs in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

RATE_HZ = 48_000
_NEEDED = ("pulseaudio", "pactl", "paplay", "parec")

# norewinds: without it a null sink's monitor delivers its audio in lumps of two seconds.
_MODULES = """
load-module module-native-protocol-unix auth-anonymous=1 socket={run}/native
load-module module-null-sink norewinds=1 sink_name=spk rate=48000 channels=2
load-module module-null-sink norewinds=1 sink_name=micfeed rate=48000 channels=1
load-module module-remap-source master=micfeed.monitor source_name=vmic
set-default-sink spk
set-default-source vmic
"""
_DAEMON = """
exit-idle-time=-1
realtime-scheduling=yes
high-priority=yes
default-fragment-size-msec=10
default-sample-rate=48000
flat-volumes=no
"""
_ALSA = """
pcm.micin { type pulse device vmic hint.description "Virtual microphone" }
pcm.spkout { type pulse device spk hint.description "Virtual loudspeaker" }
"""


class Pulse:
    """A running daemon, and the commands that speak to it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        run = folder / "run"
        self.home.mkdir()
        run.mkdir(mode=0o700)
        self.env = {
            **os.environ,
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(run),
            "PULSE_RUNTIME_PATH": str(run),
            "PULSE_STATE_PATH": str(self.home),
            "PULSE_SERVER": f"unix:{run}/native",
            "PULSE_CONFIG": str(folder / "daemon.conf"),
        }
        (folder / "default.pa").write_text(_MODULES.format(run=run))
        (folder / "daemon.conf").write_text(_DAEMON)
        (self.home / ".asoundrc").write_text(_ALSA)
        log = (folder / "pulse.log").open("wb")
        command = ["pulseaudio", "--daemonize=no", "--use-pid-file=no", "-n", "-F", str(folder / "default.pa")]
        self.process = subprocess.Popen(
            [*command, "--disallow-exit=no", "--log-level=error"], env=self.env, stdout=log, stderr=log
        )
        log.close()
        self._wait_until_ready()

    def pactl(self, *words: str) -> str:
        """Ask or tell the daemon something."""
        return subprocess.run(
            ["pactl", *words], env=self.env, check=True, capture_output=True, text=True, timeout=10
        ).stdout

    def play_into_microphone(self, wav: Path) -> subprocess.Popen[bytes]:
        """Let the microphone hear a file."""
        return subprocess.Popen(["paplay", "--latency-msec=200", "--device=micfeed", str(wav)], env=self.env)

    def suspend_microphone(self) -> None:
        """What a laptop does to save power, and what no program is told."""
        self._suspend_microphone("1")

    def resume_microphone(self) -> None:
        """End of the suspension."""
        self._suspend_microphone("0")

    def _suspend_microphone(self, flag: str) -> None:
        self.pactl("suspend-source", "vmic", flag)
        self.pactl("suspend-sink", "micfeed", flag)

    @contextmanager
    def recording(self, wav: Path) -> Iterator[None]:
        """Record what the loudspeaker plays."""
        command = ["parec", "--latency-msec=100", "--device=spk.monitor", "--format=s16le", "--channels=1"]
        recorder = subprocess.Popen([*command, f"--rate={RATE_HZ}", "--file-format=wav", str(wav)], env=self.env)
        try:
            yield
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.wait(timeout=10)

    def python(self, script: Path, *arguments: str) -> subprocess.Popen[str]:
        """A Python program that hears and plays through this daemon; it can import what the tests can."""
        return subprocess.Popen(
            [sys.executable, str(script), *arguments],
            env={**self.env, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the daemon."""
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.pactl("info")
                return
            except subprocess.SubprocessError:
                time.sleep(0.05)
        self.close()
        raise RuntimeError("PulseAudio did not start")


@pytest.fixture(scope="session")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulse]:
    """A private sound system. Skips where PulseAudio is not installed, except in CI, where that is a failure."""
    missing = [program for program in _NEEDED if shutil.which(program) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    daemon = Pulse(tmp_path_factory.mktemp("pulse"))
    try:
        yield daemon
    finally:
        daemon.close()
