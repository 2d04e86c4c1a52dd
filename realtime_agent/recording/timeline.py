"""The timeline page: one self-contained HTML file that shows, and plays, a recorded conversation."""

from __future__ import annotations

import base64
import io
import json
import wave
from importlib.resources import files
from pathlib import Path
from typing import Any

from realtime_agent.errors import MissingExtra
from realtime_agent.recording.log import ConversationLog

_PEAKS_PER_S = 100
_PLAYBACK_RATE_HZ = 16_000  # enough for speech, and keeps the page a third smaller than 24 kHz


def write_timeline(path: str | Path, log: ConversationLog, recording: str | Path, *, title: str) -> None:
    """Write the page of one conversation.

    recording: a 16-bit stereo WAV file, left the user, right the agent, whose first sample is the session's time zero.

    Raises:
        MissingExtra: numpy and soxr are not installed.
        OSError: the recording cannot be read, or the page not written.
    """
    data = log.as_dict() | _sound(Path(recording)) | {"title": title}
    # "</script" would end the script element, and "<!--" with "<script" would keep it from ending.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    template = (files("realtime_agent.recording") / "timeline.html").read_text(encoding="utf-8")
    Path(path).write_text(template.replace("/*DATA*/null", text), encoding="utf-8")


def _sound(recording: Path) -> dict[str, Any]:
    """Peaks of both channels for drawing, and the sound itself as a data URL."""
    try:
        import numpy as np
        import soxr
    except ImportError as error:
        raise MissingExtra("The timeline page", "audio") from error
    with wave.open(str(recording)) as file:
        rate_hz = file.getframerate()
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    block = rate_hz // _PEAKS_PER_S
    whole = len(frames) // block
    peaks = (
        np.abs(frames[: whole * block].astype(np.int32)).reshape(whole, block, 2).max(axis=1) if whole else frames[:0]
    )
    smaller = soxr.resample(frames, rate_hz, _PLAYBACK_RATE_HZ) if len(frames) else frames
    sound = io.BytesIO()
    with wave.open(sound, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(_PLAYBACK_RATE_HZ)
        out.writeframes(smaller.astype("<i2").tobytes())
    return {
        "duration_s": len(frames) / rate_hz,
        "peaks_per_s": _PEAKS_PER_S,
        "user_peaks": [int(p) * 100 // 32768 for p in peaks[:, 0]],
        "agent_peaks": [int(p) * 100 // 32768 for p in peaks[:, 1]],
        "sound": "data:audio/wav;base64," + base64.b64encode(sound.getvalue()).decode("ascii"),
    }
