"""From a short name to a way: what `Session(model="gpt-realtime", user="desktop")` means."""

from __future__ import annotations

from realtime_agent.errors import ConfigError, MissingExtra
from realtime_agent.transports.model.base import Model
from realtime_agent.transports.user.base import UserTransport


def model_from(model: str | Model) -> Model:
    """The way to a model.

    "embedded" is the engine in this process; a `ws://`, `wss://`, `http://` or `https://` address is any compatible
    server; every other word is the name of a model at OpenAI.

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

        return EmbeddedModel()
    from realtime_agent.transports.model.websocket import WebSocketModel

    return WebSocketModel(model)


def user_from(user: str | UserTransport | None) -> UserTransport | None:
    """The way to the person: "desktop", or a transport; None where nothing is spoken.

    Raises:
        ConfigError: the name is unknown, or its parts are not installed.
    """
    if not isinstance(user, str):
        return user
    if user != "desktop":
        raise ConfigError(
            f'{user!r} is no way to a person. Use "desktop", WavUser(...), MemoryUser(...), or None for text only.'
        )
    return desktop_user()


def desktop_user(microphone: str | None = None, speaker: str | None = None) -> UserTransport:
    """Microphone and speaker, by parts of their names.

    Raises:
        MissingExtra: the `desktop` extra is not installed.
    """
    try:
        from realtime_agent.transports.user.desktop import DesktopUser
    except MissingExtra as error:  # of its `audio` part alone
        raise MissingExtra("A conversation with microphone and speaker", "desktop") from error
    return DesktopUser(microphone, speaker)
