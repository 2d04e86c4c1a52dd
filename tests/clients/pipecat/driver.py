"""`pipecat-ai`: a pipeline around `OpenAIRealtimeLLMService`, on a transport of its own base classes."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from caller import ADDRESS, BYTES_PER_MS, Microphone, keep, run
from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    LLMRunFrame,
    OutputAudioRawFrame,
    StartFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

RATE_HZ = 24_000
CALLS: list[dict[str, str]] = []
WEATHER = FunctionSchema("get_weather", "The weather in a city.", {"city": {"type": "string"}}, ["city"])

logger.remove()
logger.add(sys.stderr, level="WARNING")


async def get_weather(params: FunctionCallParams) -> None:
    CALLS.append({"name": params.function_name, **params.arguments})
    await params.result_callback("foggy, 12 degrees")


class Ear(BaseInputTransport):
    """The microphone."""

    def __init__(self) -> None:
        super().__init__(TransportParams(audio_in_enabled=True, audio_in_sample_rate=RATE_HZ))

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def push(self, pcm: bytes) -> None:
        await self.push_audio_frame(InputAudioRawFrame(audio=pcm, sample_rate=RATE_HZ, num_channels=1))


class Mouth(BaseOutputTransport):
    """The loudspeaker: takes a frame when the one before has been played."""

    def __init__(self) -> None:
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_sample_rate=RATE_HZ))
        self._due = 0.0
        self.played = bytearray()
        self.grown = asyncio.Event()

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        self.played += frame.audio
        self.grown.set()
        now = time.monotonic()
        self._due = max(self._due, now) + len(frame.audio) / BYTES_PER_MS / 1000
        await asyncio.sleep(self._due - now)
        return True

    async def heard(self, ms: int) -> None:
        while len(self.played) < ms * BYTES_PER_MS:
            self.grown.clear()
            await self.grown.wait()


class Watcher(FrameProcessor):
    """Sees the end of each turn of the bot, and errors."""

    def __init__(self, mouth: Mouth) -> None:
        super().__init__()
        self._mouth = mouth
        self.turns: asyncio.Queue[bytes] = asyncio.Queue()  # what was played of each
        self.errors: list[str] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, BotStoppedSpeakingFrame) and self._mouth.played:
            self.turns.put_nowait(bytes(self._mouth.played))
            self._mouth.played.clear()
        elif isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
        await self.push_frame(frame, direction)


class Call:
    """One pipeline and the person's ends of it."""

    def __init__(self, detection: Any) -> None:
        audio = events.AudioConfiguration(
            input=events.AudioInput(transcription=events.InputAudioTranscription(), turn_detection=detection)
        )
        llm = OpenAIRealtimeLLMService(
            api_key="none",
            base_url=f"ws://{ADDRESS}/v1/realtime",
            settings=OpenAIRealtimeLLMService.Settings(
                model="gpt-realtime",
                system_instruction="You are a helpful assistant.",
                session_properties=events.SessionProperties(audio=audio),
            ),
        )
        llm.register_function("get_weather", get_weather)
        self.context = LLMContext([], tools=ToolsSchema(standard_tools=[WEATHER]))
        ends = LLMContextAggregatorPair(self.context)
        self.ear, self.mouth = Ear(), Mouth()
        self.watcher = Watcher(self.mouth)
        self.worker = PipelineWorker(
            Pipeline([self.ear, ends.user(), llm, self.mouth, self.watcher, ends.assistant()]),
            params=PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ),
        )
        self.worker.add_event_handler("on_pipeline_error", self._on_error)
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self.worker)
        await runner.run()

    async def _on_error(self, worker: object, frame: ErrorFrame) -> None:
        self.watcher.errors.append(frame.error)

    async def greeted(self) -> None:
        """Run the model once, as the package's examples do, and hear it out."""
        await self.worker.queue_frame(LLMRunFrame())
        await self.watcher.turns.get()

    async def close(self) -> None:
        await self.worker.queue_frame(EndFrame())
        await self._running


async def conversation() -> dict[str, Any]:
    call = Call(events.TurnDetection(type="server_vad"))
    await call.greeted()
    microphone = Microphone(call.ear.push)
    await microphone.say("weather")
    keep("weather", await call.watcher.turns.get())
    await microphone.say("story")
    await call.mouth.heard(3000)
    await microphone.say("repeat")
    story = await call.watcher.turns.get()
    keep("repeat", await call.watcher.turns.get())
    await microphone.close()
    said = [message.get("content") for message in call.context.messages if message.get("role") == "assistant"]
    await call.close()

    manual = Call(False)
    await manual.greeted()
    microphone = Microphone(manual.ear.push)
    microphone.mute()
    await manual.worker.queue_frame(UserStartedSpeakingFrame())
    await microphone.say("sum")
    await manual.worker.queue_frame(UserStoppedSpeakingFrame())
    keep("sum", await manual.watcher.turns.get())
    await microphone.close()
    await manual.close()
    return {
        "calls": CALLS,
        "story_ms": len(story) // BYTES_PER_MS,
        "said": said,
        "errors": call.watcher.errors + manual.watcher.errors,
    }


if __name__ == "__main__":
    run(conversation)
