"""`openai` over its WebSocket: `client.realtime.connect`, events by hand as its documentation shows them."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from caller import ADDRESS, Microphone, Player, keep, run
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Conversation:
    """What an application around this client does: plays, answers function calls, truncates what was cut off."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.player = Player()
        self.sound = bytearray()  # of the response that is being made
        self.item_id = ""  # what is being played
        self.calls: list[dict[str, Any]] = []
        self.responses: asyncio.Queue[Any] = asyncio.Queue()  # those that are done
        self.events: dict[str, asyncio.Queue[Any]] = {}

    async def listen(self) -> None:
        async for event in self.connection:
            match event.type:
                case "response.output_audio.delta":
                    pcm = base64.b64decode(event.delta)
                    self.sound += pcm
                    self.item_id = event.item_id
                    self.player.play(event.item_id, pcm)
                case "input_audio_buffer.speech_started" if self.item_id:
                    self.player.flush()
                    heard_ms = self.player.heard_ms(self.item_id)
                    item_id, self.item_id = self.item_id, ""
                    await self.connection.conversation.item.truncate(
                        item_id=item_id, content_index=0, audio_end_ms=heard_ms
                    )
                case "response.function_call_arguments.done":
                    self.calls.append({"name": event.name, **json.loads(event.arguments)})
                case "response.done":
                    self.responses.put_nowait((event.response, bytes(self.sound)))
                    self.sound.clear()
                case kind:
                    self.events.setdefault(kind, asyncio.Queue()).put_nowait(event)

    async def event(self, kind: str) -> Any:
        return await self.events.setdefault(kind, asyncio.Queue()).get()


async def conversation() -> dict[str, Any]:
    client = AsyncOpenAI(api_key="none", base_url=f"http://{ADDRESS}/v1")
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talk = Conversation(connection)
        listening = asyncio.create_task(talk.listen())
        await connection.session.update(
            session={
                "type": "realtime",
                "instructions": "You are a helpful assistant.",
                "tools": [WEATHER],
                "audio": {"input": {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": "server_vad"}}},
            }
        )
        await talk.event("session.updated")

        async def send(pcm: bytes) -> None:
            await connection.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())

        microphone = Microphone(send)
        seen = {
            "weather": await ask_for_weather(talk, microphone),
            "barge_in": await cut_in(talk, microphone),
            "push_to_talk": await push_to_talk(talk, microphone),
            "calls": talk.calls,
        }
        await microphone.close()
        listening.cancel()
    return seen


async def ask_for_weather(talk: Conversation, microphone: Microphone) -> dict[str, Any]:
    await microphone.say("weather")
    response, _ = await talk.responses.get()
    (call,) = response.output
    await talk.connection.conversation.item.create(
        item={"type": "function_call_output", "call_id": call.call_id, "output": "foggy, 12 degrees"}
    )
    await talk.connection.response.create()
    response, sound = await talk.responses.get()
    keep("weather", sound)
    asked = await talk.event("conversation.item.input_audio_transcription.completed")
    await talk.player.finished()
    talk.item_id = ""  # heard in full
    return {"asked": asked.transcript, "status": response.status, "said": response.output[0].content[0].transcript}


async def cut_in(talk: Conversation, microphone: Microphone) -> dict[str, Any]:
    await microphone.say("story")
    told, _ = await talk.responses.get()  # made faster than it is played
    await talk.player.heard(3000)
    item_id = talk.item_id
    await microphone.say("repeat")
    truncated = await talk.event("conversation.item.truncated")
    await talk.connection.conversation.item.retrieve(item_id=item_id)
    retrieved = (await talk.event("conversation.item.retrieved")).item
    response, sound = await talk.responses.get()
    keep("repeat", sound)
    await talk.player.finished()
    talk.item_id = ""
    return {
        "story_status": told.status,
        "truncated_ms": truncated.audio_end_ms,
        "is_that_item": truncated.item_id == item_id == retrieved.id,
        "left": retrieved.content[0].transcript,
        "said": response.output[0].content[0].transcript,
    }


async def push_to_talk(talk: Conversation, microphone: Microphone) -> dict[str, Any]:
    microphone.mute()
    await talk.connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    updated = await talk.event("session.updated")
    await talk.connection.input_audio_buffer.clear()
    await talk.event("input_audio_buffer.cleared")
    await microphone.say("sum")
    await talk.connection.input_audio_buffer.commit()
    await talk.event("input_audio_buffer.committed")
    await talk.connection.response.create()
    response, sound = await talk.responses.get()
    keep("sum", sound)
    detection = updated.session.audio.input.turn_detection
    return {"turn_detection": detection, "said": response.output[0].content[0].transcript}


if __name__ == "__main__":
    run(conversation)
