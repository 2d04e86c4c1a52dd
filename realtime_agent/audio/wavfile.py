"""WAV files: a reader that takes what people have, and a writer whose file is good at any moment.

The standard library's `wave` reads neither float nor WAVE_FORMAT_EXTENSIBLE (before 3.12), and libsndfile would be a
binary dependency for what is a few chunk headers.
"""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from realtime_agent.audio import g711
from realtime_agent.audio.pcm import FULL_SCALE, from_float, to_float
from realtime_agent.audio.resample import Resampler
from realtime_agent.errors import DeviceError

_PCM, _FLOAT, _ALAW, _ULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_STREAMED = 0x7FFFFF00  # sizes from here on are what programs write that do not know the size yet
_READ_FRAMES = 4096
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


class WavReader:
    """A WAV file as a stream of 16-bit mono PCM.

    Reads integers of 8, 16, 24 and 32 bits, floats of 32 and 64, G.711, any number of channels (their mean) and any
    rate (resampled).

    Args:
        path: the file.
        rate_hz: the rate wanted.

    Raises:
        DeviceError: the file cannot be read, holds no audio, is cut off, or is no WAV. The message says which
            file and why.
    """

    def __init__(self, path: str | Path, rate_hz: int = 24_000) -> None:
        self.path = Path(path)
        self._file = _open_regular(self.path)
        try:
            self._read_header()
        except BaseException:
            self._file.close()
            raise
        self._resampler = Resampler(self._file_hz, rate_hz, quality="HQ")
        self._ready = bytearray()
        self._ended = False
        self.duration_s = self._left // self._frame_bytes / self._file_hz

    def read(self, samples: int) -> bytes:
        """The next so many samples; fewer, then none, at the end.

        Raises:
            DeviceError: the disk failed.
        """
        wanted = samples * 2
        while len(self._ready) < wanted and not self._ended:
            self._ready += self._next_piece()
        piece = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        return piece

    def close(self) -> None:
        """Idempotent."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next_piece(self) -> bytes:
        try:
            raw = self._file.read(min(_READ_FRAMES * self._frame_bytes, self._left))
        except OSError as error:
            raise _unreadable(self.path, error.strerror or str(error)) from error
        self._left -= len(raw)
        raw = raw[: len(raw) // self._frame_bytes * self._frame_bytes]
        if not raw:
            self._ended = True
            return self._resampler.flush()
        values = _floats(raw, self._tag, self._frame_bytes // self._channels)
        if self._channels > 1:
            values = values.reshape(-1, self._channels).mean(axis=1)
        return self._resampler.process(from_float(values))

    def _read_header(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size == 0:
            raise _unreadable(self.path, "the file is empty.")
        head = self._file.read(12)
        if head[:4] not in (b"RIFF", b"RF64") or (len(head) == 12 and head[8:] != b"WAVE"):
            raise _unreadable(self.path, "it is not a WAV file.")
        known = False
        while True:
            chunk = self._file.read(8)
            if len(chunk) < 8:
                raise _unreadable(self.path, "it is cut off before its audio.")
            name, length = struct.unpack("<4sI", chunk)
            if name == b"fmt ":
                self._read_format(self._file.read(length + length % 2))
                known = True
            elif name == b"data":
                break
            else:
                self._file.seek(length + length % 2, os.SEEK_CUR)
        if not known:
            raise _unreadable(self.path, "it does not say what its audio is like.")
        self._measure(length, size - self._file.tell())

    def _read_format(self, data: bytes) -> None:
        if len(data) < 16:
            raise _unreadable(self.path, "it is cut off before its audio.")
        tag, self._channels, self._file_hz, _, self._frame_bytes, bits = struct.unpack("<HHIIHH", data[:16])
        if tag == _EXTENSIBLE and len(data) >= 26:
            tag = struct.unpack("<H", data[24:26])[0]  # the GUID of the true format begins with its old number
        self._tag = tag
        if not 0 < self._channels <= 64 or not 1000 <= self._file_hz <= 768_000:
            raise _unreadable(self.path, f"{self._channels} channels at {self._file_hz} Hz cannot be.")
        width = self._frame_bytes // self._channels
        if width * self._channels != self._frame_bytes or width not in _WIDTHS.get(tag, ()):
            raise _unreadable(self.path, f"its encoding (format {tag}, {bits} bits) is none that we read.")

    def _measure(self, announced: int, there: int) -> None:
        if there < self._frame_bytes or (0 < announced < self._frame_bytes):
            raise _unreadable(self.path, "it holds no audio.")
        if announced == 0 or announced >= _STREAMED:
            announced = there
        elif there <= announced - self._frame_bytes:
            second = self._frame_bytes * self._file_hz
            raise _unreadable(
                self.path, f"it is cut off: {there / second:.1f} s of the {announced / second:.1f} s that it announces."
            )
        self._left = min(announced, there)


def read_wav(path: str | Path, rate_hz: int = 24_000) -> bytes:
    """The whole of a WAV file as 16-bit mono PCM.

    Raises:
        DeviceError: as `WavReader`.
    """
    with WavReader(path, rate_hz) as reader:
        return reader.read(round((reader.duration_s + 1) * rate_hz))


class WavWriter:
    """A 16-bit WAV file that grows.

    The sizes in its header are brought up to date every second of audio, so that a process that dies leaves a good
    file that lacks at most that second. Beyond 4 GB the header stays at its largest value.

    Raises:
        DeviceError: the file cannot be written.
    """

    def __init__(self, path: str | Path, rate_hz: int = 24_000, channels: int = 1) -> None:
        self.path = Path(path)
        self._rate_hz = rate_hz
        self._channels = channels
        self._size = self._stated = 0
        try:
            # Unbuffered: a write that fails must fail here, and not again whenever the file is closed.
            self._file: IO[bytes] = self.path.open("wb", buffering=0)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            self._state_size()
        except OSError as error:
            self._file.close()
            raise _unwritable(self.path, error) from error

    def write(self, pcm: bytes) -> None:
        """Append interleaved samples.

        Raises:
            DeviceError: the disk is full or failed.
        """
        try:
            self._put(pcm)
            self._size += len(pcm)
            if self._size - self._stated >= 2 * self._channels * self._rate_hz:
                self._state_size()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Idempotent.

        Raises:
            DeviceError: the disk is full or failed.
        """
        if self._file.closed:
            return
        try:
            try:
                self._state_size()
            finally:
                self._file.close()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _state_size(self) -> None:
        frame = 2 * self._channels
        size = min(self._size, 0xFFFFFFFF - 36)
        rate = self._rate_hz
        header = _HEADER.pack(
            b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, _PCM, self._channels, rate, rate * frame, frame, 16, b"data", size
        )
        self._file.seek(0)
        self._put(header)
        self._file.seek(0, os.SEEK_END)
        self._stated = self._size

    def _put(self, data: bytes) -> None:
        if self._file.write(data) != len(data):  # only a full disk takes less than all
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


