"""`openai`: a server mints client secrets with its key; a device that holds one opens the session that it is for."""

from __future__ import annotations

import os
from typing import Any

from caller import ADDRESS, run
from openai import AsyncOpenAI, AuthenticationError
from openai.resources.realtime.realtime import AsyncRealtimeConnection

BASE_URL = f"http://{ADDRESS}/v1"


async def refusal_of(api_key: str) -> int | None:
    """The status with which a handshake with this key is refused."""
    try:
        async with AsyncOpenAI(api_key=api_key, base_url=BASE_URL).realtime.connect(model="gpt-realtime"):
            return None
    except Exception as error:  # noqa: BLE001 - of the WebSocket library that this package uses
        return int(error.response.status_code)  # type: ignore[attr-defined]


async def said_to(connection: AsyncRealtimeConnection, text: str) -> str:
    """The answer to a line of text."""
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await connection.conversation.item.create(item=message)
    await connection.response.create(response={"output_modalities": ["text"]})
    async for event in connection:
        if event.type == "response.done":
            return str(event.response.output[0].content[0].text)
        if event.type == "error":
            return f"error {event.error.param}"
    return ""


async def conversation() -> dict[str, Any]:
    server = AsyncOpenAI(api_key=os.environ["SERVER_KEY"], base_url=BASE_URL)
    try:
        await AsyncOpenAI(api_key="sk-wrong", base_url=BASE_URL, max_retries=0).realtime.client_secrets.create()
        wrong = None
    except AuthenticationError as error:
        wrong = error.status_code
    minted = await server.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60},
        session={"type": "realtime", "model": "gpt-realtime", "instructions": "Your name is Ada."},
    )
    device = AsyncOpenAI(api_key=minted.value, base_url=BASE_URL)
    async with device.realtime.connect(model="gpt-realtime") as connection:
        created = (await connection.recv()).session
        name = await said_to(connection, "What is your name?")
        await connection.session.update(session={"type": "realtime", "instructions": "Your name is Bob."})
        refused = (await connection.recv()).type
        while refused == "rate_limits.updated":
            refused = (await connection.recv()).type
    return {
        "wrong_key": wrong,
        "value": minted.value[:3],
        "minted": minted.session.instructions,
        "created": created.instructions,
        "name": name,
        "update": refused,
        "used_twice": await refusal_of(minted.value),
        "wrong_key_on_socket": await refusal_of("sk-wrong"),
    }


if __name__ == "__main__":
    run(conversation)
