"""Sound devices through PortAudio (sounddevice): finding them by name, opening them, and saying clearly why not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeVar

from realtime_agent.errors import DeviceError, MissingExtra
from realtime_agent.protocol.formats import PCM

T = TypeVar("T")
Direction = Literal["input", "output"]

BLOCK_MS = 20
_WORDS: dict[Direction, str] = {"input": "microphone", "output": "loudspeaker"}
_NO_LIBRARY = (
    "The PortAudio library is missing, which microphone and loudspeaker need. "
    "Debian and Ubuntu: sudo apt install libportaudio2. Fedora: sudo dnf install portaudio. "
    "macOS: brew install portaudio."
)


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A sound device of this machine.

    Attributes:
        index: PortAudio's number for it; changes when devices come and go.
        name: what `DesktopUser` can be given, or a part of it.
        host: the sound system that it belongs to, e.g. "ALSA".
        inputs, outputs: channels.
        rate_hz: its own rate.
        default_input, default_output: whether it is what is used when none is named.
    """

    index: int
    name: str
    host: str
    inputs: int
    outputs: int
    rate_hz: int
    default_input: bool
    default_output: bool


@dataclass(frozen=True, slots=True)
class Setup:
    """A device and how it is opened."""

    device: SoundDevice
    rate_hz: int
    channels: int

    @property
    def block_frames(self) -> int:
        """Frames of one block."""
        return self.rate_hz * BLOCK_MS // 1000


def load() -> ModuleType:
    """The sounddevice module, with its library.

    Raises:
        MissingExtra: sounddevice is not installed.
        DeviceError: PortAudio is missing, or cannot start.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtra("The desktop transport", "desktop") from error
    except OSError as error:  # what sounddevice raises where it finds no library
        raise DeviceError(_NO_LIBRARY) from error
    except Exception as error:  # PortAudioError, which cannot be imported where the import itself raises it
        raise DeviceError(
            f"The sound system cannot start ({error}). A broken ~/.asoundrc is a frequent reason."
        ) from error
    return sounddevice  # type: ignore[no-any-return]


def list_devices() -> list[SoundDevice]:
    """All sound devices as of the start of this process, in PortAudio's order. Blocks for up to a second.

    Raises:
        MissingExtra: sounddevice is not installed.
        DeviceError: PortAudio is missing, or cannot start.
    """
    sd = load()
    default_input, default_output = sd.default.device
    hosts = sd.query_hostapis()
    if default_input < 0 and default_output < 0 and hosts:
        default_input, default_output = hosts[0]["default_input_device"], hosts[0]["default_output_device"]
    return [
        SoundDevice(
            index=index,
            name=str(found["name"]),
            host=str(hosts[found["hostapi"]]["name"]),
            inputs=int(found["max_input_channels"]),
            outputs=int(found["max_output_channels"]),
            rate_hz=round(found["default_samplerate"]),
            default_input=index == default_input,
            default_output=index == default_output,
        )
        for index, found in enumerate(sd.query_devices())
    ]


def find_device(devices: list[SoundDevice], direction: Direction, name: str | int | None) -> SoundDevice:
    """The device that is meant: the default for None, else by number, whole name, or part of a name in any case.

    Raises:
        DeviceError: there is none, or the part of a name fits several; the message lists the names.
    """
    word = _WORDS[direction]
    usable = [device for device in devices if (device.inputs if direction == "input" else device.outputs) > 0]
    if not usable:
        raise DeviceError(f"There is no {word} on this machine. `realtime-agent doctor` shows what was looked for.")
    names = ", ".join(repr(device.name) for device in usable)
    if name is None:
        for device in usable:
            if device.default_input if direction == "input" else device.default_output:
                return device
        raise DeviceError(f"No {word} is the default one. Choose one of: {names}.")
    if isinstance(name, int):
        fitting = [device for device in usable if device.index == name]
    else:
        fitting = [device for device in usable if device.name.lower() == name.lower()] or [
            device for device in usable if name.lower() in device.name.lower()
        ]
    if not fitting:
        raise DeviceError(f"There is no {word} named {name!r}. There are: {names}.")
    if len({device.name for device in fitting}) > 1:
        several = ", ".join(repr(device.name) for device in fitting)
        raise DeviceError(f"More than one {word} is named like {name!r}: {several}. Give more of the name.")
    return fitting[0]


def negotiate(device: SoundDevice, direction: Direction) -> Setup:
    """How to open it: mono at 24 kHz if it can, else at its own rate, else in stereo.

    Raises:
        DeviceError: it can do none of these.
    """
    sd = load()
    check = sd.check_input_settings if direction == "input" else sd.check_output_settings
    reason: Exception | None = None
    for rate_hz in dict.fromkeys((PCM.rate_hz, device.rate_hz, 48_000, 44_100)):
        for channels in (1, 2):
            try:
                check(device=device.index, samplerate=rate_hz, channels=channels, dtype="int16")
            except (sd.PortAudioError, ValueError) as error:
                reason = error
            else:
                return Setup(device, rate_hz, channels)
    raise cannot_open(direction, device, reason)


def open_stream(
    setup: Setup, direction: Direction, callback: Callable[..., None], latency: float | Literal["low", "high"]
) -> Any:
    """A started stream of blocks of `BLOCK_MS`, int16.

    Raises:
        DeviceError: the device is busy, or gone.
    """
    sd = load()
    kind = sd.RawInputStream if direction == "input" else sd.RawOutputStream
    stream = None
    try:
        stream = kind(
            device=setup.device.index,
            samplerate=setup.rate_hz,
            channels=setup.channels,
            dtype="int16",
            blocksize=setup.block_frames,
            latency=latency,
            callback=callback,
        )
        stream.start()
    except sd.PortAudioError as error:
        if stream is not None:
            stream.close(ignore_errors=True)
        raise cannot_open(direction, setup.device, error) from error
    return stream


def cannot_open(direction: Direction, device: SoundDevice, reason: Exception | None) -> DeviceError:
    """The error for a device that is there and cannot be used."""
    return DeviceError(f"Cannot open the {_WORDS[direction]} {device.name!r}: {reason}")


async def in_thread(work: Callable[[], T], timeout_s: float, what: str) -> T:
    """Run something that may hang inside the sound system, and give up on it after a deadline.

    The thread is a daemon: one that hangs for ever in the library must not keep the process from ending.

    Raises:
        DeviceError: the deadline passed.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if not done.done():
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            result, error = work(), None
        except BaseException as raised:  # noqa: BLE001 - handed to the waiting side, whatever it is
            result, error = None, raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop is closed; nobody waits
            pass

    threading.Thread(target=run, name=f"realtime-agent {what}", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            return await done
    except TimeoutError as error:
        raise DeviceError(f"The sound system did not answer within {timeout_s:g} s ({what}).") from error
