"""`openai`: a translation session; the speaker says several sentences and never waits."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from caller import ADDRESS, BYTES_PER_MS, Microphone, run
from openai import AsyncOpenAI

SENTENCES = ("train", "children", "house")


async def conversation() -> dict[str, Any]:
    client = AsyncOpenAI(api_key="none", base_url=f"http://{ADDRESS}/v1")
    async with client.realtime.translations.connect(model="gpt-realtime-translate") as connection:
        source, target, sound_ms = [], [], 0
        speaking = True
        early_ms = 0  # what was spoken while the speaker still talked
        updated: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def listen() -> None:
            nonlocal sound_ms, early_ms
            async for event in connection:
                match event.type:
                    case "session.updated":
                        updated.set_result(event.session)
                    case "session.input_transcript.delta":
                        source.append(event.delta)
                    case "session.output_transcript.delta":
                        target.append(event.delta)
                    case "session.output_audio.delta":
                        sound_ms += len(base64.b64decode(event.delta)) // BYTES_PER_MS
                        early_ms = sound_ms if speaking else early_ms
                    case "session.closed":
                        return
                    case "error":
                        raise RuntimeError(event.error.message)

        async def send(pcm: bytes) -> None:
            await connection.session.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())

        listening = asyncio.create_task(listen())
        await connection.session.update(
            session={"audio": {"output": {"language": "es"}, "input": {"transcription": {"model": "whisper-1"}}}}
        )
        session = await updated
        microphone = Microphone(send)
        for name in SENTENCES:
            await microphone.say(name)
        speaking = False
        await microphone.close()
        await connection.session.close()
        await listening  # session.closed, after all that was left to say
    return {
        "language": session.audio.output.language,
        "source": "".join(source),
        "target": "".join(target),
        "sound_ms": sound_ms,
        "early_ms": early_ms,
    }


if __name__ == "__main__":
    run(conversation)
