"""Origin and Host: the tables of who may, on loopback and on the network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_agent.errors import ConfigError
from realtime_agent.server.web.origins import Origins, is_loopback
from realtime_agent.server.web.serve_settings import ServeSettings

HERE = Origins(ServeSettings(api_keys=("sk-1",), origins=("https://App.example.com",), hosts=("rt.example.com",)))
NETWORK = Origins(
    ServeSettings(("sk-1",), origins=("https://app.example.com",), hosts=("rt.example.com",), bound_to="0.0.0.0")
)


def status(origins: Origins, origin: str | None, host: str | None) -> int:
    refused = origins.check(origin, host)
    return 200 if refused is None else refused.status


@pytest.mark.parametrize(
    ("host", "here", "network"),
    [
        ("localhost:8080", 200, 200),
        ("127.0.0.1", 200, 200),
        ("[::1]:8080", 200, 200),
        ("LOCALHOST:1", 200, 200),
        ("agent.localhost:8080", 200, 200),
        ("rt.example.com", 200, 200),
        ("RT.example.com:443", 200, 200),
        ("192.0.2.7:8080", 421, 200),
        ("[2001:db8::1]", 421, 200),
        ("evil.example.com", 421, 421),
        ("localhost.evil.example.com", 421, 421),
        ("127.0.0.1.evil.example.com", 421, 421),
        ("localhost:99999", 421, 421),
        ("localhost:8080, evil.example.com", 421, 421),
        ("user@localhost", 421, 421),
        ("", 421, 421),
        (None, 421, 421),
    ],
)
def test_the_server_goes_by_few_names(host: str | None, here: int, network: int) -> None:
    assert (status(HERE, None, host), status(NETWORK, None, host)) == (here, network)


@pytest.mark.parametrize(
    ("origin", "here", "network"),
    [
        (None, 200, 200),
        ("http://localhost:3000", 200, 403),
        ("https://127.0.0.1", 200, 403),
        ("http://[::1]:5173", 200, 403),
        ("https://app.example.com", 200, 200),
        ("HTTPS://APP.EXAMPLE.COM", 200, 200),
        ("http://app.example.com", 403, 403),
        ("https://app.example.com:8443", 403, 403),
        ("https://app.example.com.evil.com", 403, 403),
        ("https://evil.com", 403, 403),
        ("http://localhost.evil.com", 403, 403),
        ("http://localhost@evil.com", 403, 403),
        ("null", 403, 403),
        ("", 403, 403),
        ("file://", 403, 403),
        ("chrome-extension://abcdef", 403, 403),
        ("http://rt.example.com", 200, 200),
    ],
)
def test_pages_come_from_few_origins(origin: str | None, here: int, network: int) -> None:
    host = "rt.example.com"
    assert (status(HERE, origin, host), status(NETWORK, origin, host)) == (here, network)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_headers_get_an_answer(origin: str, host: str) -> None:
    assert status(HERE, origin, host) in (200, 403, 421)


@pytest.mark.parametrize("origin", ["app.example.com", "https://", "https://a.example.com/path", "https://u@a.example"])
def test_a_setting_that_is_no_origin_is_an_error(origin: str) -> None:
    with pytest.raises(ConfigError, match="An origin looks like"):
        Origins(ServeSettings(origins=(origin,)))


@pytest.mark.parametrize("host", ["a b", "http://a.example.com", ""])
def test_a_setting_that_is_no_host_is_an_error(host: str) -> None:
    with pytest.raises(ConfigError, match="A host looks like"):
        Origins(ServeSettings(hosts=(host,)))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.2", False), ("myhost", False)],
)  # fmt: skip
def test_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
