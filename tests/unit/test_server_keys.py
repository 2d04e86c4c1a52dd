"""Keys and client secrets: who gets in, once, and until when; and that nothing of a secret is kept."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from realtime_agent.server.web.client_secrets import SecretOrder, read_secret_order
from realtime_agent.server.web.http_errors import Refusal
from realtime_agent.server.web.keys import ApiKeys, ClientSecrets, Grant, presented_key

KEYS = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=60)
GRANT = Grant("realtime", {"type": "realtime"}, "key 1")


@given(st.lists(KEYS, unique=True, min_size=1, max_size=5), KEYS)
def test_only_the_very_keys_open(keys: list[str], presented: str) -> None:
    found = ApiKeys(keys).find(presented)
    assert found == (f"key {keys.index(presented) + 1}" if presented in keys else None)


@given(st.text(max_size=600))
def test_any_text_can_be_presented(presented: str) -> None:
    assert ApiKeys(["sk-right"]).find(presented) in (None, "key 1")


def test_no_key_is_found_in_what_represents_the_keys() -> None:
    keys, secrets = ApiKeys(["sk-sentinel"]), ClientSecrets(new_secret=lambda: "sentinel")
    assert secrets.mint(GRANT, 60, 0.0) == "ek_sentinel"
    assert "sentinel" not in repr(vars(keys)) + repr(vars(secrets))


@pytest.mark.parametrize(
    ("authorization", "subprotocols", "key"),
    [
        ("Bearer sk-1", (), "sk-1"),
        ("bearer  sk-1 ", (), "sk-1"),
        ("Basic dXNlcg==", (), ""),
        ("sk-1", (), ""),
        (None, ("realtime", "openai-insecure-api-key.sk-1"), "sk-1"),
        (None, ("realtime", "openai-insecure-api-key.ek.with.dots", "openai-agents-sdk.0.20.0"), "ek.with.dots"),
        ("Bearer sk-1", ("openai-insecure-api-key.sk-2",), "sk-1"),
        (None, ("realtime",), None),
        (None, (), None),
    ],
)
def test_a_key_is_found_in_header_or_subprotocol(
    authorization: str | None, subprotocols: tuple[str, ...], key: str | None
) -> None:
    assert presented_key(authorization, subprotocols) == key


class SecretsMachine(RuleBasedStateMachine):
    """Secrets are minted, used and left to expire; a model of three lines says what must come out."""

    values = Bundle("values")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.count = 0
        self.secrets = ClientSecrets(max_live=8, new_secret=self._next)
        self.model: dict[str, tuple[float, bool]] = {}

    def _next(self) -> str:
        self.count += 1
        return f"{self.count:04}"

    @rule(target=values, lifetime_s=st.integers(10, 7200))
    def mint(self, lifetime_s: int) -> str:
        value = self.secrets.mint(GRANT, lifetime_s, self.now)
        if isinstance(value, Refusal):
            assert value.status == 429
            return "ek_none"
        self.model[value] = (self.now + lifetime_s, False)
        return value

    @rule(value=values)
    def redeem(self, value: str) -> None:
        looked, redeemed = self.secrets.look(value, self.now), self.secrets.redeem(value, self.now)
        assert looked == redeemed
        expires_at, used = self.model.get(value, (-1e9, False))
        if isinstance(redeemed, Grant):
            assert not used
            assert self.now < expires_at
            self.model[value] = (expires_at, True)
        else:
            assert used or self.now >= expires_at
            assert redeemed.status == 401

    @rule(seconds=st.floats(0, 4000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def few_are_kept(self) -> None:
        assert len(self.secrets._secrets) <= 8


TestSecrets = SecretsMachine.TestCase


def test_what_happened_to_a_secret_is_told_for_a_while() -> None:
    secrets = ClientSecrets()
    value, idle = secrets.mint(GRANT, 10, 0.0), secrets.mint(GRANT, 10, 0.0)
    assert isinstance(value, str)
    assert isinstance(idle, str)
    assert secrets.redeem(value, 1.0) == GRANT

    def code(value: str, now: float) -> str | None:
        refused = secrets.redeem(value, now)
        return refused.code if isinstance(refused, Refusal) else "granted"

    assert code(value, 2.0) == "ephemeral_token_already_used"
    assert code(idle, 10.0) == "ephemeral_token_expired"
    assert code(idle, 70.0) == "invalid_api_key"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"[]", None),
        (b"{", None),
        (b'{"expires_after": 5}', "expires_after"),
        (b'{"expires_after": {"seconds": 9}}', "expires_after.seconds"),
        (b'{"expires_after": {"seconds": 7201}}', "expires_after.seconds"),
        (b'{"expires_after": {"seconds": 60.5}}', "expires_after.seconds"),
        (b'{"expires_after": {"seconds": true}}', "expires_after.seconds"),
        (b'{"expires_after": {"anchor": "now"}}', "expires_after.anchor"),
        (b'{"expires_after": {"until": 1}}', "expires_after.until"),
        (b'{"sessions": {}}', "sessions"),
        (b'{"session": 1}', "session"),
        (b'{"session": {}}', "session.type"),
        (b'{"session": {"type": "realtime", "audio": {"output": {"speed": 9}}}}', "session.audio.output.speed"),
    ],
)
def test_an_order_that_cannot_be_is_refused_by_name(body: bytes, param: str | None) -> None:
    refused = read_secret_order(body)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.param) == (400, param)


@given(st.binary(max_size=200))
def test_any_body_gives_an_order_or_a_refusal(body: bytes) -> None:
    assert isinstance(read_secret_order(body), SecretOrder | Refusal)


def test_an_empty_order_means_ten_minutes_of_the_defaults() -> None:
    order = read_secret_order(b"")
    assert isinstance(order, SecretOrder)
    assert (order.kind, order.lifetime_s, order.session) == ("realtime", 600, {"type": "realtime"})
