"""`openai`: a transcription session, by turn detection and by hand."""

from __future__ import annotations

import asyncio
import base64
from collections import defaultdict
from typing import Any

from caller import ADDRESS, Microphone, run
from openai import AsyncOpenAI


async def conversation() -> dict[str, Any]:
    client = AsyncOpenAI(api_key="none", base_url=f"http://{ADDRESS}/v1")
    async with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        events: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

        async def listen() -> None:
            async for event in connection:
                events[event.type].put_nowait(event)

        async def send(pcm: bytes) -> None:
            await connection.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())

        async def configure(detection: Any) -> Any:
            transcription = {"model": "gpt-realtime-whisper", "language": "en", "delay": "low"}
            sound = {"input": {"transcription": transcription, "turn_detection": detection}}
            await connection.session.update(session={"type": "transcription", "audio": sound})
            return (await events["session.updated"].get()).session

        async def transcript() -> str:
            completed = await events["conversation.item.input_audio_transcription.completed"].get()
            return str(completed.transcript)

        listening = asyncio.create_task(listen())
        created = (await events["session.created"].get()).session
        await configure({"type": "server_vad"})
        microphone = Microphone(send)
        heard = []
        for name in ("weather", "time"):
            await microphone.say(name)
            heard.append(await transcript())

        microphone.mute()
        manual = await configure(None)
        await connection.input_audio_buffer.clear()
        await microphone.say("sum")
        await connection.input_audio_buffer.commit()
        heard.append(await transcript())
        await microphone.close()
        listening.cancel()
    return {"type": created.type, "manual": manual.audio.input.turn_detection is None, "heard": heard}


if __name__ == "__main__":
    run(conversation)
