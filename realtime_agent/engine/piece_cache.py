"""The words of the pieces of speech decoded last, by their sound."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b


class PieceCache:
    """Thread-safe; beyond `size` pieces the least recently used go."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._texts: OrderedDict[bytes, str] = OrderedDict()

    @staticmethod
    def key(pcm: bytes) -> bytes:
        return blake2b(pcm, digest_size=16).digest()

    def get(self, key: bytes) -> str | None:
        with self._lock:
            text = self._texts.get(key)
            if text is not None:
                self._texts.move_to_end(key)
            return text

    def put(self, key: bytes, text: str) -> None:
        with self._lock:
            self._texts[key] = text
            self._texts.move_to_end(key)
            if len(self._texts) > self._size:
                self._texts.popitem(last=False)
