"""Items that a client sends, read into entries or refused."""

from __future__ import annotations

import binascii
import json

import pybase64
from pydantic import BaseModel

from realtime_agent.protocol import ContentPart, FunctionCallItem, FunctionCallOutputItem, MessageItem
from realtime_agent.protocol.formats import AudioFormat
from realtime_agent.server.core.configuration import refuse_unknown
from realtime_agent.server.core.conversation import Entry, Part, Role
from realtime_agent.server.core.errors import refusal, unsupported

_ALLOWED_CONTENT: dict[Role, tuple[str, ...]] = {
    "system": ("input_text",),
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text",),
}
_IMAGE_PREFIXES = ("data:image/png;base64,", "data:image/jpeg;base64,")
_MAX_ID_CHARACTERS = 128


def read_item(item: BaseModel, new_id: str, input_format: AudioFormat, param: str = "item") -> Entry:
    """The entry that a client's item describes. `new_id` is for items that bring none of their own.

    Raises:
        RemoteProtocolError: it is none that a client may create here.
    """
    if not isinstance(item, MessageItem | FunctionCallItem | FunctionCallOutputItem):
        kind = getattr(item, "type", None)
        raise unsupported(f"An item of type '{kind}'", f"{param}.type")
    refuse_unknown(item, param)
    item_id = item.id or new_id
    if len(item_id) > _MAX_ID_CHARACTERS:
        raise refusal(f"Invalid '{param}.id': at most {_MAX_ID_CHARACTERS} characters.", param=f"{param}.id")
    if isinstance(item, MessageItem):
        return _read_message(item, item_id, input_format, param)
    if isinstance(item, FunctionCallItem):
        return _read_call(item, item_id, new_id, param)
    return Entry(item_id, "function_call_output", call_id=item.call_id, output=item.output)


def _read_call(item: FunctionCallItem, item_id: str, new_id: str, param: str) -> Entry:
    try:
        arguments = json.loads(item.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise refusal(f"Invalid '{param}.arguments': expected a JSON object as text.", param=f"{param}.arguments")
    call_id = item.call_id or new_id.replace("item", "call", 1)
    return Entry(item_id, "function_call", call_id=call_id, name=item.name, arguments=item.arguments)


def _read_message(item: MessageItem, item_id: str, input_format: AudioFormat, param: str) -> Entry:
    role: Role = "user" if item.role == "user" else "assistant" if item.role == "assistant" else "system"
    parts = []
    for index, content in enumerate(item.content):
        at = f"{param}.content[{index}]"
        if content.type not in _ALLOWED_CONTENT[role]:
            allowed = ", ".join(f"'{kind}'" for kind in _ALLOWED_CONTENT[role])
            raise refusal(
                f"Invalid value: '{content.type}'. Supported values for role '{role}' are: {allowed}.",
                param=f"{at}.type",
            )
        parts.append(_read_part(content, input_format, at))
    if not parts:
        raise refusal(f"Invalid '{param}.content': a message needs content.", param=f"{param}.content")
    return Entry(item_id, "message", role=role, content=parts)


def _read_part(content: ContentPart, input_format: AudioFormat, at: str) -> Part:
    if content.type == "input_image":
        if content.image_url is None or not content.image_url.startswith(_IMAGE_PREFIXES):
            raise refusal(
                f"Invalid '{at}.image_url': expected a data URI of a PNG or JPEG in base64.", param=f"{at}.image_url"
            )
        return Part("input_image", image_url=content.image_url, detail=content.detail)
    if content.type == "input_audio":
        audio = _read_audio(content.audio, input_format, at)
        return Part(
            "input_audio",
            transcript=content.transcript,
            audio=bytearray(audio),
            format=input_format,
            samples=input_format.samples(len(audio)),
        )
    if content.text is None:
        raise refusal(
            f"Missing required parameter: '{at}.text'.", code="missing_required_parameter", param=f"{at}.text"
        )
    return Part(str(content.type), text=content.text)


def _read_audio(text: str | None, format: AudioFormat, at: str) -> bytes:
    try:
        audio = pybase64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        audio = b""
    if not audio or len(audio) % format.bytes_per_sample:
        raise refusal(f"Invalid '{at}.audio': expected {format.name} in base64.", param=f"{at}.audio")
    return audio
