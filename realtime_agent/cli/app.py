"""The commands and their options; what they do is in the module of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from realtime_agent import __version__
from realtime_agent.cli.run import run
from realtime_agent.errors import MissingExtra

app = typer.Typer(
    name="realtime-agent",
    help="Talk to a voice agent: offline with the embedded engine, or with any OpenAI-compatible Realtime server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"realtime-agent {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def talk(
    model: Annotated[
        str, typer.Option(help="`embedded`, a model at OpenAI such as `gpt-realtime`, or a ws:// or wss:// address.")
    ] = "embedded",
    instructions: Annotated[str, typer.Option(help="What the agent is told about itself.")] = "",
    voice: Annotated[str | None, typer.Option(help="The agent's voice, e.g. `marin`.")] = None,
    tools: Annotated[
        list[str] | None, typer.Option(help="More tools: `module:name` of a function or a list; may be repeated.")
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Type instead of talking.")] = False,
    input: Annotated[
        Path | None, typer.Option(help="Say what is in this WAV file instead of using the microphone.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="With --input: write what the agent says to this WAV file.")
    ] = None,
    both: Annotated[Path | None, typer.Option(help="With --input: write both sides, user left, agent right.")] = None,
    microphone: Annotated[str | None, typer.Option(help="Part of the microphone's name; `doctor` lists them.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Part of the speaker's name.")] = None,
    headphones: Annotated[
        bool, typer.Option("--headphones", help="No echo to cancel: the microphone is used as it is.")
    ] = False,
    language: Annotated[
        str | None, typer.Option(help="What the user speaks, e.g. `en`; a hint for the transcript.")
    ] = None,
    push_to_talk: Annotated[bool, typer.Option("--push-to-talk", help="A turn begins and ends with Enter.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every event as one line of JSON.")] = False,
    safety_identifier: Annotated[
        str | None, typer.Option(help="A stable, anonymous id of the user, for OpenAI's abuse detection.")
    ] = None,
) -> None:
    """Talk to an agent. Stop with Ctrl-C.

    At OpenAI the key comes from OPENAI_API_KEY. With `--input` it ends by itself after the answer.
    """
    from realtime_agent.cli.talk import TalkOptions, talk

    options = TalkOptions(
        model=model,
        instructions=instructions,
        voice=voice,
        tools=tuple(tools or ()),
        text=text,
        input=input,
        output=output,
        both=both,
        microphone=microphone,
        speaker=speaker,
        headphones=headphones,
        language=language,
        push_to_talk=push_to_talk,
        json=json,
        safety_identifier=safety_identifier,
    )
    raise typer.Exit(run(talk(options)))


@app.command()
def demo(
    folder: Annotated[
        Path,
        typer.Option(help="Where conversation.wav and conversation.html go.", exists=True, file_okay=False),
    ] = Path(),
) -> None:
    """Listen in on a conversation: a simulated user talks to the embedded agent. Offline, under a minute."""
    try:
        from realtime_agent.cli.demo import demo
    except MissingExtra as error:  # of its `audio` part alone
        raise MissingExtra("The demo", "engine") from error

    raise typer.Exit(run(demo(folder)))


@app.command()
def doctor(
    model: Annotated[str, typer.Option(help="The model to reach for; see `talk`.")] = "embedded",
) -> None:
    """Check what is there: sound devices, engine, key; and measure a round trip."""
    from realtime_agent.cli.doctor import doctor

    raise typer.Exit(run(doctor(model)))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; any but this machine's own needs a key.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65_535)] = 8080,
    api_key: Annotated[
        list[str] | None,
        typer.Option(help="A key that opens the server; may be repeated.", envvar="REALTIME_AGENT_API_KEY"),
    ] = None,
    max_sessions: Annotated[int, typer.Option(help="Sessions at once; one more is refused.", min=1)] = 32,
    origin: Annotated[
        list[str] | None, typer.Option(help="A web origin whose pages may connect; may be repeated.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name by which clients reach the server; may be repeated.")
    ] = None,
    engine: Annotated[str, typer.Option(help="`embedded`, or `module:name` of an Engine of your own.")] = "embedded",
    brain_url: Annotated[
        str | None, typer.Option(help="An OpenAI-compatible chat server to think with, e.g. http://localhost:11434/v1.")
    ] = None,
    brain_model: Annotated[str | None, typer.Option(help="The model's name there.")] = None,
    log_level: Annotated[str, typer.Option(help="`debug`, `info`, `warning` or `error`.")] = "warning",
) -> None:
    """Serve the engine to every OpenAI Realtime client. Stop with Ctrl-C."""
    from realtime_agent.cli.serve import ServeOptions, serve

    options = ServeOptions(
        host=host,
        port=port,
        api_keys=tuple(key for key in api_key or () if key),
        max_sessions=max_sessions,
        origins=tuple(origin or ()),
        hosts=tuple(allow_host or ()),
        engine=engine,
        brain_url=brain_url,
        brain_model=brain_model,
        log_level=log_level,
    )
    raise typer.Exit(run(serve(options)))


@app.command()
def transcribe(
    source: Annotated[str, typer.Argument(help="A WAV file, or `microphone`.")] = "microphone",
    model: Annotated[
        str, typer.Option(help="`embedded`, a ws:// or wss:// address, `openai`, or a transcription model there.")
    ] = "embedded",
    language: Annotated[str | None, typer.Option(help="What is spoken, e.g. `en`.")] = None,
    prompt: Annotated[str | None, typer.Option(help="Words to expect, where the model takes such a hint.")] = None,
    delay: Annotated[
        str | None,
        typer.Option(
            help="`minimal`, `low`, `medium`, `high` or `xhigh`: how long text waits, and how seldom it errs."
        ),
    ] = None,
    speed: Annotated[
        int | None,
        typer.Option(help="How many times faster than real time a file is heard; 4 with `embedded`, else 1.", min=1),
    ] = None,
    microphone: Annotated[str | None, typer.Option(help="Part of the microphone's name; `doctor` lists them.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print every event as one line of JSON.")] = False,
) -> None:
    """Write down what is said. Stop with Ctrl-C; with a file it ends by itself."""
    from realtime_agent.cli.transcribe import TranscribeOptions, transcribe

    options = TranscribeOptions(
        source=source,
        model=model,
        language=language,
        prompt=prompt,
        delay=delay,
        speed=speed,
        microphone=microphone,
        json=json,
    )
    raise typer.Exit(run(transcribe(options)))


@app.command()
def translate(
    to: Annotated[str, typer.Option(help="The language to translate into, e.g. `es`.")],
    source: Annotated[str, typer.Argument(help="A WAV file, or `microphone`.")] = "microphone",
    model: Annotated[
        str, typer.Option(help="`embedded`, a ws:// or wss:// address, `openai`, or a translation model there.")
    ] = "embedded",
    output: Annotated[Path | None, typer.Option(help="With a file: write the translation to this WAV file.")] = None,
    both: Annotated[
        Path | None, typer.Option(help="With a file: write both sides, the speaker left, the translation right.")
    ] = None,
    microphone: Annotated[str | None, typer.Option(help="Part of the microphone's name; `doctor` lists them.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Part of the speaker's name.")] = None,
    headphones: Annotated[
        bool, typer.Option("--headphones", help="No echo to cancel: the microphone is used as it is.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every event as one line of JSON.")] = False,
) -> None:
    """Say in another language what is said, while it is said. Stop with Ctrl-C; with a file it ends by itself."""
    from realtime_agent.cli.translate import TranslateOptions, translate

    options = TranslateOptions(
        to=to,
        source=source,
        model=model,
        output=output,
        both=both,
        microphone=microphone,
        speaker=speaker,
        headphones=headphones,
        json=json,
    )
    raise typer.Exit(run(translate(options)))
