"""Sample work: PCM, G.711, resampling, WAV files, voice activity detection. Needs the `audio` extra.

`realtime_agent` itself never imports this package; whoever hears or plays does.
"""

from __future__ import annotations

from importlib.util import find_spec

from realtime_agent.errors import MissingExtra

if find_spec("numpy") is None:
    raise MissingExtra("Working with audio", "audio")