_WIDTHS = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8), _ALAW: (1,), _ULAW: (1,)}


def _floats(raw: bytes, tag: int, width: int) -> NDArray[np.floating]:
    """(n,) floats in [-1, 1] of samples that are so many bytes wide."""
    if tag == _FLOAT:
        return np.frombuffer(raw, dtype=f"<f{width}")
    if tag in (_ALAW, _ULAW):
        return to_float(g711.alaw_decode(raw) if tag == _ALAW else g711.ulaw_decode(raw))
    if width == 1:  # the only unsigned one
        return (np.frombuffer(raw, dtype=np.uint8).astype(np.float32) - 128) / 128
    if width == 3:
        quads = np.zeros((len(raw) // 3, 4), dtype=np.uint8)
        quads[:, 1:] = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 3)
        return quads.view("<i4").ravel() / (FULL_SCALE * 65_536)
    return np.frombuffer(raw, dtype=f"<i{width}") / float(1 << (8 * width - 1))


def _open_regular(path: Path) -> IO[bytes]:
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for its other end
            raise _unreadable(path, "it is not a regular file.")
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, f"{(error.strerror or str(error)).lower()}.") from error


def _unreadable(path: Path, why: str) -> DeviceError:
    return DeviceError(f"Cannot read {path}: {why}")


def _unwritable(path: Path, error: OSError) -> DeviceError:
    return DeviceError(f"Cannot write {path}: {(error.strerror or str(error)).lower()}.")
