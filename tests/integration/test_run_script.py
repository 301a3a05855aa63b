"""The script behind ``make run``: how it starts, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from server_processes import servers_on
from support import eventually

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import DEMO_LINK

ROOT = Path(__file__).resolve().parents[2]


def command(port: object, data: Path) -> tuple[list[str], dict[str, str]]:
    ours = ("MONGODB_", "BOOKING_", "LIVE_", "STREAMLIT_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    kept |= {"PORT": str(port), "DATA_DIRECTORY": str(data), "HOME": str(data)}
    return [sys.executable, str(ROOT / "scripts" / "run.py")], kept


def test_a_port_in_use_is_reported_in_one_sentence(tmp_path: Path) -> None:
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
def test_an_invalid_port_is_reported_in_one_sentence(tmp_path: Path, port: str) -> None:
    arguments, environment = command(port, tmp_path)
    ended = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    assert ended.stderr.strip() == f"PORT must be a number from 1 to 65535, not {port!r}."


@contextmanager
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """The running app: its process, its port and its data directory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = tmp_path / "data", tmp_path / "app.log"
    arguments, environment = command(port, data)
    with log.open("wb") as output:
        app = subprocess.Popen(
            arguments, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd="/"
        )
    try:
        eventually(lambda: sign_in_page(app, port, log), within=90)
        yield app, port, data
    finally:
        app.send_signal(signal.SIGTERM)
        app.wait(60)
    assert "Traceback" not in log.read_text()


def sign_in_page(app: subprocess.Popen[bytes], port: int, log: Path) -> str:
    assert app.poll() is None, log.read_text()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/signin", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:  # not started yet, or too busy to answer
        return ""


def test_the_first_start_offers_the_demo_school_and_the_end_leaves_no_process(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as (app, port, data):
        log = tmp_path / "app.log"
        page = sign_in_page(app, port, log)
        [link] = eventually(lambda: DEMO_LINK.findall(log.read_text()))
        opened = httpx.get(f"http://127.0.0.1:{port}/{link}", follow_redirects=True)
        servers = servers_on(data)
        listening = {
            link.laddr.ip
            for link in psutil.Process(app.pid).net_connections("inet")
            if link.status == psutil.CONN_LISTEN
        }

    assert "demo data" in page
    assert "Meera Nair" not in page
    assert "Meera Nair" in opened.text
    assert listening == {"127.0.0.1"}
    assert len(servers) == 1
    assert servers_on(data) == []


def test_the_app_ends_within_ten_seconds_while_its_database_hangs(tmp_path: Path) -> None:
    with running(tmp_path) as (app, _, data):
        [server] = servers_on(data)
        server.send_signal(signal.SIGSTOP)

        app.send_signal(signal.SIGTERM)
        app.wait(10)

    assert servers_on(data) == []
