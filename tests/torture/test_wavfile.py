"""The WAV files that people have, and the files that are none."""

from __future__ import annotations

import os
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime_agent.audio import g711
from realtime_agent.audio.pcm import samples_of
from realtime_agent.audio.wavfile import WavReader, WavWriter, read_wav
from realtime_agent.errors import DeviceError

_TONE = np.sin(2 * np.pi * 300 * np.arange(24_000) / 24_000) * 0.5  # one second


def _riff(*chunks: tuple[bytes, bytes], kind: bytes = b"RIFF", size: int | None = None) -> bytes:
    body = b"".join(name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks)
    return kind + struct.pack("<I", len(body) + 4 if size is None else size) + b"WAVE" + body


def _fmt(
    tag: int, width: int, *, channels: int = 1, rate_hz: int = 24_000, extension: bytes = b""
) -> tuple[bytes, bytes]:
    frame = width * channels
    return b"fmt ", struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, width * 8) + extension


def _encoded(tag: int, width: int) -> bytes:
    if tag == 3:
        return _TONE.astype(f"<f{width}").tobytes()
    pcm = np.rint(_TONE * 32_767).astype("<i2")
    if tag in (6, 7):
        return (g711.alaw_encode if tag == 6 else g711.ulaw_encode)(pcm.tobytes())
    if width == 1:
        return (np.rint(_TONE * 127) + 128).astype(np.uint8).tobytes()
    wide = np.rint(_TONE * (2 ** (8 * width - 1) - 1)).astype("<i4")
    return bytes(wide.view(np.uint8).reshape(-1, 4)[:, :width].tobytes())


def _write(folder: Path, data: bytes) -> Path:
    path = folder / "some.wav"
    path.write_bytes(data)
    return path


def _is_the_tone(pcm: bytes, tolerance: float) -> bool:
    heard = samples_of(pcm) / 32_768
    return len(heard) == 24_000 and float(np.abs(heard - _TONE)[1000:-1000].max()) < tolerance


@pytest.mark.parametrize(
    ("tag", "width", "tolerance"),
    [
        (1, 1, 0.01),
        (1, 2, 1e-4),
        (1, 3, 1e-4),
        (1, 4, 1e-4),
        (3, 4, 1e-4),
        (3, 8, 1e-4),
        (6, 1, 0.02),
        (7, 1, 0.02),
    ],
)
def test_every_encoding_is_read(tmp_path: Path, tag: int, width: int, tolerance: float) -> None:
    plain = _riff(_fmt(tag, width), (b"data", _encoded(tag, width)))
    assert _is_the_tone(read_wav(_write(tmp_path, plain)), tolerance)
    guid = struct.pack("<HHIH", 22, width * 8, 4, tag) + bytes.fromhex("000000001000800000aa00389b71")
    extensible = _riff(_fmt(0xFFFE, width, extension=guid), (b"data", _encoded(tag, width)))
    assert _is_the_tone(read_wav(_write(tmp_path, extensible)), tolerance)


def test_stereo_is_mixed_and_44100_hz_is_resampled(tmp_path: Path) -> None:
    at_44100 = np.sin(2 * np.pi * 300 * np.arange(44_100) / 44_100)
    stereo = np.stack((at_44100 * 0.75, at_44100 * 0.25), axis=1).astype("<f4").tobytes()
    path = _write(tmp_path, _riff(_fmt(3, 4, channels=2, rate_hz=44_100), (b"data", stereo)))
    assert _is_the_tone(read_wav(path), 1e-3)
    with WavReader(path) as reader:
        assert reader.duration_s == 1.0


def test_other_chunks_and_odd_lengths_are_stepped_over(tmp_path: Path) -> None:
    data = _encoded(1, 2)
    path = _write(tmp_path, _riff((b"LIST", b"odd"), _fmt(1, 2), (b"fact", bytes(4)), (b"data", data), (b"id3 ", b"x")))
    assert read_wav(path) == data


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_file_that_was_streamed_without_a_size_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    data = _encoded(1, 2)
    whole = bytearray(_riff(_fmt(1, 2), (b"data", data), size=0xFFFFFFFF))
    whole[40:44] = struct.pack("<I", size)
    assert read_wav(_write(tmp_path, bytes(whole))) == data


