"""The Host header: a page whose host resolves to this server (DNS rebinding) gets nothing."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support import HTTP_SECONDS

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, running_app

PUBLIC = "grounds.example.org"
EVIL = "evil.example.com"
LOOPBACK = ("localhost", "LOCALHOST:8501", "127.0.0.1", "127.0.0.1:8501", "[::1]:8501")
WRONG = (EVIL, f"{EVIL}:8501", "127.0.0.1.evil.example.com", "127.0.0.1@evil.example.com", "", "[")
PATHS = ("/", "/wall", "/signin", "/_stcore/health", "/_stcore/host-config", "/media/0.csv")
SOCKETS = ("/live", "/_stcore/stream")
SECRETS = """
[auth]
redirect_uri = "https://sports.example.org/oauth2callback"
cookie_secret = "a secret of the tests that is long enough"
client_id = "grounds"
client_secret = "secret"
server_metadata_url = "https://127.0.0.1:1/none"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("home")


@contextmanager
def app_with(home: Path, uri: str, secrets: str = "", **settings: str) -> Iterator[AppServer]:
    with running_app(home, uri, secrets=secrets, **settings) as (app, _):
        yield app


def statuses(app: AppServer, hosts: tuple[str, ...]) -> set[int]:
    """The HTTP statuses of each path and WebSocket under each host."""
    found = set()
    with httpx.Client(base_url=app.url, timeout=HTTP_SECONDS) as browser:
        for host in hosts:
            for path in PATHS:
                # A page of the host may set these headers, so they are no evidence of a proxy.
                headers = {"host": host, "x-forwarded-for": "192.0.2.1", "x-forwarded-host": PUBLIC}
                found.add(browser.get(path, headers=headers).status_code)
    return found | {handshake(app, path, host) for path in SOCKETS for host in hosts}


def handshake(app: AppServer, path: str, host: str) -> int:
    """Opens a WebSocket as a page of ``host`` does; returns the HTTP status."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=HTTP_SECONDS) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return int(connection.recv(64).split()[1])


def test_a_page_whose_host_resolves_to_this_server_gets_nothing(home, mongod_uri):
    with app_with(home, mongod_uri) as app:
        assert statuses(app, WRONG) == {421, 403}
        assert statuses(app, (PUBLIC,)) == {421, 403}
        assert not {421, 403} & statuses(app, LOOPBACK)
        assert app.log.read_text().count("is PUBLIC_URL right?") == 1


def test_with_a_public_address_its_host_and_this_computer_are_answered(home, mongod_uri):
    address = {"PUBLIC_URL": f"https://{PUBLIC.upper()}:8443/grounds", "TRUST_PROXY": "on"}
    with app_with(home, mongod_uri, **address) as app:
        assert statuses(app, WRONG) == {421, 403}
        assert not {421, 403} & statuses(app, (*LOOPBACK, PUBLIC, f"{PUBLIC}.", f"{PUBLIC}:8443"))


def test_the_host_to_which_the_identity_provider_redirects_is_answered(home, mongod_uri):
    with app_with(home, mongod_uri, SECRETS.replace("{", "{{")) as app:
        assert statuses(app, WRONG) == {421, 403}
        assert not {421, 403} & statuses(app, (*LOOPBACK, "sports.example.org"))


@pytest.mark.parametrize(
    "setting", [{"TRUST_PROXY": "on"}, {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}]
)
def test_without_a_public_address_a_trusted_proxy_or_a_network_names_the_host(
    tmp_path, mongod_uri, setting
):
    with app_with(tmp_path, mongod_uri, **setting) as app:
        assert not {421, 403} & statuses(app, (*LOOPBACK, PUBLIC, "192.168.1.5:8501"))
