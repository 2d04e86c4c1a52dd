"""Model names and addresses as people write them."""

from __future__ import annotations

import pytest

from realtime_agent.errors import ConfigError
from realtime_agent.transports.model.address import SessionKind, parse_address
from realtime_agent.transports.model.text import printable
from realtime_agent.transports.model.websocket import WebSocketModel

OPENAI = "wss://api.openai.com/v1/realtime"


@pytest.mark.parametrize(
    ("written", "url", "name"),
    [
        ("gpt-realtime", f"{OPENAI}?model=gpt-realtime", "gpt-realtime"),
        (" gpt-realtime-2.1-mini \n", f"{OPENAI}?model=gpt-realtime-2.1-mini", "gpt-realtime-2.1-mini"),
        ("ft:gpt-realtime:me", f"{OPENAI}?model=ft%3Agpt-realtime%3Ame", "ft:gpt-realtime:me"),
        (OPENAI, f"{OPENAI}?model=gpt-realtime", OPENAI),
        ("https://api.openai.com", f"{OPENAI}?model=gpt-realtime", OPENAI),
        (f"{OPENAI}?model=m", f"{OPENAI}?model=m", OPENAI),
        (f"{OPENAI}?intent=transcription", f"{OPENAI}?intent=transcription", OPENAI),
        (f"{OPENAI}?call_id=rtc_1", f"{OPENAI}?call_id=rtc_1", OPENAI),
        ("ws://localhost:8000", "ws://localhost:8000/v1/realtime", "ws://localhost:8000/v1/realtime"),
        ("ws://localhost:8000/", "ws://localhost:8000/v1/realtime", "ws://localhost:8000/v1/realtime"),
        ("ws://host/v1", "ws://host/v1/realtime", "ws://host/v1/realtime"),
        ("http://host/v1/", "ws://host/v1/realtime", "ws://host/v1/realtime"),
        ("HTTPS://Host/openai/v1", "wss://host/openai/v1/realtime", "wss://host/openai/v1/realtime"),
        ("wss://host/any/where", "wss://host/any/where", "wss://host/any/where"),
        ("ws://host?model=ä", "ws://host/v1/realtime?model=%C3%A4", None),
        ("ws://[::1]:9/v1", "ws://[::1]:9/v1/realtime", "ws://[::1]:9/v1/realtime"),
        ("ws://bücher.example", "ws://xn--bcher-kva.example/v1/realtime", None),
        ("localhost:8000", "ws://localhost:8000/v1/realtime", None),
        ("localhost", "ws://localhost/v1/realtime", None),
        ("127.0.0.1", "ws://127.0.0.1/v1/realtime", None),
        ("192.168.1.7:8000/v1", "ws://192.168.1.7:8000/v1/realtime", None),
        ("my-box:8000?model=m", "ws://my-box:8000/v1/realtime?model=m", None),
    ],
)
def test_what_people_write_becomes_the_address_they_mean(written: str, url: str, name: str | None) -> None:
    address = parse_address(written)
    assert address.url == url
    assert name is None or address.name == name


@pytest.mark.parametrize(
    ("written", "kind", "url"),
    [
        ("openai", "transcription", f"{OPENAI}?intent=transcription"),
        ("gpt-realtime-whisper", "transcription", f"{OPENAI}?intent=transcription"),
        (f"{OPENAI}?model=m&x=1", "transcription", f"{OPENAI}?x=1&intent=transcription"),
        ("localhost:8000", "transcription", "ws://localhost:8000/v1/realtime?intent=transcription"),
        ("ws://h/v1/realtime?intent=transcription", "transcription", "ws://h/v1/realtime?intent=transcription"),
        ("openai", "translation", f"{OPENAI}/translations?model=gpt-realtime-translate"),
        ("some-model", "translation", f"{OPENAI}/translations?model=some-model"),
        ("https://api.openai.com", "translation", f"{OPENAI}/translations?model=gpt-realtime-translate"),
        ("localhost:8000", "translation", "ws://localhost:8000/v1/realtime/translations"),
        ("ws://h/v1/realtime?model=m", "translation", "ws://h/v1/realtime/translations?model=m"),
        ("ws://h/v1/realtime/translations", "translation", "ws://h/v1/realtime/translations"),
        ("ws://h/any/where", "translation", "ws://h/any/where"),
        ("openai", "realtime", f"{OPENAI}?model=gpt-realtime"),
    ],
)
def test_each_kind_of_session_has_its_own_address(written: str, kind: SessionKind, url: str) -> None:
    assert parse_address(written, kind).url == url


@pytest.mark.parametrize(
    "written",
    [
        "",
        "  ",
        "ftp://host",
        "ws://",
        "ws://host:port",
        "ws://host:99999",
        "two words",
        "ws://ho st",
        "ws://host?model=a b",
        "://",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address(written)
    assert len(str(caught.value)) > 20


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address("wss://me:secret@host")
    assert "secret" not in str(caught.value)


def test_the_query_is_no_part_of_the_name() -> None:
    assert "secret" not in parse_address("wss://host/v1/realtime?api-key=secret").name


def test_openai_without_a_key_is_refused_before_dialling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        WebSocketModel("gpt-realtime")
    WebSocketModel("gpt-realtime", headers={"authorization": "Bearer ek_1"})
    WebSocketModel("ws://localhost:8000")


@pytest.mark.parametrize(
    ("address", "sent"),
    [("gpt-realtime", True), ("wss://other.example", True), ("ws://127.0.0.1:1", True), ("ws://other.example", False)],
)
def test_the_key_of_the_environment_never_leaves_in_the_clear(
    address: str, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert ("Authorization" in WebSocketModel(address)._headers) is sent
    assert "Authorization" in WebSocketModel(address, api_key="sk-mine")._headers


def test_deadlines_of_nothing_are_refused() -> None:
    with pytest.raises(ConfigError):
        WebSocketModel("ws://localhost", silence_timeout_s=0)


def test_other_peoples_words_become_one_short_printable_line() -> None:
    assert printable("a\r\n\x1b[31mb\x00  c") == "a [31mb c"
    assert len(printable("x" * 10_000)) == 200
    assert printable("Grüße, 世界") == "Grüße, 世界"
