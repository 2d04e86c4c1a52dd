"""The thirteen names of OpenAI's voices are thirteen voices: nobody who hears two of them takes them for one."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from realtime_agent.engine.prosody import voice_pitch_hz
from realtime_agent.engine.voice import PicoVoice
from realtime_agent.engine.voices import find_voice
from realtime_agent.server.core.settings import OPENAI_VOICES

SENTENCE = "Hello, this is a sentence with many voiced sounds, and I would like you to hear all of them."


async def test_no_two_of_the_thirteen_voices_sound_alike() -> None:
    voice = PicoVoice()
    await voice.start()
    try:
        sound = {name: b"".join([c.pcm async for c in voice.speak(SENTENCE, voice=name)]) for name in OPENAI_VOICES}
    finally:
        await voice.close()
    pitch = {name: voice_pitch_hz(pcm, voice.rate_hz) for name, pcm in sound.items()}
    for one, other in combinations(OPENAI_VOICES, 2):
        semitones = abs(12 * np.log2(pitch[one] / pitch[other]))
        pace = max(len(sound[one]), len(sound[other])) / min(len(sound[one]), len(sound[other]))
        accent = find_voice(one).base != find_voice(other).base
        assert semitones > 1 or pace > 1.05 or accent, (one, other)
    assert max(pitch.values()) / min(pitch.values()) > 2
