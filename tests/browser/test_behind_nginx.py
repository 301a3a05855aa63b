"""The dashboard behind nginx with TLS, by the configuration of docs/nginx.conf."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme
from app_server import ROOT, AppServer, School, running_app
from browser_windows import OpenPage
from playwright.sync_api import expect
from screens import TICK, place
from support import HTTP_SECONDS, eventually

from booking_core import Account, Actor, Role, add_account
from booking_core.calendars import make_calendar_address
from pages.shared.auth.device_cookie import DEVICE_COOKIE
from pages.shared.live.address import COOKIE

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PASSWORD = "four horses in a field"
HOST = "localhost"
# What nginx needs around a file of conf.d; all that it writes stays in the folder of the test.
MAIN = """
{user}
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{}}
http {{
    access_log {home}/access.log;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/site.conf;
}}
"""
pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx on this computer")


@dataclass(frozen=True)
class Proxy:
    """nginx in front of an app, and what a client of it needs."""

    school: School
    home: Path
    url: str
    plain_url: str
    trust: ssl.SSLContext

    def client(self) -> httpx.Client:
        headers = {"sec-fetch-site": "same-origin", "origin": self.url}
        return httpx.Client(
            base_url=self.url, verify=self.trust, headers=headers, timeout=HTTP_SECONDS
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def proxy(mongod_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    home, tls, plain = tmp_path_factory.mktemp("nginx"), _free_port(), _free_port()
    authority, trust = trustme.CA(), ssl.create_default_context()
    certificate = authority.issue_cert(HOST)
    certificate.private_key_pem.write_to_path(home / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(home / "certificate.pem")
    authority.configure_trust(trust)
    url = f"https://{HOST}:{tls}"
    settings = {"PUBLIC_URL": url, "TRUST_PROXY": "on"}
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri, **settings) as (app, school):
        add_account(school.db, Account("asha", "Asha Rao", Role.STAFF), password=PASSWORD)
        (home / "site.conf").write_text(_site(home, app, tls, plain))
        user = "user root;" if os.geteuid() == 0 else ""
        (home / "nginx.conf").write_text(MAIN.format(home=home, user=user))
        command = [str(NGINX), "-p", str(home), "-c", str(home / "nginx.conf"), "-g", "daemon off;"]
        process = subprocess.Popen(command)
        try:
            eventually(lambda: _listens(process, tls))
            yield Proxy(school, home, url, f"http://{HOST}:{plain}", trust)
        finally:
            process.terminate()
            process.wait(20)


def _site(home: Path, app: AppServer, tls: int, plain: int) -> str:
    """The project's file with the name, certificate and ports of the test."""
    text = (ROOT / "docs" / "nginx.conf").read_text()
    for ours, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{tls} ssl",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "http://127.0.0.1:8501": f"http://127.0.0.1:{app.port}",
        "/etc/ssl/certs/grounds.school.example.pem": str(home / "certificate.pem"),
        "/etc/ssl/private/grounds.school.example.key": str(home / "key.pem"),
        "server_name grounds.school.example": f"server_name {HOST}",
    }.items():
        assert ours in text
        text = text.replace(ours, here)
    return text


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "nginx did not start"
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_request_without_tls_is_led_to_tls(proxy: Proxy) -> None:
    answer = httpx.get(f"{proxy.plain_url}/book?date=2026-11-30", timeout=HTTP_SECONDS)

    assert answer.status_code == 301
    assert answer.headers["location"] == f"https://{HOST}/book?date=2026-11-30"


def test_cookies_are_secure_and_have_the_prefix(proxy: Proxy) -> None:
    with proxy.client() as client:
        answer = client.post("/signin", data={"name": "asha", "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        cookies = {c.partition("=")[0]: c for c in answer.headers.get_list("set-cookie")}
        for name in (COOKIE, DEVICE_COOKIE):
            assert "; secure" in cookies[f"__Host-{name}"].lower()
            assert "; httponly" in cookies[f"__Host-{name}"].lower()
        screen = client.get("/book", headers={"accept": "text/html"})

    assert screen.status_code == 200
    assert "max-age=" in screen.headers["strict-transport-security"]


def test_no_log_has_the_secret_address_of_a_calendar(proxy: Proxy) -> None:
    secret = make_calendar_address(proxy.school.db, by=Actor("asha", Role.STAFF))
    path = f"/calendars/mine/{secret}.ics"
    with proxy.client() as client:
        assert client.get(path).headers["content-type"].startswith("text/calendar")
        assert client.get("/calendars/school.ics").status_code == 200
    assert httpx.get(f"{proxy.plain_url}{path}", timeout=HTTP_SECONDS).status_code == 301

    logs = "".join(file.read_text() for file in proxy.home.glob("*.log"))
    assert "/calendars/school.ics" in logs
    assert secret not in logs


def test_an_address_that_the_client_invents_gets_no_count_of_its_own(proxy: Proxy) -> None:
    with proxy.client() as client:
        answers = [
            client.post(
                "/signin",
                data={"name": "asha", "password": "not the password"},
                headers={"x-forwarded-for": f"203.0.113.{n}"},
            )
            for n in range(40)
        ]

    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    proxy.school.db["attempts"].delete_many({})


def test_a_screen_signs_in_and_follows_changes(proxy: Proxy, open_window: OpenPage) -> None:
    page = open_window(f"{proxy.url}/book", None, ignore_https_errors=True)
    page.get_by_label("Name").fill("asha")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()

    proxy.school.book(student=1, start=14)

    expect(place(page, 14)).to_contain_text("Requested", timeout=TICK)
