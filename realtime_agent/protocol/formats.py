"""The audio formats of the Realtime API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FormatName = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How audio bytes on the wire are to be read. All are mono.

    `audio/pcm` is 16-bit signed little-endian at 24 kHz; `audio/pcmu` and `audio/pcma` are G.711 µ-law and A-law at
    8 kHz.
    """

    name: FormatName
    rate_hz: int
    bytes_per_sample: int

    def samples(self, size_bytes: int) -> int:
        """How many samples so many bytes hold."""
        return size_bytes // self.bytes_per_sample

    def size_bytes(self, duration_ms: float) -> int:
        """How many bytes so many milliseconds take, whole samples only."""
        return int(self.rate_hz * duration_ms / 1000) * self.bytes_per_sample

    def holds_whole_samples(self, size_bytes: int) -> bool:
        """Whether so many bytes are whole samples. The codec cannot know: a message does not say its format."""
        return size_bytes % self.bytes_per_sample == 0

    def duration_ms(self, size_bytes: int) -> float:
        """How long so many bytes last, in milliseconds."""
        return self.samples(size_bytes) * 1000 / self.rate_hz


PCM = AudioFormat("audio/pcm", 24_000, 2)
PCMU = AudioFormat("audio/pcmu", 8_000, 1)
PCMA = AudioFormat("audio/pcma", 8_000, 1)

FORMATS: dict[str, AudioFormat] = {f.name: f for f in (PCM, PCMU, PCMA)}
