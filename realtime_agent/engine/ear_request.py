"""What the ear's processes are asked and what they answer. Pure.

A process remembers nothing, so that any of them can serve any session and none is missed when it dies. It is given the
sound of an utterance from where its text is settled, decodes one piece of it, and says whether that is settled now or
is the open tail. It is asked again until the tail has come: between two pieces others have their turn.

A tail that was decoded before and has only grown by silence is known by its key, and its text comes along with the
request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from realtime_agent.audio.resample import resample
from realtime_agent.engine import utterance

# More than the longest piece, for the resampler's edge: beyond, nothing can matter.
LONGEST_REQUEST_S = utterance.LONGEST_PIECE_SAMPLES / utterance.RATE_HZ + 0.5


@dataclass(frozen=True, slots=True)
class Tail:
    """An open tail that was decoded, by its sound."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of one piece.

    Attributes:
        text: its words.
        settled_bytes: how much of the request's sound the piece was, if it is settled; 0 for the open tail.
        tail: the tail, to be sent along next time; None where the piece is settled.
    """

    text: str
    settled_bytes: int = 0
    tail: Tail | None = None


def make_request(pcm: bytes, rate_hz: int, tail: Tail | None) -> bytes:
    """pcm: int16 little-endian, mono, rate_hz, from the end of the last settled piece."""
    known = None if tail is None else [tail.key, tail.text]
    head = json.dumps({"rate_hz": rate_hz, "tail": known}).encode()
    return head + b"\n" + pcm


def read_answer(answer: bytes) -> Decoded:
    fields = json.loads(answer)
    key = fields["key"]
    return Decoded(fields["text"], fields["settled_bytes"], None if key is None else Tail(key, fields["text"]))


def answer_request(decode: Callable[[utterance.Samples], str], request: bytes) -> bytes:
    """The process's part. `decode`: the words of one piece, int16, mono, 16 kHz."""
    head, _, pcm = request.partition(b"\n")
    fields = json.loads(head)
    rate_hz: int = fields["rate_hz"]
    at_ears_rate = resample(pcm[: len(pcm) // 2 * 2], rate_hz, utterance.RATE_HZ)
    samples = np.frombuffer(at_ears_rate, dtype="<i2").astype(np.int16, copy=False)
    length = utterance.find_piece(samples)
    piece = utterance.trim_silence(samples[:length])
    key = None if length is not None else blake2b(piece.tobytes(), digest_size=16).hexdigest()
    if key is not None and fields["tail"] is not None and fields["tail"][0] == key:
        text = fields["tail"][1]
    elif len(piece) < utterance.SHORTEST_SAMPLES:
        text = ""
    else:
        text = utterance.believable(decode(piece), len(piece) / utterance.RATE_HZ)
    settled_bytes = 0 if length is None else length * rate_hz // utterance.RATE_HZ * 2
    return json.dumps({"text": text, "settled_bytes": settled_bytes, "key": key}).encode()
