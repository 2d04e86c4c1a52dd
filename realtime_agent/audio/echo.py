"""Echo cancelling: the agent's voice taken out of the microphone, so that it does not interrupt itself.

Two stages. `EchoFilter` subtracts the echo that it predicts: 17-25 dB of it, in a room of 0.4 s reverberation. What is
left is soft, and still speech, which a speech detector finds. So a gate shuts the microphone while the agent is to be
heard and nothing else is: in each of some bands it compares what is left with what is to be left of the echo, by
experience (`leak`). When enough of them hold more for 50 ms, a person speaks: the gate opens, and what the filter left
passes as it is, so that words come through whole.

    state    a person in this block        nobody in this block               nothing is played
    shut     open after 5, if unlike       shut                               open
    open     open                          shut 300 ms after the last one     open

A person in this block: in 3 of 10 bands between 200 Hz and 4.5 kHz there is more than 6 dB over the expected rest of
the echo, 8 dB over the room's noise, and no less than -8 dB of what the microphone heard. And as a whole it must not
be like what was played (`echo_likeness`): that would be an echo which has moved. It is looked at again every 50 ms.

`leak` rises 13 dB a second where it is too low and falls 4 dB where too high, so it lies at the upper quartile; while
the gate is open it rises slowly, for what is heard then is not the echo. It begins at its highest: until the filter
has learnt the room, nearly all is taken for echo. With headphones nothing of what is played is heard, the leak falls
below the noise within seconds, and the gate stays open.

Why not a packaged canceller: WebRTC's (AEC3, in `livekit` and in `pywebrtc-audio`, at their defaults) removes as much,
and needs half the CPU, but of a person who speaks into the agent's voice it leaves so little that our ear has 30-47 %
word errors in the rooms of `tests/bench/echo.py`, against 8-14 % here (8-17 % in rooms that nothing was tuned on). It
also stays calm with loudspeakers that distort, where this one does not: driven hard (`distortion=1.5`), 39 false alarms
in ten minutes against its 2; driven less (0.7), none. A room with 0.7 s of reverberation gave 2 in ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from realtime_agent.audio.echo_filter import EchoFilter
from realtime_agent.audio.echo_likeness import LikenessMeter
from realtime_agent.audio.pcm import FULL_SCALE, Floats, samples_of
from realtime_agent.errors import ConfigError

BLOCK_MS = 10
_LOW_HZ, _HIGH_HZ = 200, 4_500
_OVER_ECHO = 4.0  # powers
_OVER_NOISE = 6.0
_AUDIBLE = 3.0
_OF_MICROPHONE = 0.15
_BANDS_SHARE = 0.3
_OPEN_AFTER_BLOCKS = 5
_TOO_LIKE, _SURELY_LIKE = 0.15, 0.3
_HOLD_BLOCKS = 30
_REVERB_FALL = 0.9  # a block: the slowest decay of the expected echo
_RISE, _RISE_OPEN, _FALL = 1.03, 1.004, 0.99
_LEAK_RANGE = (1e-4, 2.0)
_SHUT = 0.01
_QUIETEST = (FULL_SCALE * 10 ** (-80 / 20)) ** 2
_FAR_CAPACITY_S = 2


class EchoCanceller:
    """Takes what is played out of what is heard. One microphone, one loudspeaker, both at `rate_hz`.

    Sample n given to `far_end` was at the loudspeaker when sample n given to `process` was at the microphone; its echo
    may come any time in the `length_ms` after. In the same order and quantity, any chunking gives the same samples.

    Costs 0.02 CPU seconds a second while something is played, next to nothing else.

    Args:
        rate_hz: 8 kHz or more.
        length_ms: how long after it was played the last of the echo is heard.
        delay_ms: how much later than the loudspeaker's sample n the microphone's is known to be: the echo is then
            looked for `delay_ms` to `delay_ms + length_ms` after.
    """

    def __init__(self, rate_hz: int, *, length_ms: int = 320, delay_ms: float = 0) -> None:
        if rate_hz < 8_000 or rate_hz % 100:
            raise ConfigError(f"Echo is cancelled at 8 kHz and above, in blocks of 10 ms; not at {rate_hz} Hz.")
        if delay_ms < 0:
            raise ConfigError("delay_ms cannot be negative.")
        self.rate_hz = rate_hz
        self._block = rate_hz * BLOCK_MS // 1000
        self._delay = round(delay_ms * rate_hz / 1000)
        self._filter = EchoFilter(self._block, length_ms)
        self._likeness = LikenessMeter(rate_hz, length_ms)
        self._gate = _NearEndGate(rate_hz, self._block, self._likeness.measure)
        self.reset()

    def reset(self) -> None:
        """Forget the room, and all audio."""
        self._near = bytearray()
        self._far = bytearray(2 * self._delay)
        self._filter.reset()
        self._likeness.reset()
        self._gate.reset()
        self._beginnings = self._filter.beginnings

    def disturbed(self) -> None:
        """Audio was lost on its way, or devices changed: until the echo is known again, nearly all counts as echo."""
        self._filter.begin_anew()

    @property
    def person_heard(self) -> bool:
        """Whether the gate is open: nothing is played, or a person speaks as well."""
        return self._gate.open

    def far_end(self, pcm: bytes) -> None:
        """What is played; before the microphone's samples of the same time. Beyond 2 s ahead the oldest is dropped."""
        self._far += pcm
        surplus = len(self._far) - 2 * (_FAR_CAPACITY_S * self.rate_hz + self._delay)
        if surplus > 0:
            del self._far[:surplus]

    def process(self, near_pcm: bytes) -> bytes:
        """The microphone without the echo: all whole blocks of 10 ms so far. Far end that is missing is silence."""
        self._near += near_pcm
        size = 2 * self._block
        out = []
        while len(self._near) >= size:
            near, far = bytes(self._near[:size]), bytes(self._far[:size])
            del self._near[:size], self._far[:size]
            out.append(self._clean(near, far + bytes(size - len(far))))
        return b"".join(out)

    def _clean(self, near_pcm: bytes, far_pcm: bytes) -> bytes:
        near, far = samples_of(near_pcm).astype(np.float32), samples_of(far_pcm).astype(np.float32)
        found = self._filter.process(near, far)
        left, expected = (near, None) if found is None else found
        self._likeness.hear(left, far)
        if self._filter.beginnings != self._beginnings:  # it was disturbed, or found that it was wrong
            self._beginnings = self._filter.beginnings
            self._gate.distrust()
        before, after = self._gate.process(near, left, expected)
        if float(left.dot(left)) > float(near.dot(near)):
            left = near
        if found is None and before == after == 1.0:
            return near_pcm
        if before == after:
            left = left * np.float32(after)
        else:
            left = left * np.linspace(before, after, self._block, dtype=np.float32)
        return np.clip(np.rint(left), -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()


class _NearEndGate:
    """Whether anything but the echo is heard. See the module's table."""

    def __init__(self, rate_hz: int, block: int, likeness: Callable[[], float]) -> None:
        bin_hz = rate_hz / (2 * block)
        edges = [round(_LOW_HZ / bin_hz)]
        while edges[-1] < min(_HIGH_HZ, 0.45 * rate_hz) / bin_hz:
            edges.append(max(edges[-1] + 3, int(edges[-1] * 1.17)))
        self._first, self._last = edges[0], min(edges[-1], block)
        self._starts = np.array(edges[:-1]) - edges[0]
        window = np.hanning(2 * block + 1)[: 2 * block]
        self._window = (window / np.sqrt((window**2).mean())).astype(np.float32)
        self._quietest = np.float32(_QUIETEST * 2 * block) * np.diff(edges).astype(np.float32)
        self._block = block
        self._likeness = likeness
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._near = np.zeros(self._block, np.float32)
        self._left = np.zeros(self._block, np.float32)
        self._noise = self._quietest * np.float32(1e4)
        self._gain = 1.0
        self.distrust()

    def distrust(self) -> None:
        """Experience of the echo does not hold any more."""
        self._leak = np.full(len(self._starts), _LEAK_RANGE[1], np.float32)
        self._echo = np.zeros(len(self._starts), np.float32)
        self._evidence = self._held = self._since_check = 0

    @property
    def open(self) -> bool:
        """Whether the microphone is let through."""
        return self._gain == 1.0

    def process(self, near: Floats, left: Floats, expected: Floats | None) -> tuple[float, float]:
        """The gain at the beginning and at the end of this block."""
        before = self._gain
        heard = self._bands(_spectrum(self._near, near, self._window))
        rest = heard if expected is None else self._bands(_spectrum(self._left, left, self._window))
        self._near, self._left = near, left
        # Before the first echo of a sentence arrives the filter can only err: nobody speaks more softly than is heard.
        rest = np.minimum(rest, heard)
        self._follow_noise(rest)
        if expected is None:
            self._held = self._evidence = 0
            self._echo[:] = 0
            self._gain = 1.0
        else:
            self._gain = 1.0 if self._lets_through(heard, rest, self._bands(expected)) else _SHUT
        return before, self._gain

    def _lets_through(self, heard: Floats, rest: Floats, expected: Floats) -> bool:
        self._echo = np.maximum(expected, np.float32(_REVERB_FALL) * self._echo)
        usual = self._leak * self._echo
        hit = (rest > _OVER_ECHO * usual) & (rest > _OVER_NOISE * self._noise) & (rest > _OF_MICROPHONE * heard)
        self._learn(rest, usual)
        self._evidence = max(0, self._evidence + (1 if hit.mean() > _BANDS_SHARE else -1))
        if self._is_moved_echo():
            self._evidence = self._held = 0
        elif self._evidence >= _OPEN_AFTER_BLOCKS:
            self._evidence, self._held = _OPEN_AFTER_BLOCKS, _HOLD_BLOCKS
        elif self._held:
            self._held -= 1
        if self._held or self._evidence:
            return self._held > 0
        return bool((usual > _AUDIBLE * self._noise).mean() <= 0.1)

    def _is_moved_echo(self) -> bool:
        """Whether what is about to open the gate, or has opened it, is the agent's voice all the same."""
        if self._evidence < _OPEN_AFTER_BLOCKS:
            return False
        self._since_check = (self._since_check + 1) % _OPEN_AFTER_BLOCKS if self._held else 0
        return self._since_check == 0 and self._likeness() > (_SURELY_LIKE if self._held else _TOO_LIKE)

    def _learn(self, rest: Floats, usual: Floats) -> None:
        known = self._echo > 10 * self._noise
        rise = _RISE_OPEN if self._held else _RISE
        leak = self._leak * np.where(rest > usual, np.float32(rise), np.float32(_FALL))
        self._leak = np.where(known, np.clip(leak, *_LEAK_RANGE), self._leak).astype(np.float32)

    def _follow_noise(self, power: Floats) -> None:
        """Down with what is heard, up slowly: the minimum of the last seconds."""
        lower = np.float32(0.8) * self._noise + np.float32(0.2) * power
        noise = np.where(power < self._noise, lower, self._noise * np.float32(1.002))
        self._noise = np.maximum(noise, self._quietest)

    def _bands(self, power: Floats) -> Floats:
        bands: Floats = np.add.reduceat(power[self._first : self._last], self._starts)
        return bands


def _spectrum(previous: Floats, block: Floats, window: Floats) -> Floats:
    spectrum = np.fft.rfft(np.concatenate((previous, block)) * window)
    power: Floats = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return power
