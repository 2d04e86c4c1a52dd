"""Plain text to Apertium's stream format and back. Pure.

The stream gives `[ ] { } ^ $ @ \\ / < >` meanings of its own; a backslash takes them away. What the translator did not
know it marks: `*word` is in none of its dictionaries, `@word` has no translation, `#word` could not be inflected. A
person who listens is better served by the bare word.
"""

from __future__ import annotations

import re

LONGEST_CHARACTERS = 4000
_SPECIAL = re.compile(r"[\[\]{}^$@\\/<>]")
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f~]+")  # a tilde is a mark of the generator's own, and no backslash helps
_ESCAPED_OR_BLANK = re.compile(r"\\(.)|\[[^\]]*\]", re.DOTALL)
_MARK = re.compile(r"(?<![^\s¿¡(\"'«“])[*#@](?=[^\W_])")
_GAP_BEFORE_STOP = re.compile(r"\s+([,.;:!?…)»”])")
# A blank in brackets passes unread. Its line end tells the tagger that the sentence is over.
END = "[][\n]\0"


def to_stream(text: str) -> bytes:
    """One request: the text, and the null that flushes the pipeline."""
    plain = _UNSPEAKABLE.sub(" ", text[:LONGEST_CHARACTERS]).strip()
    return (_SPECIAL.sub(r"\\\g<0>", plain) + END).encode("utf-8", "replace")


def from_stream(answer: bytes, source: str) -> str:
    """The translation of `source`, as people write it."""
    stream = answer.decode("utf-8", "replace").replace("\0", " ")
    text = _MARK.sub("", _ESCAPED_OR_BLANK.sub(lambda found: found[1] or " ", stream))
    text = _GAP_BEFORE_STOP.sub(r"\1", " ".join(text.split()))
    first = source.lstrip()[:1]
    if first.isupper():
        return text[:1].upper() + text[1:]
    if first.islower() and not text[:2].isupper():  # it takes any clause for a sentence
        return text[:1].lower() + text[1:]
    return text
