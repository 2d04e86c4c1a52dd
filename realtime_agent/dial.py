"""From a short name to a way: what `Session(model="gpt-realtime", user="desktop")` means."""

from __future__ import annotations

from pathlib import Path

from realtime_agent.errors import ConfigError, MissingExtra
from realtime_agent.transports.model.address import SessionKind
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.user.base import UserTransport


def model_from(model: str | Model, kind: SessionKind = "realtime") -> Model:
    """The way to a model, for one kind of session.

    "embedded" is the engine in this process; a `ws://`, `wss://`, `http://` or `https://` address is any compatible
    server; every other word is the name of a model at OpenAI ("openai": its usual one). A `Model` is taken as it is.

    Raises:
        ConfigError: the name is empty, or its parts are not installed.
    """
    if not isinstance(model, str):
        return model
    if not model.strip():
        raise ConfigError(
            'The model has no name. Use "embedded", an address like ws://host/v1/realtime, or a model name.'
        )
    if model == "embedded":
        from realtime_agent.transports.model.embedded import EmbeddedModel

        return EmbeddedModel(kind=kind)
    from realtime_agent.transports.model.websocket import WebSocketModel

    return WebSocketModel(model, kind=kind)


def user_from(user: str | Path | UserTransport | None, *, speed: int = 1) -> UserTransport | None:
    """The way to the person: "desktop", a sound file (a `Path`), or a transport; None where nothing is spoken.

    speed: how many times faster than it was said a sound file is heard.

    Raises:
        ConfigError: the name is unknown, or its parts are not installed.
    """
    if isinstance(user, Path):
        if speed != 1:
            from realtime_agent.transports.user.hurried import HurriedWav

            return HurriedWav(user, speed)
        from realtime_agent.transports.user.wav import WavUser

        return WavUser(user)
    if not isinstance(user, str):
        return user
    if user != "desktop":
        raise ConfigError(
            f'{user!r} is no way to a person. Use "desktop", WavUser(...), MemoryUser(...), or None for text only.'
        )
    return desktop_user()


def desktop_user(
    microphone: str | None = None, speaker: str | None = None, *, echo_cancellation: bool = True
) -> UserTransport:
    """Microphone and speaker, by parts of their names.

    Raises:
        MissingExtra: the `desktop` extra is not installed.
    """
    try:
        from realtime_agent.transports.user.desktop import DesktopUser
    except MissingExtra as error:  # of its `audio` part alone
        raise MissingExtra("A conversation with microphone and speaker", "desktop") from error
    return DesktopUser(microphone, speaker, echo_cancellation=echo_cancellation)
