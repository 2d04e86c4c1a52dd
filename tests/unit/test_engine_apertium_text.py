"""Plain text into Apertium's stream and back."""

from __future__ import annotations

import pytest

from realtime_agent.engine.translation.apertium_text import END, LONGEST_CHARACTERS, from_stream, to_stream
from realtime_agent.engine.translation.languages import language_name, short_code


@pytest.mark.parametrize(
    ("text", "stream"),
    [
        ("Hello.", "Hello."),
        ("a [b] {c} ^d$ @e /f <g> \\h", r"a \[b\] \{c\} \^d\$ \@e \/f \<g\> \\h"),
        ("two\nlines\x00and\tmore", "two lines and more"),
        ("about ~5", "about  5"),
    ],
)
def test_what_means_something_to_apertium_is_escaped(text: str, stream: str) -> None:
    assert to_stream(text) == (stream + END).encode()


def test_a_request_holds_one_null_and_is_bounded() -> None:
    request = to_stream("\0" * 10 + "word " * 10_000)
    assert request.count(b"\0") == 1
    assert len(request) <= LONGEST_CHARACTERS + len(END)


@pytest.mark.parametrize(
    ("answer", "source", "text"),
    [
        (b" Era el mejor de tiempo.[][\n]\0", "It was", "Era el mejor de tiempo."),
        (b"de tiempo,  era[][\n]\0", "times", "de tiempo, era"),
        (rb"un \$5 \[y\] \\" + b"[][\n]\0", "a", "un $5 [y] \\"),
        ("Dónde es la #canal de *flumbo @gato?[][\n]\0".encode(), "Where", "Dónde es la canal de flumbo gato?"),
        (b"(*flumbo) 3 * 4 # 5[][\n]\0", "x", "(flumbo) 3 * 4 # 5"),
        (b"hola .[][\n]\0", "Hello.", "Hola."),
        (b"[][\n]\0", "", ""),
        (b"\xff\xfe[][\n]\0", "a", "��"),
    ],
)
def test_an_answer_becomes_what_people_write(answer: bytes, source: str, text: str) -> None:
    assert from_stream(answer, source) == text


def test_codes_of_languages_have_many_forms() -> None:
    assert [short_code(code) for code in ("es", "ES", "spa", "es-MX", "es_ES", " es ")] == ["es"] * 6
    assert short_code("xyz") == "xyz"
    assert language_name("spa") == "Spanish"
    assert language_name("xyz") == "xyz"
