"""The sources of settings: the environment, then the secrets file, then the defaults."""

from __future__ import annotations

from dataclasses import fields
from datetime import time

import pytest
from test_validation import BAD_TEXT, OPERATOR, UNSTORABLE, WRONG_TYPE

from booking_core import InvalidRequest, Settings
from booking_core.domain.messages import sentence
from booking_core.settings import AutomaticBackups


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
        ("SCHOOL_LOCALE", "en_XX"),
        ("MONGODB_URI", "localhost:27017"),
        ("MONGODB_DATABASE", "a.b"),
    ],
)
def test_the_error_names_the_variable_at_fault(tmp_path, name, value):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, {name: value})

    assert refused.value.field == name


@pytest.mark.parametrize("name", ["en_IN", "en_GB", "en_US", "de_DE", "zh_Hant_TW", "es_419"])
def test_a_known_locale_is_kept_as_written(tmp_path, name):
    assert load(tmp_path, {"SCHOOL_LOCALE": name}).locale == name


def test_an_unknown_locale_is_named_with_examples_of_known_ones(tmp_path):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, {"SCHOOL_LOCALE": "klingon"})

    assert sentence(refused.value) == (
        "SCHOOL_LOCALE must be a known language and territory, such as en_IN or de_DE, "
        "not 'klingon'."
    )


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


