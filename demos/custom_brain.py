"""A brain of your own in the embedded engine: here Eliza, the listener of 1966, with ears and a voice.

    python demos/custom_brain.py                                           # say: "I am tired of my work"
    python demos/custom_brain.py --input question.wav --output reply.wav

A brain is any class with `name`, `reply` and `close`. `reply` reads the whole conversation and writes the answer piece
by piece; the engine speaks each clause while the next is still being written, and closes the iterator when the person
cuts in.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import AsyncIterator

from realtime_agent import Agent, Session
from realtime_agent.engine import Engine
from realtime_agent.engine.ear import MoonshineEar
from realtime_agent.engine.parts import BrainEvent, BrainRequest, Message, TextDelta
from realtime_agent.engine.voice import PicoVoice
from realtime_agent.errors import RealtimeAgentError
from realtime_agent.events import AgentTranscript, UserTranscript
from realtime_agent.transports.model.embedded import EmbeddedModel
from realtime_agent.transports.user.wav import WavUser

# After Weizenbaum, "ELIZA", Communications of the ACM 9 (1), 1966.
RULES = [
    (r"\bi am (.+)", "How long have you been {}? Do you like being {}?"),
    (r"\bi(?:'m| feel) (.+)", "Tell me more. Why are you {}?"),
    (r"\bi (?:want|need) (.+)", "What would it mean to you if you got {}?"),
    (r"\bmy (mother|father|sister|brother|family)\b", "Tell me more about your {}."),
    (r"\bbecause (.+)", "Is it really because {}?"),
    (r"\bare you (.+)", "Would you like it if I were {}?"),
    (r"\b(?:hello|hi|good morning)\b", "Hello. What is on your mind?"),
    (r"\b(?:bye|goodbye)\b", "Goodbye. It was good to talk to you."),
]
MIRROR = {"i": "you", "me": "you", "my": "your", "am": "are", "you": "I", "your": "my", "myself": "yourself"}


class Eliza:
    """Answers with questions. It keeps nothing: all that was said is in each request."""

    name = "eliza"

    async def reply(self, request: BrainRequest) -> AsyncIterator[BrainEvent]:
        """Answer the last thing that the person said."""
        said = [one.text for one in request.conversation if isinstance(one, Message) and one.role == "user"]
        for sentence in re.findall(r"[^.?!]+[.?!]?", self.answer(said[-1] if said else "hello")):
            yield TextDelta(sentence)  # spoken while the next one is thought of

    def answer(self, text: str) -> str:
        """What Eliza makes of it."""
        plain = re.sub(r"[^a-z' ]", " ", text.lower()).strip()
        for pattern, reply in RULES:
            if found := re.search(pattern, plain):
                mirrored = " ".join(MIRROR.get(word, word) for word in " ".join(found.groups()).split())
                return reply.replace("{}", mirrored)
        return "I see. Please go on."

    async def close(self) -> None:
        """Nothing to let go."""


async def talk(user: WavUser | str) -> None:
    engine = Engine(ear=MoonshineEar(), brain=Eliza(), voice=PicoVoice())
    try:
        async with Session(Agent(), model=EmbeddedModel(engine), user=user) as session:
            async for event in session:
                match event:
                    case UserTranscript(text=text, final=True):
                        print(f"you:   {text}")
                    case AgentTranscript(text=text, final=True):
                        print(f"eliza: {text}")
    finally:
        await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A custom brain.")
    parser.add_argument("--input", help="a WAV file to use as microphone")
    parser.add_argument("--output", help="a WAV file to use as speaker")
    options = parser.parse_args()
    try:
        asyncio.run(talk(WavUser(options.input, output=options.output) if options.input else "desktop"))
    except RealtimeAgentError as error:
        raise SystemExit(error.message) from None
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
