"""The commands of ``python -m booking_core account``: they work without signing in."""

from __future__ import annotations

import sys

import click

from booking_core.access import accounts, erasure, passwords, second_factor
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Account, Role
from booking_core.settings import Settings
from booking_core.storage.connection import connected


@click.group()
def account() -> None:
    """Adds, lists and changes the accounts that may sign in."""


@account.command()
@click.argument("name")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--full-name", default="", help="The name on screens. Default: NAME.")
@click.option("--email", help="The address of the account at an identity provider.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--no-password", is_flag=True, help="Only an identity provider signs the account in.")
def add(
    name: str,
    role: str,
    full_name: str,
    email: str | None,
    password_stdin: bool,
    no_password: bool,
) -> None:
    """Adds an account and asks for its password. NAME is typed to sign in."""
    if no_password and password_stdin:
        raise InvalidRequest("--no-password", "and --password-stdin exclude each other")
    if no_password and not email:
        raise InvalidRequest("--email", "is needed by an account without a password")
    new = Account(name, full_name or name, Role(role), email)
    password = None if no_password else _password(password_stdin, new)
    with connected(Settings.load()) as db:
        made = accounts.add_account(db, new, password=password)
        click.echo(f"Added {made.id}, {made.role.value}, to {db.name}.")


@account.command("list")
def list_() -> None:
    """Lists the accounts."""
    with connected(Settings.load()) as db:
        found = accounts.find_accounts(db)
        for one in found:
            facts = [one.role.value, "active" if one.active else "disabled"]
            facts += [] if one.has_password else ["no password"]
            facts += ["must change the password"] if one.must_change else []
            facts += ["second factor"] if one.has_second_factor else []
            facts += [one.email] if one.email else []
            click.echo(f"{one.id}: {one.name} ({', '.join(facts)})")
        if not found:
            click.echo("There are no accounts yet. Add the first admin with “account add”.")


@account.command()
@click.argument("name")
def disable(name: str) -> None:
    """Disables an account and ends its sessions; its bookings and changes stay on record."""
    with connected(Settings.load()) as db:
        changed = accounts.change_account(db, name, active=False, by=None)
        click.echo(f"{changed.id} is disabled and signed out everywhere.")


@account.command()
@click.argument("name")
def enable(name: str) -> None:
    """Enables a disabled account."""
    with connected(Settings.load()) as db:
        changed = accounts.change_account(db, name, active=True, by=None)
        click.echo(f"{changed.id} may sign in.")


@account.command()
@click.argument("name")
def password(name: str) -> None:
    """Sets and prints a one-time password, which signs in once, within 72 hours."""
    with connected(Settings.load()) as db:
        click.echo(accounts.reset_password(db, name, by=None))


@account.command("reset-second-factor")
@click.argument("name")
def reset_second_factor(name: str) -> None:
    """Turns off the second factor of an account and ends its sessions, such as for a lost phone."""
    with connected(Settings.load()) as db:
        changed = second_factor.reset_second_factor(db, name, by=None)
        click.echo(f"{changed.id} has no second factor and is signed out everywhere.")


@account.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(name: str, yes: bool) -> None:
    """Erases an account for good; a pseudonym stays in its bookings and in the audit log."""
    with connected(Settings.load()) as db:
        found = accounts.get_account(db, name)
        about = erasure.account_erasure_of(db, found.id, by=None)
        click.echo(
            f"{found.id} has made {about.bookings} bookings, {about.ahead} of them ahead. "
            "They stay."
        )
        if about.elsewhere:
            click.echo(
                f"{about.elsewhere} purposes and reasons mention the full name or the sign-in "
                "name. They stay too."
            )
        if not yes:
            click.confirm(f"Erase {found.id} in {db.name} for good?", abort=True)
        erasure.erase_account(db, found.id, by=None)
        click.echo("Erased. A pseudonym stands in place of the name.")


def _password(from_stdin: bool, new: Account) -> str:
    """Returns the piped password, or the one typed twice. Raises InvalidRequest for a weak one."""
    if from_stdin:
        typed = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        typed = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise InvalidRequest("--password-stdin", "is needed without a terminal")
    return passwords.check(typed, new.id, new.name)
