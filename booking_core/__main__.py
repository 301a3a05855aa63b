"""``python -m booking_core``."""

from booking_core.cli.commands import cli

if __name__ == "__main__":
    cli(prog_name="python -m booking_core")
