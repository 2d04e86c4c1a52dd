"""The Moonshine speech model: one loaded copy, in a process that may die of it.

moonshine-voice 0.1.0 is called below its Python wrapper, for four reasons measured on that release. The wrapper builds
lists of floats, sample by sample, with the GIL held. Its own VAD keeps state between calls: the same audio gives other
words the second time. The text it returns belongs to the transcriber and is gone with the next call, so two threads on
one transcriber read each other's freed memory. And its onnxruntime spins on every core for nothing: with one thread it
takes the same time and half the CPU. The C call itself releases the GIL.
"""

from __future__ import annotations

import ctypes
import os

import numpy as np

from realtime_agent.engine import utterance
from realtime_agent.errors import EngineError, MissingExtra

_ONE_THREAD = "MOONSHINE_ORT_SINGLE_THREAD"
_OPTIONS = {"vad_threshold": "0", "return_audio_data": "false"}


class Moonshine:
    """A loaded model. Not thread-safe.

    Raises:
        MissingExtra: moonshine-voice is not installed.
        EngineError: it cannot be loaded.
    """

    def __init__(self) -> None:
        try:
            from moonshine_voice import ModelArch, get_model_path
            from moonshine_voice.errors import MoonshineError
            from moonshine_voice.moonshine_api import TranscriptC
            from moonshine_voice.transcriber import Transcriber
        except ModuleNotFoundError as error:
            raise MissingExtra("The embedded ear", "engine") from error
        except OSError as error:
            raise EngineError(f"The ear's library does not load on this machine: {error}") from error
        self._transcript_pointer = ctypes.POINTER(TranscriptC)
        os.environ[_ONE_THREAD] = "1"
        try:
            self._transcriber = Transcriber(get_model_path("tiny-en"), ModelArch.TINY, options=_OPTIONS)
        except (MoonshineError, OSError) as error:
            raise EngineError(
                f"The ear's model does not load: {error}. moonshine-voice must be 0.1.0, which carries its weights"
            ) from error

    def decode(self, pcm: utterance.Samples) -> str:
        """The words of one piece.

        pcm: (n,) int16, mono, 16 kHz.

        Raises:
            EngineError: the library reports an error.
        """
        audio = pcm.astype(np.float32) / 32768.0
        transcript = self._transcript_pointer()
        code = self._transcriber._lib.moonshine_transcribe_without_streaming(
            self._transcriber._handle,
            audio.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
            len(audio),
            utterance.RATE_HZ,
            0,
            ctypes.byref(transcript),
        )
        if code != 0:
            raise EngineError(f"The ear failed (moonshine error {code})")
        if not transcript:
            return ""
        lines = transcript.contents
        texts = (lines.lines[index].text for index in range(lines.line_count))
        return " ".join(ctypes.string_at(text).decode("utf-8", "replace").strip() for text in texts if text)

    def warm(self) -> None:
        """Pay for the first decoding, which is slower, before anybody waits."""
        noise = np.random.default_rng(0).normal(0.0, 1000.0, utterance.RATE_HZ)
        self.decode(noise.astype(np.int16))

    def close(self) -> None:
        """Free the model. Idempotent."""
        self._transcriber.close()
