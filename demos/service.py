"""An agent inside an asyncio service: a parcel company's help line. One engine, one shared state, many callers.

    python demos/service.py --port 7000        # then, in several terminals: nc localhost 7000
                                               # and write: where is parcel 42
    python demos/service.py --input question.wav --output reply.wav     # serve one caller with a voice, and end

Each caller has a `Session` of their own, inside the service's own tasks. The engine is loaded once and shared.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from dataclasses import dataclass, field

from realtime_agent import Agent, Session, tool
from realtime_agent.engine import Engine, default_engine
from realtime_agent.errors import LocalProtocolError, RealtimeAgentError, ToolError
from realtime_agent.events import AgentTranscript, ToolFinished, UserTranscript
from realtime_agent.transports.model.embedded import EmbeddedModel
from realtime_agent.transports.user.wav import WavUser

MAX_CALLERS = 50
IDLE_S = 300.0


@dataclass
class Company:
    """What the rest of the service works with. Its methods are the agent's tools."""

    parcels: dict[int, str] = field(default_factory=lambda: {42: "on the way to Oslo", 7: "at the customs office"})
    calls: int = 0

    @tool(on_interrupt="cancel", late_result="drop")
    async def track_parcel(self, number: int) -> str:
        """Track a parcel: tell where it is.

        Args:
            number: the number of the parcel.
        """
        self.calls += 1
        if number not in self.parcels:
            raise ToolError(f"There is no parcel {number}.", code="unknown_parcel")
        return f"Parcel {number} is {self.parcels[number]}."


class HelpLine:
    """The service: takes callers, gives each a session, and lets all of them go at the end."""

    def __init__(self, engine: Engine) -> None:
        self.company = Company()
        self.agent = Agent("You help callers find their parcels. Be brief.", tools=[self.company.track_parcel])
        self.model = EmbeddedModel(engine)
        self._callers: set[asyncio.Task[None]] = set()

    async def on_caller(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one caller who writes, until they hang up or fall silent, or the line is closed."""
        if len(self._callers) >= MAX_CALLERS:
            writer.write(b"All lines are busy. Please try again later.\n")
        else:
            serving = asyncio.create_task(self._serve(reader, writer))
            self._callers.add(serving)
            await asyncio.wait([serving])
            self._callers.discard(serving)
            if not serving.cancelled() and (error := serving.exception()):
                print(f"A caller was lost: {error!r}")
        writer.close()

    async def close(self) -> None:
        """Hang up on everybody."""
        for serving in self._callers:
            serving.cancel()
        if self._callers:
            await asyncio.wait(self._callers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with Session(self.agent, model=self.model, user=None) as session, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._answer(session, writer))
            session.say("Parcel help line, good day.")
            with contextlib.suppress(TimeoutError, LocalProtocolError):  # nobody writes, or the session is over
                while line := await asyncio.wait_for(reader.readline(), IDLE_S):
                    session.send_text(line.decode("utf-8", "replace").strip() or "hello")
            await session.wait_idle()
            await session.close()  # the events end with `Closed`, so that `_answer` reads all of them

    async def _answer(self, session: Session, writer: asyncio.StreamWriter) -> None:
        async for event in session:
            if isinstance(event, AgentTranscript) and event.final:
                writer.write(f"{event.text}\n".encode())
                await writer.drain()

    async def on_voice(self, user: WavUser) -> None:
        """Serve one caller who speaks."""
        async with Session(self.agent, model=self.model, user=user) as session:
            async for event in session:
                match event:
                    case UserTranscript(text=text, final=True):
                        print(f"caller: {text}")
                    case AgentTranscript(text=text, final=True):
                        print(f"agent:  {text}")
                    case ToolFinished(name=name, output=output):
                        print(f"        [{name}: {output}]")


async def serve(options: argparse.Namespace) -> None:
    engine = default_engine()
    try:
        await engine.start()  # now, not while the first caller waits
        line = HelpLine(engine)
        if options.input:
            await line.on_voice(WavUser(options.input, output=options.output))
            return
        server = await asyncio.start_server(line.on_caller, options.host, options.port, limit=4096)
        host, port = server.sockets[0].getsockname()[:2]
        print(f"The help line is open at {host} port {port}.", flush=True)
        try:
            await asyncio.Event().wait()  # not serve_forever: since Python 3.12 its end waits for callers to hang up
        finally:
            server.close()
            await line.close()
    finally:
        await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="An agent inside an asyncio service.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7000, help="0 takes a free one")
    parser.add_argument("--input", help="a WAV file with a caller's words")
    parser.add_argument("--output", help="a WAV file for what the caller hears")
    try:
        asyncio.run(serve(parser.parse_args()))
    except (RealtimeAgentError, OSError) as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
