"""What a session has used."""

from __future__ import annotations

from dataclasses import dataclass

from realtime_agent.protocol import TranscriptionUsage
from realtime_agent.protocol import Usage as ResponseUsage


@dataclass(slots=True)
class Usage:
    """Totals since the session started. Tokens as the server reports them, seconds as we count samples.

    `input_cached_tokens` are part of the input tokens. `audio_in_s` is microphone audio meant for the server,
    `audio_out_s` agent audio received, `audio_heard_s` the part of it that was played.
    """

    responses: int = 0
    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    input_cached_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0
    transcription_tokens: int = 0
    transcription_s: float = 0.0
    audio_in_s: float = 0.0
    audio_out_s: float = 0.0
    audio_heard_s: float = 0.0

    def add_response(self, usage: ResponseUsage | None) -> None:
        """One more response, with what it cost where the server tells."""
        self.responses += 1
        if usage is None:
            return
        self.total_tokens += usage.total_tokens or 0
        self.input_tokens += usage.input_tokens or 0
        self.output_tokens += usage.output_tokens or 0
        if (into := usage.input_token_details) is not None:
            self.input_text_tokens += into.text_tokens or 0
            self.input_audio_tokens += into.audio_tokens or 0
            self.input_image_tokens += into.image_tokens or 0
            self.input_cached_tokens += into.cached_tokens or 0
        if (out := usage.output_token_details) is not None:
            self.output_text_tokens += out.text_tokens or 0
            self.output_audio_tokens += out.audio_tokens or 0

    def add_transcription(self, usage: TranscriptionUsage | None) -> None:
        """One more transcription of the user's speech."""
        if usage is None:
            return
        self.transcription_tokens += usage.total_tokens or 0
        self.transcription_s += usage.seconds or 0.0
