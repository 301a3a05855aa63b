"""Where settings come from: the environment, then the secrets file, then the defaults."""

from __future__ import annotations

import pytest

from booking_core import InvalidRequest, Settings


def load(tmp_path, environment=None, secrets=None):
    path = tmp_path / "secrets.toml"
    if secrets is not None:
        path.write_text(secrets, encoding="utf-8")
    return Settings.load(environment or {}, path)


def test_without_anything_the_defaults_hold(tmp_path):
    assert load(tmp_path) == Settings()


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path):
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
    ("name", "value"),
    [
        ("BOOKING_ADVANCE_DAYS", "soon"),
        ("BOOKING_LEAD_MINUTES", "-5"),
        ("BOOKING_QUOTA_PER_WEEK", "two"),
        ("SCHOOL_TIME_ZONE", "Mars/Olympus"),
        ("MONGODB_URI", "localhost:27017"),
        ("MONGODB_DATABASE", "a.b"),
    ],
)
def test_the_error_names_the_variable_that_is_at_fault(tmp_path, name, value):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, {name: value})

    assert refused.value.field == name


@pytest.mark.parametrize("content", ["no = [toml", "a = 'b"])
def test_a_secrets_file_that_is_no_toml_is_named(tmp_path, content):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, secrets=content)

    assert refused.value.field.endswith("secrets.toml")


@pytest.mark.parametrize("value", ["MONGODB_DATABASE = 5", "MONGODB_URI = [1]"])
def test_a_setting_of_another_type_in_the_file_is_named(tmp_path, value):
    with pytest.raises(InvalidRequest) as refused:
        load(tmp_path, secrets=value)

    assert refused.value.field == value.split(" ")[0]
