"""``python -m booking_core account``, run as a user runs it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from command_line import ROOT, Run, assert_one_sentence, run, runner
from support import run_at_terminal

from booking_core import Account, Role, add_account, get_account, has_admin
from booking_core.access import passwords
from booking_core.cli.commands import cli
from booking_core.sessions import sign_in
from booking_core.storage.client.database import BookingDatabase
from pages.shared.auth.routes import FIRST_ADMIN

PASSWORD = "correct horse battery"


@pytest.fixture
def command(bare: BookingDatabase) -> Run:
    return runner(bare)


def piped(db: BookingDatabase, *arguments: str, typed: str = PASSWORD) -> Result:
    """Runs a command in this process, which is faster than a separate one."""
    uri = str(db.booking_settings.mongodb_uri)
    there = {"MONGODB_URI": uri, "MONGODB_DATABASE": db.name}
    return CliRunner().invoke(cli, ["account", *arguments], input=f"{typed}\n", env=there)


def test_the_first_admin_is_added_and_can_sign_in(bare: BookingDatabase) -> None:
    done = piped(
        bare,
        *("add", "Farah", "--role", "admin", "--full-name", "Farah Sheikh"),
        *("--email", "Farah@School.test", "--password-stdin"),
    )

    assert (done.exit_code, done.stdout) == (0, f"Added farah, admin, to {bare.name}.\n")
    assert has_admin(bare)
    signed_in = sign_in(bare, "farah", PASSWORD, address="192.0.2.1").account
    assert (signed_in.name, signed_in.email) == ("Farah Sheikh", "farah@school.test")
    assert not signed_in.must_change
    assert bare.audit.find_one({"id": "farah"})["by"] == "system"


def test_the_printed_command_works_as_printed_and_asks_for_the_password_twice(
    bare: BookingDatabase,
) -> None:
    uri = str(bare.booking_settings.mongodb_uri)
    code, shown = run_at_terminal(
        shlex.split(FIRST_ADMIN.replace("NAME", "farah")),
        {"Password: ": PASSWORD, "Repeat for confirmation: ": PASSWORD},
        cwd=ROOT,
        env={"MONGODB_URI": uri, "MONGODB_DATABASE": bare.name, "PATH": ""},
    )

    assert code == 0
    assert "Added farah" in shown
    assert PASSWORD not in shown
    assert sign_in(bare, "farah", PASSWORD, address="192.0.2.1")


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("add", "farah", "--role", "admin", "--password-stdin"), "short", "shorter than 10"),
        (
            ("add", "farah farah", "--role", "admin", "--password-stdin"),
            "farah farah",
            "easy to guess",
        ),
        (("add", "<b>", "--role", "admin", "--password-stdin"), PASSWORD, "id may hold"),
        (("add", "farah", "--role", "admin"), PASSWORD, "--password-stdin is needed"),
        (("add", "farah", "--role", "admin", "--no-password"), "", "--email is needed"),
        (
            ("add", "f", "--role", "admin", "--no-password", "--password-stdin"),
            PASSWORD,
            "exclude each other",
        ),
        (("add", "ravi", "--role", "staff", "--password-stdin"), PASSWORD, "exists already"),
        (("disable", "boss"), "", "last active admin"),
        (("disable", "nobody"), "", "no account 'nobody'"),
        (("password", "nobody"), "", "no account 'nobody'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_each_error_is_one_sentence(
    bare: BookingDatabase, arguments: tuple[str, ...], typed: str, words: str
) -> None:
    add_account(bare, Account("ravi", "Ravi", Role.STAFF))
    add_account(bare, Account("boss", "Boss", Role.ADMIN))
    before = bare.audit.count_documents({})

    done = piped(bare, *arguments, typed=typed)

    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert PASSWORD not in done.output
    assert bare.audit.count_documents({}) == before


def test_accounts_are_listed_disabled_enabled_and_get_a_new_password(
    bare: BookingDatabase, command: Run
) -> None:
    assert "no accounts yet" in piped(bare, "list").stdout
    add_account(bare, Account("ravi", "Ravi Kumar", Role.STAFF, "ravi@school.test"))

    disabled = piped(bare, "disable", "Ravi")
    listed = piped(bare, "list")
    enabled = piped(bare, "enable", "ravi")
    once = command("account", "password", "ravi")

    assert disabled.stdout == "ravi is disabled and signed out everywhere.\n"
    assert listed.stdout == "ravi: Ravi Kumar (staff, disabled, no password, ravi@school.test)\n"
    assert enabled.stdout == "ravi may sign in.\n"
    assert sign_in(bare, "ravi", once.stdout.strip(), address="192.0.2.1").account.must_change
    assert piped(bare, "list").stdout == (
        "ravi: Ravi Kumar (staff, active, must change the password, ravi@school.test)\n"
    )


def test_an_account_can_be_added_without_a_password(
    bare: BookingDatabase,
) -> None:
    piped(bare, "add", "r", "--role", "staff", "--email", "r@school.test", "--no-password")

    assert not get_account(bare, "r").has_password


def test_an_account_can_be_added_to_the_embedded_database(tmp_path: Path) -> None:
    there = {"DATA_DIRECTORY": str(tmp_path)}
    added = run(
        *("account", "add", "r", "--role", "admin", "--email", "r@s.test", "--no-password"),
        **there,
    )

    demo = run("demo", **there)

    assert (added.returncode, added.stderr) == (0, "")
    assert_one_sentence(demo, "holds data already")  # a school's database has no demo accounts


def test_no_option_takes_a_password() -> None:
    help = CliRunner().invoke(cli, ["account", "add", "--help"]).stdout

    assert "--password " not in help
    assert "--password-stdin" in help
    assert passwords.SHORTEST_PASSWORD == 10


def test_an_account_is_erased_once_that_is_confirmed(bare: BookingDatabase) -> None:
    add_account(bare, Account("farah", "Farah Sheikh", Role.ADMIN))
    add_account(bare, Account("ravi", "Ravi Kumar", Role.STAFF))

    refused = piped(bare, "erase", "Ravi", typed="n")
    assert refused.exit_code == 1
    assert get_account(bare, "ravi").active
    done = piped(bare, "erase", "Ravi", typed="y")

    assert done.exit_code == 0
    assert done.stdout.startswith("ravi has made 0 bookings, 0 of them ahead. They stay.\n")
    assert done.stdout.endswith("Erased. A pseudonym stands in place of the name.\n")
    assert bare.accounts.distinct("_id") == ["farah"]
    assert bare.audit.find_one({"action": "erased"})["by"] == "system"


def test_the_last_admin_is_not_erased_by_a_command_either(
    bare: BookingDatabase, command: Run
) -> None:
    add_account(bare, Account("farah", "Farah Sheikh", Role.ADMIN))

    assert_one_sentence(command("account", "erase", "farah", "--yes"), "last active admin")
    assert_one_sentence(command("account", "erase", "nobody", "--yes"), "no account 'nobody'")
    assert has_admin(bare)
