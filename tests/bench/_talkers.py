"""People who talk to a server, each a question every few seconds: what they say, and what they measure."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field

import numpy as np

from realtime_agent.audio.resample import resample
from realtime_agent.engine.voice import PicoVoice
from realtime_agent.errors import TransportError
from realtime_agent.protocol import (
    ErrorEvent,
    InputAudioBufferAppend,
    InputAudioBufferSpeechStopped,
    ResponseDone,
    ResponseOutputAudioDelta,
    decode_server,
    encode,
)
from realtime_agent.transports.model.base import Model, ModelConnection

RATE_HZ = 24_000
FRAME_MS = 20
QUESTION_EVERY_S = 10.0
_AUDIBLE = 600  # of 32768: the end of the last word
_FRAME_BYTES = RATE_HZ * FRAME_MS // 1000 * 2
_MEASURED = (b"output_audio.delta", b"speech_stopped", b"response.done", b'"error"')
_SILENT_FRAME = encode(InputAudioBufferAppend(bytes(_FRAME_BYTES)))
_SENTENCES = (
    "Could you please tell me what {0} plus {1} is?",
    "I would like to know how much {0} times {1} makes.",
    "What time is it now, and which day of the week?",
    "Please repeat after me: the train leaves at {0} past {1}.",
    "Hello there, can you count from {0} to {1} for me?",
)


@dataclass(frozen=True, slots=True)
class Question:
    """Messages of 20 ms each; after `ends_after` of them nothing is audible any more."""

    frames: tuple[bytes, ...]
    ends_after: int


async def make_questions(count: int) -> list[Question]:
    """Spoken by the embedded voice, each its own words in one of four voices."""
    numbers = random.Random(1)
    voice = PicoVoice()
    await voice.start()
    questions = []
    for index in range(count):
        text = _SENTENCES[index % len(_SENTENCES)].format(numbers.randint(2, 40), numbers.randint(41, 90))
        name = ("alloy", "ash", "en-GB", "marin")[index % 4]
        pcm = b"".join([clause.pcm async for clause in voice.speak(text, voice=name)])
        questions.append(_question(resample(pcm, PicoVoice.rate_hz, RATE_HZ)))
    await voice.close()
    return questions


def _question(pcm: bytes) -> Question:
    samples = np.frombuffer(pcm, "<i2").astype(np.int32)
    end = int(np.flatnonzero(np.abs(samples) > _AUDIBLE)[-1]) + 1
    noise = np.random.default_rng(0).normal(0, 4, len(samples))  # no room is digitally silent
    samples = (samples + noise).astype("<i2")
    frames = [samples.tobytes()[at : at + _FRAME_BYTES] for at in range(0, len(samples) * 2, _FRAME_BYTES)]
    ends_after = -(-end * 2 // _FRAME_BYTES)
    return Question(tuple(encode(InputAudioBufferAppend(frame)) for frame in frames[:ends_after]), ends_after)


@dataclass(slots=True)
class Figures:
    """What all talkers measured."""

    first_audio_ms: list[float] = field(default_factory=list)  # after the end of speech, the server's silence included
    turn_end_ms: list[float] = field(default_factory=list)  # until the server says that the turn is over
    gaps_ms: list[float] = field(default_factory=list)  # of each reply, by how much its sound came too late
    late_ms: list[float] = field(default_factory=list)  # of the talkers themselves: more, and nothing here counts
    asked: int = 0
    refused: int = 0  # that came when the server was full
    errors: dict[str, int] = field(default_factory=dict)

    def note_error(self, code: str) -> None:
        self.errors[code] = self.errors.get(code, 0) + 1


class Talker:
    """One person. Implements `ModelReceiver`."""

    def __init__(self, figures: Figures, questions: list[Question], until: float) -> None:
        self._figures = figures
        self._questions = questions
        self._until = until
        self._loop = asyncio.get_running_loop()
        self._ended_at: float | None = None  # the speech, while no answer has come
        self._response: tuple[str, float] | None = None  # its id, and when its sound began
        self._received_s = 0.0
        self._gap_s = 0.0

    async def talk(self, model: Model, offset_s: float, *, transcribe: bool) -> None:
        """Connect, wait, and ask a question every QUESTION_EVERY_S."""
        connection = await model.connect(self)
        try:
            if transcribe:
                transcription = {"audio": {"input": {"transcription": {"model": "default"}}}}
                update = {"type": "session.update", "session": {"type": "realtime", **transcription}}
                connection.send(json.dumps(update).encode())
            await self._speak(connection, offset_s)
        finally:
            await connection.close()

    async def _speak(self, connection: ModelConnection, offset_s: float) -> None:
        started = self._loop.time()
        next_at = started + offset_s
        due = started
        question: Question | None = None
        at = asked = 0
        while due < self._until:
            now = self._loop.time()
            if due > now:
                await asyncio.sleep(due - now)
                self._figures.late_ms.append((self._loop.time() - due) * 1000)
            if question is None and due >= next_at and due + QUESTION_EVERY_S * 0.7 < self._until:
                question, at = self._questions[asked % len(self._questions)], 0
                asked += 1
                next_at += QUESTION_EVERY_S
            if question is None:
                connection.send(_SILENT_FRAME)
            else:
                connection.send(question.frames[at])
                at += 1
                if at == question.ends_after:
                    question = None
                    self._figures.asked += 1
                    self._ended_at = self._loop.time()
            due += FRAME_MS / 1000

    def on_message(self, message: bytes) -> None:
        """Measure the sound, count the errors."""
        if not any(kind in message for kind in _MEASURED):
            return
        event = decode_server(message)
        match event:
            case InputAudioBufferSpeechStopped():
                if self._ended_at is not None:
                    self._figures.turn_end_ms.append((self._loop.time() - self._ended_at) * 1000)
            case ResponseOutputAudioDelta(response_id=response_id, audio=audio):
                self._note_audio(response_id, len(audio) / 2 / RATE_HZ)
            case ResponseDone(response=response):
                if response.status == "failed":
                    self._figures.note_error("response failed")
                if self._response is not None and response.id == self._response[0]:
                    self._figures.gaps_ms.append(self._gap_s * 1000)
                    self._response = None
            case ErrorEvent(error=error):
                self._figures.note_error(error.code or error.type)

    def on_closed(self, error: TransportError | None) -> None:
        if error is not None:
            self._figures.note_error(f"closed: {error.code}")

    def _note_audio(self, response_id: str, duration_s: float) -> None:
        now = self._loop.time()
        if self._response is None or self._response[0] != response_id:
            if self._ended_at is not None:
                self._figures.first_audio_ms.append((now - self._ended_at) * 1000)
                self._ended_at = None
            self._response = (response_id, now)
            self._received_s = self._gap_s = 0.0
        else:
            self._gap_s = max(self._gap_s, now - self._response[1] - self._received_s)
        self._received_s += duration_s