def test_floats_beyond_full_scale_are_clipped_and_nonsense_is_silence(tmp_path: Path) -> None:
    data = np.array([2.0, -2.0, np.nan, 0.5], dtype="<f4").tobytes()
    heard = samples_of(read_wav(_write(tmp_path, _riff(_fmt(3, 4), (b"data", data)))))
    assert heard.tolist() == [32_767, -32_768, 0, 16_384]


_GOOD = _riff(_fmt(1, 2), (b"data", _encoded(1, 2)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"RIFF", "cut off before its audio"),
        (_GOOD[:30], "cut off before its audio"),
        (_GOOD[:44], "holds no audio"),
        (_riff(_fmt(1, 2), (b"data", b"")), "holds no audio"),
        (_GOOD[:20_044], r"cut off: 0.4 s of the 1.0 s"),
        (b"ID3\4 an mp3 file, really", "not a WAV"),
        (b"RIFF\0\0\0\0AVI ", "not a WAV"),
        (b"OggS" * 20, "not a WAV"),
        (_riff((b"data", bytes(100))), "does not say what its audio is like"),
        (_riff(_fmt(2, 2), (b"data", bytes(100))), "format 2, 16 bits"),
        (_riff(_fmt(1, 5), (b"data", bytes(100))), "none that we read"),
        (_riff(_fmt(1, 2, channels=0), (b"data", bytes(100))), "0 channels"),
        (_riff(_fmt(1, 2, rate_hz=0), (b"data", bytes(100))), "0 Hz"),
    ],
)
def test_what_is_no_wav_is_refused_with_its_name_and_a_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    path = _write(tmp_path, data)
    with pytest.raises(DeviceError, match=reason) as caught:
        read_wav(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    for path, reason in (
        (tmp_path, "not a regular file"),
        (pipe, "not a regular file"),
        (tmp_path / "nowhere.wav", "no such file"),
    ):
        with pytest.raises(DeviceError, match=reason):
            WavReader(path)


@given(st.integers(0, 200), st.binary(max_size=24))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_header_however_broken_gives_anything_but_audio_or_a_device_error(
    tmp_path: Path, at: int, bytes_there: bytes
) -> None:
    data = bytearray(_riff(_fmt(1, 2), (b"LIST", bytes(60)), (b"data", bytes(200))))
    data[at : at + len(bytes_there)] = bytes_there
    try:
        read_wav(_write(tmp_path, bytes(data)))
    except DeviceError:
        pass


def test_reading_in_pieces_gives_what_reading_at_once_gives(tmp_path: Path) -> None:
    path = _write(tmp_path, _riff(_fmt(1, 2, rate_hz=16_000), (b"data", _encoded(1, 2))))
    with WavReader(path) as reader:
        pieces = []
        while piece := reader.read(481):
            pieces.append(piece)
        assert reader.read(1) == b""
    assert b"".join(pieces) == read_wav(path)
    assert all(len(piece) == 962 for piece in pieces[:-1])


def test_a_written_file_is_read_by_the_standard_library(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with WavWriter(path, 8_000, channels=2) as writer:
        writer.write(bytes(range(8)))
        writer.write(bytes(8))
    writer.close()
    with wave.open(str(path)) as file:
        assert file.getparams()[:4] == (2, 2, 8_000, 4)
        assert file.readframes(4) == bytes(range(8)) + bytes(8)


def test_a_file_that_was_never_closed_is_good_but_for_its_last_second(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    writer = WavWriter(path)
    for _ in range(123):
        writer.write(b"\1\0" * 480)
    copy = _write(tmp_path, path.read_bytes())  # what is on the disk at this moment
    with wave.open(str(copy)) as file:
        assert 1.46 <= file.getnframes() / 24_000 <= 2.46
    assert len(read_wav(copy)) >= 1.46 * 48_000
    writer.close()
    assert len(read_wav(path)) == 123 * 960


def test_a_folder_that_is_not_there_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"Cannot write .*no such file"):
        WavWriter(tmp_path / "no" / "a.wav")
