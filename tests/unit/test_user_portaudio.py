"""Finding sound devices, and saying why there are none."""

from __future__ import annotations

import asyncio
import builtins
import sys
import threading
from typing import Any

import pytest

from realtime_agent.errors import DeviceError, MissingExtra
from realtime_agent.transports.user.portaudio import Direction, SoundDevice, find_device, in_thread, list_devices, load


def _device(index: int, name: str, inputs: int = 1, outputs: int = 1, *, default: bool = False) -> SoundDevice:
    return SoundDevice(index, name, "ALSA", inputs, outputs, 48_000, default, default)


_DEVICES = [
    _device(0, "HDA Intel: ALC255 (hw:0,0)", 2, 2, default=True),
    _device(1, "HDMI 0 (hw:0,3)", 0, 8),
    _device(2, "Yeti Stereo Microphone", 2, 0),
    _device(3, "Yeti Nano"),
    _device(4, "default"),
    _device(5, "sysdefault"),
]


@pytest.mark.parametrize(
    ("direction", "name", "index"),
    [
        ("input", None, 0),
        ("output", None, 0),
        ("input", "yeti stereo", 2),
        ("output", "yeti", 3),  # the other Yeti has no loudspeaker
        ("output", "HDMI", 1),
        ("input", "default", 4),  # a whole name goes before a part of another
        ("input", 5, 5),
    ],
)
def test_a_device_is_found_by_a_part_of_its_name(direction: Direction, name: str | int | None, index: int) -> None:
    assert find_device(_DEVICES, direction, name).index == index


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Yeti", "More than one microphone is named like 'Yeti': 'Yeti Stereo Microphone', 'Yeti Nano'."),
        ("HDMI", "There is no microphone named 'HDMI'. There are: 'HDA Intel"),
        (17, "There is no microphone named 17."),
    ],
)
def test_what_is_not_found_is_told_with_what_there_is(name: str | int, message: str) -> None:
    with pytest.raises(DeviceError) as caught:
        find_device(_DEVICES, "input", name)
    assert str(caught.value).startswith(message)


def test_no_microphone_at_all_is_said_in_plain_words() -> None:
    with pytest.raises(DeviceError, match="no microphone on this machine"):
        find_device([_DEVICES[1]], "input", None)
    with pytest.raises(DeviceError, match="No loudspeaker is the default one"):
        find_device([_DEVICES[1]], "output", None)


class _Refusing:
    """Makes `import sounddevice` fail."""

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self._import = builtins.__import__

    def __call__(self, name: str, *rest: Any, **named: Any) -> Any:
        if name == "sounddevice":
            raise self._error
        return self._import(name, *rest, **named)


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (ImportError("No module named 'sounddevice'"), MissingExtra, r"realtime-agent\[desktop\]"),
        (OSError("PortAudio library not found"), DeviceError, "sudo apt install libportaudio2"),
        (RuntimeError("Error initializing PortAudio: -9999"), DeviceError, "asoundrc"),
    ],
)
def test_a_missing_or_broken_portaudio_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception], message: str
) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", _Refusing(error))
    for what in (load, list_devices):
        with pytest.raises(expected, match=message):
            what()


async def test_a_sound_system_that_hangs_is_given_up_on() -> None:
    release = threading.Event()
    with pytest.raises(DeviceError, match="did not answer within"):
        await in_thread(release.wait, 0.05, "opening devices")
    release.set()


async def test_what_goes_wrong_in_the_thread_comes_out_of_it() -> None:
    def fail() -> None:
        raise DeviceError("busy")

    with pytest.raises(DeviceError, match="busy"):
        await in_thread(fail, 5, "opening devices")
    assert await in_thread(lambda: 7, 5, "nothing") == 7
    assert asyncio.get_running_loop().is_running()
