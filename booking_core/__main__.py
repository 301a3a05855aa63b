"""``python -m booking_core``."""

from booking_core.cli.commands import cli
from booking_core.domain.messages import COMMAND

if __name__ == "__main__":
    cli(prog_name=COMMAND)  # what its help and its errors print works as printed
