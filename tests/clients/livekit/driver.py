"""`livekit-agents` with `livekit-plugins-openai`: an `AgentSession` on its own audio, without a LiveKit server."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from caller import ADDRESS, Microphone, keep, run
from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.voice import io
from livekit.plugins import openai

RATE_HZ = 24_000
CALLS: list[dict[str, str]] = []


@function_tool
async def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: the city's name.
    """
    CALLS.append({"name": "get_weather", "city": city})
    return "foggy, 12 degrees"


class Ear(io.AudioInput):
    """The microphone, as this framework wants it."""

    def __init__(self) -> None:
        super().__init__(label="test microphone")
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    async def push(self, pcm: bytes) -> None:
        self._frames.put_nowait(rtc.AudioFrame(pcm, RATE_HZ, 1, len(pcm) // 2))

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()


class Mouth(io.AudioOutput):
    """The loudspeaker: plays in real time, and says how far it came when it is stopped."""

    def __init__(self) -> None:
        capabilities = io.AudioOutputCapabilities(pause=False)
        super().__init__(label="test loudspeaker", capabilities=capabilities, sample_rate=RATE_HZ)
        self._sound = bytearray()
        self._began = 0.0
        self._ending: asyncio.Task[None] | None = None
        self._cleared = asyncio.Event()
        self.started = asyncio.Event()
        self.ended: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()  # each segment: sound, interrupted

    @property
    def played_s(self) -> float:
        return min(time.monotonic() - self._began, len(self._sound) / 2 / RATE_HZ)

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self._ending is not None:
            await self._ending
        if not self._sound:
            self._began = time.monotonic()
            self._cleared.clear()
            self.started.set()
            self.on_playback_started(created_at=time.time())  # noqa: TID251 - a date, for this framework
        self._sound += bytes(frame.data)

    def flush(self) -> None:
        super().flush()
        if self._sound and self._ending is None:
            self._ending = asyncio.create_task(self._end())

    def clear_buffer(self) -> None:
        self._cleared.set()

    async def _end(self) -> None:
        left_s = len(self._sound) / 2 / RATE_HZ - self.played_s
        try:
            await asyncio.wait_for(self._cleared.wait(), left_s)
        except TimeoutError:
            pass
        interrupted, position_s = self._cleared.is_set(), self.played_s
        self.ended.put_nowait((bytes(self._sound), interrupted))
        self._sound.clear()
        self._ending = None
        self.started.clear()
        self.on_playback_finished(playback_position=position_s, interrupted=interrupted)

    async def heard(self, seconds: float) -> None:
        await self.started.wait()
        await asyncio.sleep(max(0.0, seconds - self.played_s))


class Call:
    """One session and the person's ends of it."""

    def __init__(self, **settings: Any) -> None:
        model = openai.realtime.RealtimeModel(
            model="gpt-realtime", base_url=f"http://{ADDRESS}/v1", api_key="none", voice="alloy", **settings
        )
        self.session: AgentSession[None] = AgentSession(llm=model, **({"turn_detection": "manual"} if settings else {}))
        self.ear, self.mouth = Ear(), Mouth()
        self.session.input.audio, self.session.output.audio = self.ear, self.mouth
        self.errors: list[str] = []
        self.session.on("error", lambda event: self.errors.append(str(event.error)))

    async def start(self) -> Microphone:
        await self.session.start(Agent(instructions="You are a helpful assistant.", tools=[get_weather]))
        return Microphone(self.ear.push)

    def said(self) -> list[dict[str, Any]]:
        """The assistant's messages in the framework's own history."""
        messages = [item for item in self.session.history.items if item.type == "message" and item.role == "assistant"]
        return [{"text": item.text_content, "interrupted": item.interrupted} for item in messages]


async def conversation() -> dict[str, Any]:
    call = Call()
    microphone = await call.start()
    await microphone.say("weather")
    keep("weather", (await call.mouth.ended.get())[0])
    await microphone.say("story")
    await call.mouth.heard(3.0)
    await microphone.say("repeat")
    _, interrupted = await call.mouth.ended.get()
    keep("repeat", (await call.mouth.ended.get())[0])
    await microphone.close()
    reply = call.session.generate_reply(instructions="Tell me a joke.")  # waits for its metadata to come back
    await reply.wait_for_playout()
    joke, _ = await call.mouth.ended.get()
    await call.session.aclose()

    manual = Call(turn_detection=None)
    microphone = await manual.start()
    microphone.mute()
    await microphone.say("sum")
    manual.session.commit_user_turn()
    keep("sum", (await manual.mouth.ended.get())[0])
    await microphone.close()
    await manual.session.aclose()
    return {
        "calls": CALLS,
        "interrupted": interrupted,
        "said": call.said(),
        "asked_for_ms": len(joke) // 48,
        "errors": call.errors + manual.errors,
    }


if __name__ == "__main__":
    run(conversation)
