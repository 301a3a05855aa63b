"""The commands of ``python -m booking_core mail``."""

from __future__ import annotations

import click

from booking_core.mail.trial import send_test_mail
from booking_core.settings import Settings
from booking_core.storage.connection import connected


@click.group()
def mail() -> None:
    """Tries the mail server that SMTP_HOST names."""


@mail.command()
@click.argument("address")
def test(address: str) -> None:
    """Sends a test mail to ADDRESS, and prints what the server answered."""
    with connected(Settings.load()) as db:
        click.echo(send_test_mail(db, address, by=None))
