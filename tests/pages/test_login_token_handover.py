"""The one-time login token of an ID token: whose address it carries, and who can take it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from booking_core import IdToken
from pages.shared.auth import oidc

TOKEN = IdToken("an ID token", "asha@school.example", datetime(2026, 11, 23, tzinfo=UTC))
MINE = {"_streamlit_user": "chunks-1", "_streamlit_user_1": "signed", "theme": "dark"}


@pytest.fixture(autouse=True)
def _no_tokens_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "_kept", {})


def test_a_token_is_taken_once_by_the_browser_with_the_same_cookies() -> None:
    oidc.keep_for_route(TOKEN, MINE)

    for other in ({}, {"_streamlit_user": "chunks-1"}, MINE | {"_streamlit_user_1": "another"}):
        assert oidc.take(other) is None
    again = dict(reversed(MINE.items())) | {"theme": "light"}
    assert [oidc.take(again), oidc.take(again)] == [TOKEN, None]


def test_no_token_is_kept_for_a_browser_without_those_cookies() -> None:
    oidc.keep_for_route(TOKEN, {"theme": "dark"})

    assert oidc.take({"theme": "dark"}) is oidc.take({}) is None


def test_a_token_is_gone_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    oidc.keep_for_route(TOKEN, MINE)
    later = oidc.time.monotonic() + 61
    monkeypatch.setattr(oidc.time, "monotonic", lambda: later)

    assert oidc.take(MINE) is None


def test_unused_tokens_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oidc, "_MOST", 10)
    for number in range(30):
        oidc.keep_for_route(TOKEN, {"_streamlit_user": str(number)})

    assert len(oidc._kept) == 10
    assert oidc.take({"_streamlit_user": "29"}) == TOKEN


PROVIDERS = {
    "redirect_uri": "https://grounds.school.example/oauth2callback",
    "microsoft": {"client_id": "a", "verified_claim": "xms_edov"},
    "cognito": {"client_id": "b"},
    "mistaken": {"client_id": "c", "verified_claim": ["email_verified"]},
}


@pytest.mark.parametrize(
    ("provider", "claims", "verified"),
    [
        ("cognito", {"email_verified": True}, True),
        ("cognito", {"email_verified": "true"}, True),
        ("cognito", {"email_verified": "false"}, False),
        ("cognito", {"email_verified": None}, False),
        ("cognito", {"email_verified": ["true"]}, False),
        ("cognito", {"xms_edov": True}, False),
        ("cognito", {}, False),
        ("microsoft", {"xms_edov": True}, True),
        ("microsoft", {"xms_edov": 1}, True),
        ("microsoft", {"xms_edov": "1"}, True),
        ("microsoft", {"xms_edov": 0}, False),
        ("microsoft", {"email_verified": True}, False),
        ("mistaken", {"email_verified": True}, False),
        ("removed", {"email_verified": True}, True),
        (None, {"email_verified": True}, True),
    ],
)
def test_an_address_counts_as_verified_by_the_claim_of_its_provider(
    monkeypatch: pytest.MonkeyPatch, provider: str | None, claims: dict[str, Any], verified: bool
) -> None:
    monkeypatch.setattr(oidc, "auth_section", lambda: PROVIDERS)

    assert oidc.is_verified(claims | {"provider": provider}) is verified


def test_a_provider_without_a_name_has_its_claim_in_the_section_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    section = {"client_id": "a", "verified_claim": "xms_edov"}
    monkeypatch.setattr(oidc, "auth_section", lambda: section)

    assert oidc.is_verified({"provider": "default", "xms_edov": True})
    assert not oidc.is_verified({"provider": "default", "email_verified": True})
