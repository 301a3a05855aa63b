"""The section ``[auth]``: which addresses count as verified, and what is wrong in it."""

from __future__ import annotations

from typing import Any

import pytest

from pages.shared.auth import oidc

KEYS = {"client_id": "a", "client_secret": "b", "server_metadata_url": "https://id.example/"}
SECTION = {
    "redirect_uri": "https://grounds.school.example/oauth2callback",
    "cookie_secret": "a secret of this test only",
}
SEVERAL = SECTION | {
    "microsoft": KEYS | {"verified_claim": "xms_edov"},
    "cognito": KEYS,
    "mistaken": KEYS | {"verified_claim": ["email_verified"]},
}


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Takes a section as that of the secrets."""
    return lambda section: monkeypatch.setattr(oidc, "auth_section", lambda: section)


@pytest.mark.parametrize(
    ("name", "claims", "verified"),
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
    ],
)
def test_an_address_counts_as_verified_by_the_claim_of_its_provider(
    use: Any, name: str, claims: dict[str, Any], verified: bool
) -> None:
    use(SEVERAL)
    [provider] = [one for one in oidc.providers() if one.name == name]

    assert provider.is_verified(claims) is verified


def test_a_provider_without_a_name_has_its_claim_in_the_section_itself(use: Any) -> None:
    use(SECTION | KEYS | {"verified_claim": "xms_edov"})
    [provider] = oidc.providers()

    assert provider.name == ""
    assert provider.is_verified({"xms_edov": True})
    assert not provider.is_verified({"email_verified": True})


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (SEVERAL, ""),
        (SECTION | KEYS, ""),
        (SECTION, "names no provider"),
        (KEYS, "[auth] in the secrets needs redirect_uri"),
        (SECTION | KEYS | {"cookie_secret": ""}, "[auth] in the secrets needs cookie_secret"),
        (SECTION | {"client_id": "a"}, "[auth] in the secrets needs client_secret"),
        (SEVERAL | {"google": {"client_id": "a"}}, "[auth.google] in the secrets needs client_s"),
        (SECTION | KEYS | {"client_secret": 7}, "[auth] in the secrets needs client_secret"),
        (SECTION | KEYS | {"client_kwargs": "openid"}, "client_kwargs of [auth] must be a section"),
        (SECTION | KEYS | {"redirect_uri": "https://a.example/book"}, "names /book, which leads"),
    ],
)
def test_what_is_wrong_in_the_section_is_named(
    use: Any, section: dict[str, Any], said: str
) -> None:
    use(section)

    assert said in oidc.problem()
    assert bool(oidc.problem()) is bool(said)


@pytest.mark.parametrize(
    ("address", "paths"),
    [
        ("https://a.example/oauth2callback", {"oauth2callback"}),
        ("http://localhost:{port}/login/back", {"oauth2callback", "login/back"}),
        ("https://a.example/", {"oauth2callback"}),
        ("https://a.example/book", {"oauth2callback"}),
        ("https://a.example/media/x", {"oauth2callback"}),
        ("https://a.example/{path:path}", {"oauth2callback"}),
        ("https://[", {"oauth2callback"}),
        (None, {"oauth2callback"}),
    ],
)
def test_the_callback_takes_no_path_of_a_screen(use: Any, address: str, paths: set[str]) -> None:
    use({"redirect_uri": address})

    assert oidc.callback_paths() == paths


def test_below_a_base_path_the_callback_is_below_it_too(
    use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use({"redirect_uri": "https://a.example/grounds/login"})
    monkeypatch.setattr(oidc, "base", lambda: "/grounds")

    assert oidc.callback_paths() == {"oauth2callback", "login"}