@pytest.mark.parametrize(
    ("field", "invalid"),
    [
        (field, value)
        for field, values in {
            "mongodb_uri": [5, "", "localhost", "http://x", OPERATOR],
            "database": [
                *WRONG_TYPE,
                None,
                *UNSTORABLE,
                "",
                " ",
                "a b",
                "a.b",
                "a/b",
                "a$b",
                'a"b',
                "a\\b",
                "x" * 64,
                "admin",
                "config",
                "local",
            ],
            "time_zone": [*BAD_TEXT, "", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "America"],
            "locale": [
                *BAD_TEXT,
                *("", "en", "en-IN", "en_in", "xx_IN", "en_XX", "de_IN", "en_IN.UTF-8", "../en_IN"),
            ],
            "school_name": [*BAD_TEXT, "", " "],
            "data_directory": [*WRONG_TYPE, None, "", "a\x00b", "\ud800", "x" * 100_000],
            "advance_days": [-1, 401, 1.5, "30", True, None, 10**30],
            "lead_minutes": [-1, 1.5, "30", True, None, 10**30],
            "quota": [0, -1, 101, 1.5, "2", True],
            "wall_shows": [*BAD_TEXT, "", "all", "Class"],
            "public_url": [
                *WRONG_TYPE,
                "",
                "school.example",
                "ftp://x",
                "javascript:alert(1)",
                "http://",
            ],
            "floor_seconds": [0, -1, 3601, 1.5, "15", True, None],
            "alone_seconds": [0, -1, 61, 1.5, "1", True, None],
            "live_connections": [0, -1, 100_001, 1.5, "9", True, None],
            "trust_proxy": [invalid for invalid in WRONG_TYPE if invalid is not True]
            + ["", "on", None],
            "contact": [*WRONG_TYPE, "", " ", "\ud800"],
            "backup_directory": [*filter(None, WRONG_TYPE), "", "a\x00b", "x" * 100_000],
            "backup_at": [*filter(None, WRONG_TYPE), "", "2:30", "24:00", "02:60", "on", "٠٢:٣٠"],
            "backup_keep": [0, -1, 3651, 1.5, "14", True, None],
            "smtp_host": [*WRONG_TYPE, "", " ", "\ud800", "a b", "a/b", "a@b"],
            "smtp_port": [0, -1, 65536, 1.5, "25", True],
            "smtp_security": [*BAD_TEXT, "", "ssl", None],
            "smtp_user": [*WRONG_TYPE, "", "\ud800", "é"],
            "smtp_password": [*WRONG_TYPE, "", "\ud800", "é"],
            "mail_from": [*WRONG_TYPE, "school", "\ud800", "a@b.c\x00"],
        }.items()
        for value in values
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_settings_with_an_invalid_field_are_refused_with_the_name_of_the_variable(field, invalid):
    names = {
        "mongodb_uri": "MONGODB_URI",
        "database": "MONGODB_DATABASE",
        "time_zone": "SCHOOL_TIME_ZONE",
        "locale": "SCHOOL_LOCALE",
        "school_name": "SCHOOL_NAME",
        "advance_days": "BOOKING_ADVANCE_DAYS",
        "lead_minutes": "BOOKING_LEAD_MINUTES",
        "quota": "BOOKING_QUOTA_PER_WEEK",
        "data_directory": "DATA_DIRECTORY",
        "wall_shows": "WALL_SHOWS",
        "public_url": "PUBLIC_URL",
        "floor_seconds": "LIVE_FLOOR_SECONDS",
        "alone_seconds": "LIVE_ALONE_SECONDS",
        "live_connections": "LIVE_CONNECTIONS",
        "trust_proxy": "TRUST_PROXY",
        "contact": "SCHOOL_CONTACT",
        "backup_directory": "BACKUP_DIRECTORY",
        "backup_at": "BACKUP_AT",
        "backup_keep": "BACKUP_KEEP",
        "smtp_host": "SMTP_HOST",
        "smtp_port": "SMTP_PORT",
        "smtp_security": "SMTP_SECURITY",
        "smtp_user": "SMTP_USER",
        "smtp_password": "SMTP_PASSWORD",
        "mail_from": "MAIL_FROM",
    }
    assert set(names) == {item.name for item in fields(Settings)}

    with pytest.raises(InvalidRequest) as error:
        Settings(**{field: invalid})

    assert error.value.field == names[field]


def test_backups_of_a_server_of_ones_own_need_a_directory(tmp_path):
    address = {"MONGODB_URI": "mongodb://db.example.org"}

    with pytest.raises(InvalidRequest) as raised:
        load(tmp_path, address | {"BACKUP_AT": "03:00"})

    assert raised.value.field == "BACKUP_DIRECTORY"
    assert load(tmp_path, address).automatic_backups is None
    assert load(tmp_path, address | {"BACKUP_AT": "off"}).automatic_backups is None
    plan = load(tmp_path, address | {"BACKUP_DIRECTORY": str(tmp_path), "BACKUP_KEEP": "30"})
    assert plan.automatic_backups == AutomaticBackups(tmp_path, time(2, 30), 30)
    assert load(tmp_path, {"BACKUP_AT": "23:05"}).automatic_backups.at == time(23, 5)
    assert load(tmp_path, {"BACKUP_AT": "off"}).automatic_backups is None


MAIL = {"SMTP_HOST": "mail.school.example", "MAIL_FROM": "grounds@school.example"}


def test_mail_is_encrypted_unless_a_setting_says_otherwise(tmp_path):
    ports = {
        name: load(tmp_path, MAIL | {"SMTP_SECURITY": name}).mail_port
        for name in ("starttls", "TLS", "none")
    }

    assert load(tmp_path, MAIL).smtp_security == "starttls"
    assert ports == {"starttls": 587, "TLS": 465, "none": 25}
    assert load(tmp_path, MAIL | {"SMTP_PORT": "2525"}).mail_port == 2525


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"MAIL_FROM": ""}, "MAIL_FROM"),
        ({"MAIL_FROM": "grounds"}, "MAIL_FROM"),
        ({"MAIL_FROM": "a@b.example\nBcc: c@d.example"}, "MAIL_FROM"),
        ({"MAIL_FROM": "Grounds<a@b.example>"}, "MAIL_FROM"),
        ({"MAIL_FROM": "büro@b.example"}, "MAIL_FROM"),
        ({"MAIL_FROM": "a@[b.example"}, "MAIL_FROM"),
        ({"MAIL_FROM": "a..b@b.example"}, "MAIL_FROM"),
        ({"SMTP_HOST": "mail.school.example:25/x"}, "SMTP_HOST"),
        ({"SMTP_HOST": "mail school"}, "SMTP_HOST"),
        ({"SMTP_PORT": "0"}, "SMTP_PORT"),
        ({"SMTP_PORT": "smtp"}, "SMTP_PORT"),
        ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY"),
        ({"SMTP_USER": "school"}, "SMTP_PASSWORD"),
        ({"SMTP_PASSWORD": "secret"}, "SMTP_USER"),
        (
            {"SMTP_USER": "school", "SMTP_PASSWORD": "secret", "SMTP_SECURITY": "none"},
            "SMTP_SECURITY",
        ),
    ],
)
def test_a_wrong_setting_of_mail_is_named(tmp_path, values, field):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, MAIL | values)

    assert refused.value.field == field
    assert "secret" not in str(refused.value)


def test_no_text_of_the_settings_has_the_password_of_the_mail_server(tmp_path):
    known = load(tmp_path, MAIL | {"SMTP_USER": "school", "SMTP_PASSWORD": "secret"})

    assert "secret" not in repr(known)
