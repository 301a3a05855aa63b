"""The sources of settings: the environment, then the secrets file, then the defaults."""

from __future__ import annotations

import pytest

from booking_core import InvalidRequest, Settings


def load(tmp_path, environment=None, secrets=None):
    path = tmp_path / "secrets.toml"
    if secrets is not None:
        path.write_text(secrets, encoding="utf-8")
    return Settings.load(environment or {}, path)


def test_without_any_source_the_defaults_apply(tmp_path):
    assert load(tmp_path) == Settings()


def test_the_environment_overrides_the_file_and_the_file_overrides_the_default(tmp_path):
    found = load(
        tmp_path,
        {"BOOKING_ADVANCE_DAYS": "14", "MONGODB_DATABASE": ""},
        'BOOKING_ADVANCE_DAYS = 7\nMONGODB_DATABASE = "from_file"\n',
    )

    assert found == Settings(advance_days=14, database="from_file")


@pytest.mark.parametrize("text", ["none", "None", "0"])
def test_a_quota_of_none_is_no_limit(tmp_path, text):
    assert load(tmp_path, {"BOOKING_QUOTA_PER_WEEK": text}).quota is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("on", True), ("True", True), ("YES", True), ("1", True), ("off", False), ("0", False)],
)
def test_a_proxy_is_trusted_only_by_a_setting(tmp_path, text, expected):
    assert load(tmp_path).trust_proxy is False
    assert load(tmp_path, {"TRUST_PROXY": text}).trust_proxy is expected


def test_a_switch_in_the_file_is_a_word_or_a_boolean(tmp_path):
    assert load(tmp_path, secrets="TRUST_PROXY = true").trust_proxy is True
    assert load(tmp_path, secrets='TRUST_PROXY = "on"').trust_proxy is True
    on = 'TRUST_PROXY = true\nSCHOOL_CONTACT = "the office"'
    assert load(tmp_path, {"TRUST_PROXY": "off"}, on) == Settings(contact="the office")


def test_the_contact_is_kept_as_written(tmp_path):
    contact = "Ms. Iyer <office@school.example>"
    assert load(tmp_path, {"SCHOOL_CONTACT": contact}).contact == contact


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUST_PROXY", "perhaps"),
        ("TRUST_PROXY", "2"),
        ("SCHOOL_CONTACT", "x" * 1001),
        ("SCHOOL_CONTACT", "a\x00b"),
        ("BOOKING_ADVANCE_DAYS", "soon"),
        ("BOOKING_LEAD_MINUTES", "-5"),
        ("BOOKING_QUOTA_PER_WEEK", "two"),
        ("SCHOOL_TIME_ZONE", "Mars/Olympus"),
        ("MONGODB_URI", "localhost:27017"),
        ("MONGODB_DATABASE", "a.b"),
    ],
)
def test_the_error_names_the_variable_at_fault(tmp_path, name, value):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, {name: value})

    assert refused.value.field == name


@pytest.mark.parametrize("content", ["no = [toml", "a = 'b"])
def test_an_invalid_secrets_file_is_named(tmp_path, content):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, secrets=content)

    assert refused.value.field.endswith("secrets.toml")


@pytest.mark.parametrize(
    "value", ["MONGODB_DATABASE = 5", "MONGODB_URI = [1]", "SCHOOL_CONTACT = 5"]
)
def test_a_setting_of_a_wrong_type_in_the_file_is_named(tmp_path, value):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, secrets=value)

    assert refused.value.field == value.split(" ")[0]
