"""`openai-agents`: a `RealtimeRunner` with its own tool execution, playback clock and interruption."""

from __future__ import annotations

import asyncio
from typing import Any

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession
from agents.realtime.model_inputs import RealtimeModelSendRawMessage
from caller import ADDRESS, Microphone, Player, keep, run

CALLS: list[dict[str, str]] = []


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    CALLS.append({"name": "get_weather", "city": city})
    return "foggy, 12 degrees"


class Application:
    """Plays what the session gives, and lets the driver wait for what happens."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.player = Player()
        self.sound = bytearray()
        self.interruptions: list[str] = []
        self.errors: list[str] = []
        self.ends: asyncio.Queue[bytes] = asyncio.Queue()  # the sound of each turn of the agent

    async def listen(self) -> None:
        async for event in self.session:
            if event.type == "audio":
                self.sound += event.audio.data
                self.player.play(event.item_id, event.audio.data)
            elif event.type == "audio_interrupted":
                self.interruptions.append(event.item_id)
                self.player.flush()
            elif event.type == "agent_end":
                self.ends.put_nowait(bytes(self.sound))
                self.sound.clear()
            elif event.type == "error":
                self.errors.append(str(event.error))

    async def spoken(self) -> bytes:
        """The sound of the next turn that has any; a turn that only calls a tool has none."""
        while not (sound := await self.ends.get()):
            pass
        return sound

    def transcript(self, item_id: str) -> str | None:
        """What the client's own history says that this item says."""
        for item in self.session._history:
            if item.item_id == item_id and item.type == "message":
                return "".join(part.transcript or "" for part in item.content if part.type == "audio")
        return None


async def conversation() -> dict[str, Any]:
    agent = RealtimeAgent(name="Assistant", instructions="You are a helpful assistant.", tools=[get_weather])
    detection = {"type": "server_vad", "interrupt_response": True}
    audio = {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}, "turn_detection": detection}}
    settings: Any = {"model_settings": {"model_name": "gpt-realtime", "audio": audio}}
    runner = RealtimeRunner(starting_agent=agent, config=settings)
    address = f"ws://{ADDRESS}/v1/realtime?model=gpt-realtime"
    session = await runner.run(model_config={"api_key": "none", "url": address})
    async with session:
        application = Application(session)
        listening = asyncio.create_task(application.listen())
        microphone = Microphone(session.send_audio)

        await microphone.say("weather")
        keep("weather", await application.spoken())
        await application.player.finished()

        await microphone.say("story")
        await application.spoken()
        await application.player.heard(3000)
        await microphone.say("repeat")
        keep("repeat", await application.spoken())
        await application.player.finished()
        left = [application.transcript(item_id) for item_id in application.interruptions]

        microphone.mute()
        await push_to_talk(session, microphone)
        keep("sum", await application.spoken())

        await microphone.close()
        listening.cancel()
    return {
        "calls": CALLS,
        "interruptions": application.interruptions,
        "left": left,
        "errors": application.errors,
    }


async def push_to_talk(session: RealtimeSession, microphone: Microphone) -> None:
    manual = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    await send(session, {"type": "session.update", "other_data": {"session": manual}})
    await send(session, {"type": "input_audio_buffer.clear"})
    await microphone.say("sum")
    await session.send_audio(b"", commit=True)
    await send(session, {"type": "response.create"})


async def send(session: RealtimeSession, message: Any) -> None:
    await session.model.send_event(RealtimeModelSendRawMessage(message=message))


if __name__ == "__main__":
    run(conversation)
