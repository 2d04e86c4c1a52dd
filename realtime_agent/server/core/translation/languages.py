"""Which languages a translation session can speak: what ear, translator and voice have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from realtime_agent.engine.translation.languages import short_code
from realtime_agent.engine.translation.translator import LanguagePair


@dataclass(frozen=True, slots=True)
class Translation:
    """One way to translate: from what the ear hears into what a voice speaks."""

    source: str
    target: str
    voice: str


def translations(
    heard: Iterable[str], pairs: Iterable[LanguagePair], voices: Iterable[str]
) -> Mapping[str, Translation]:
    """What is possible, by its target language, in the order of `pairs`.

    Args:
        heard: the ear's languages; none where it does not say, and then anything.
        pairs: what the translator translates.
        voices: names of voices; one that begins with a language's code (`es-ES`) speaks it.
    """
    ears = {short_code(language) for language in heard}
    speakers: dict[str, str] = {}
    for voice in voices:
        if "-" in voice:
            speakers.setdefault(short_code(voice), voice)
    found: dict[str, Translation] = {}
    for source, target in pairs:
        if (not ears or source in ears) and target in speakers:
            found.setdefault(target, Translation(source, target, speakers[target]))
    return found
