"""Starts the dashboard: checks that the port is free, then runs Streamlit until Ctrl-C."""

from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path

import click
from streamlit.web import cli

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"  # as in .streamlit/config.toml


def port_of(text: str) -> int:
    """The port in ``text``. Raises SystemExit with a sentence if it is not a port."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        sys.exit(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def check_free(port: int) -> None:
    """Raises SystemExit with a sentence if no server can listen on ``port``."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # The server sets this option too: a port with recently closed connections counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                sys.exit(
                    f"Port {port} is taken by another program: "
                    f"end that one, or choose another port, as in: PORT={port + 1} make run"
                )
            sys.exit(f"Port {port} cannot be used ({exc.strerror}): try PORT=8501 make run")


def main() -> None:
    os.chdir(ROOT)
    port = port_of(os.environ.get("PORT") or "8501")
    check_free(port)
    # The address that Streamlit prints and the redirects of sign-in must have the same host.
    options = ["--server.port", str(port), "--browser.serverAddress", "localhost"]
    try:
        cli.main(["run", str(ROOT / "app.py"), *options], standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        sys.stdout.write("\n")  # so that the prompt of the shell begins on a new line after Ctrl-C


if __name__ == "__main__":
    main()
