"""A program at a desktop, run by `test_desktop.py` in a process of its own: `desktop_program.py TASK [ARGUMENT]`.

Prints one line of JSON. Where it has to wait for the test, it prints `ready` and goes on when a line comes in.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np

from realtime_agent.audio.wavfile import WavWriter, read_wav
from realtime_agent.errors import DeviceError
from realtime_agent.transports.user import portaudio
from realtime_agent.transports.user.desktop import DesktopUser, list_devices
from tests.check_user_transport import RecordingReceiver, check_user_transport

_RATE_HZ = 24_000


class _Receiver(RecordingReceiver):
    def __init__(self) -> None:
        super().__init__()
        self.ended_at = 0.0

    def on_ended(self, error: DeviceError | None) -> None:
        super().on_ended(error)
        self.ended_at = asyncio.get_running_loop().time()


async def _told() -> None:
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def _until(condition: Any, timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - positions have no event to wait for
            await asyncio.sleep(0.002)


async def conformance(_: str) -> dict[str, Any]:
    """The contract of every way to the person."""
    await check_user_transport(lambda: DesktopUser("micin", "spkout"))
    return {}


async def conformance_of_a_stereo_device_at_44100_hz(_: str) -> dict[str, Any]:
    """The same with devices that take neither 24 kHz nor mono. PulseAudio takes both, so it is not asked."""
    portaudio.negotiate = lambda device, direction: portaudio.Setup(device, 44_100, 2)
    return await conformance("")


async def listen(path: str) -> dict[str, Any]:
    """Write to a file what the microphone hears for two and a half seconds."""
    user, receiver = DesktopUser("micin", "spkout"), _Receiver()
    await user.open(receiver)
    await _told()
    receiver.audio.clear()
    await _until(lambda: len(receiver.audio) >= 2.5 * _RATE_HZ * 2)
    names, xruns = user.device_names, user.xruns
    await user.close()
    with WavWriter(path) as writer:
        writer.write(bytes(receiver.audio))
    return {"names": names, "xruns": xruns}


async def speak(path: str) -> dict[str, Any]:
    """Play a file, ducking twice on the way."""
    user, receiver = DesktopUser("micin", "spkout"), _Receiver()
    await user.open(receiver)
    audio = read_wav(path)
    user.play(audio)
    for at_s in (0.5, 1.0):
        await _until(lambda at_s=at_s: user.played >= at_s * _RATE_HZ)
        user.duck()
        await asyncio.sleep(0.3)
        user.resume()
    await _until(lambda: receiver.playback[-1:] == [(len(audio) // 2, False)])
    await user.close()
    return {"playback": receiver.playback}


async def truncate(path: str) -> dict[str, Any]:
    """Play a file and flush it half way; when it happened is told by the positions."""
    user, receiver = DesktopUser("micin", "spkout"), _Receiver()
    await user.open(receiver)
    user.play(read_wav(path))
    await _until(lambda: user.played >= _RATE_HZ)
    heard = user.played
    final = user.flush()
    await _until(lambda: user.played == final)
    await user.close()
    return {"heard": heard, "final": final}


async def silent_stop(_: str) -> dict[str, Any]:
    """Wait for the microphone's end, which the test brings about."""
    user, receiver = DesktopUser("micin", "spkout"), _Receiver()
    await user.open(receiver)
    loop = asyncio.get_running_loop()
    await _told()
    heard = -1
    last_audio_at = loop.time()
    while not receiver.ended and loop.time() < last_audio_at + 5:
        if len(receiver.audio) != heard:
            heard, last_audio_at = len(receiver.audio), loop.time()
        await asyncio.sleep(0.002)
    await user.close()
    return {
        "errors": [str(error) for error in receiver.ended],
        "after_s": receiver.ended_at - last_audio_at,
    }


async def stuck_loop(_: str) -> dict[str, Any]:
    """A loop that stands still for a second must not take the devices for dead."""
    user, receiver = DesktopUser("micin", "spkout"), _Receiver()
    await user.open(receiver)
    user.play(np.zeros(_RATE_HZ, dtype="<i2").tobytes())
    loop = asyncio.get_running_loop()
    started, before = loop.time(), len(receiver.audio)
    while loop.time() < started + 1.0:
        pass
    await asyncio.sleep(0.3)
    heard_s = (len(receiver.audio) - before) / 2 / _RATE_HZ
    passed_s = loop.time() - started
    await user.close()
    return {"ended": len(receiver.ended), "heard_s": heard_s, "passed_s": passed_s, "played": user.played}


async def refused(name: str) -> dict[str, Any]:
    """Ask for devices that are not there."""
    messages = []
    for user in (DesktopUser(name, "spkout"), DesktopUser("micin", name)):
        try:
            await user.open(_Receiver())
        except DeviceError as error:
            messages.append(str(error))
        await user.close()
    return {"messages": messages}


async def devices(_: str) -> dict[str, Any]:
    """The list that the doctor shows."""
    return {"names": [device.name for device in list_devices()]}


async def crash_of_the_server(_: str) -> dict[str, Any]:
    """The sound server dies in the middle."""
    return await silent_stop("")


_TASKS = {
    task.__name__: task
    for task in (
        conformance,
        conformance_of_a_stereo_device_at_44100_hz,
        listen,
        speak,
        truncate,
        silent_stop,
        stuck_loop,
        refused,
        devices,
        crash_of_the_server,
    )
}

if __name__ == "__main__":
    outcome = asyncio.run(_TASKS[sys.argv[1]]((sys.argv[2:] or [""])[0]))
    print(json.dumps(outcome), flush=True)
