"""``make run``'s script, as a newcomer meets it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest
from support import eventually

ROOT = Path(__file__).resolve().parents[2]


def command(port: object, data: Path) -> tuple[list[str], dict[str, str]]:
    ours = ("MONGODB_", "BOOKING_", "LIVE_", "STREAMLIT_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    kept |= {"PORT": str(port), "DATA_DIRECTORY": str(data), "HOME": str(data)}
    return [sys.executable, str(ROOT / "scripts" / "run.py")], kept


def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        arguments, environment = command(port, tmp_path)
        ended = subprocess.run(
            arguments, env=environment, capture_output=True, text=True, timeout=60
        )

    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        f"Port {port} is taken by another program: "
        f"end that one, or choose another port, as in: PORT={port + 1} make run"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["65536", "http"])
def test_a_port_that_is_none_is_told_in_one_sentence(tmp_path: Path, port: str) -> None:
    arguments, environment = command(port, tmp_path)
    ended = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    assert ended.stderr.strip() == f"PORT must be a number from 1 to 65535, not {port!r}."


def test_the_first_start_offers_the_demo_school_and_leaves_nothing_running(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments, environment = command(port, tmp_path / "data")
    log = tmp_path / "app.log"

    def door() -> str:
        assert app.poll() is None, log.read_text()
        try:
            address = f"http://127.0.0.1:{port}/signin"
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:  # not there yet, or too busy to answer
            return ""

    with log.open("wb") as output:
        app = subprocess.Popen(
            arguments, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd="/"
        )
    try:
        said = eventually(door, within=90)
        servers = [p.pid for p in psutil.Process(app.pid).children(recursive=True)]
        listening = {
            link.laddr.ip
            for link in psutil.Process(app.pid).net_connections("inet")
            if link.status == psutil.CONN_LISTEN
        }
    finally:
        app.send_signal(signal.SIGTERM)
        app.wait(60)

    assert "demo data" in said
    assert "Meera Nair" in said
    assert listening == {"127.0.0.1"}
    assert not any(psutil.pid_exists(pid) for pid in servers)
    assert "Traceback" not in log.read_text()
