"""The pages of a forgotten password, of a running app over HTTP."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from smtp_server import SmtpServer, smtp_server
from support import HTTP_SECONDS, eventually

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, School, running_app

from booking_core import Account, Role, add_account
from booking_core.sessions import sign_in
from pages.shared.live.address import COOKIE

OLD, NEW = "four horses in a field", "seven otters on a hill"
PUBLIC_URL = "http://grounds.school.example"
_addresses = (f"192.0.2.{n}" for n in itertools.count(1))


@pytest.fixture(scope="module")
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


@pytest.fixture(scope="module")
def running(
    mongod_uri: str, server: SmtpServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(
        tmp_path_factory.mktemp("home"),
        mongod_uri,
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(server.port),
        SMTP_SECURITY="none",
        MAIL_FROM="grounds@school.example",
        PUBLIC_URL=PUBLIC_URL,
        TRUST_PROXY="on",
    ) as both:
        account = Account("asha", "Asha Rao", Role.STAFF, "asha@school.example")
        add_account(both[1].db, account, password=OLD)
        yield both


@pytest.fixture
def client(running: tuple[AppServer, School]) -> Iterator[httpx.Client]:
    headers = {"sec-fetch-site": "same-origin", "x-forwarded-for": next(_addresses)}
    with httpx.Client(base_url=running[0].url, headers=headers, timeout=HTTP_SECONDS) as browser:
        yield browser


@pytest.fixture
def link(running: tuple[AppServer, School], server: SmtpServer, client: httpx.Client) -> str:
    """The path of a new link to Asha's password."""
    db = running[1].db
    eventually(lambda: not db["mails"].count_documents({"status": "queued"}))  # of other tests
    db["mail_links"].delete_many({})
    db["attempts"].delete_many({})
    server.mails.clear()
    assert client.post("/forgotten", data={"name": "asha"}).status_code == 200
    mail = eventually(lambda: next(iter(server.mails), None))
    text = mail.get_body(("plain",)).get_content()
    found = re.search(rf"{PUBLIC_URL}(/newpassword/[\w-]+)", text)
    assert found is not None
    return found[1]


def test_the_sign_in_page_leads_to_it_and_every_name_has_one_answer(client):
    assert 'href="/forgotten"' in client.get("/signin").text
    names = ("asha", "nobody", "asha@school.example", "", "<b>x", "x" * 3000)

    answers = [client.post("/forgotten", data={"name": name}) for name in names]

    assert {(one.status_code, one.text) for one in answers} == {(200, answers[0].text)}
    assert "If there is such an active account" in answers[0].text
    assert {one.headers["cache-control"] for one in answers} == {"no-store"}


def test_looking_changes_nothing_and_the_form_sets_the_password_once(client, running, link):
    for method in ("HEAD", "GET", "GET"):
        looked = client.request(method, link)
        assert (looked.status_code, looked.headers["referrer-policy"]) == (200, "no-referrer")
    assert looked.headers["cache-control"] == "no-store"
    differ = client.post(link, data={"new": NEW, "again": OLD})
    weak = client.post(link, data={"new": "asha asha asha", "again": "asha asha asha"})
    assert (differ.status_code, weak.status_code) == (422, 422)
    assert "The new password is easy to guess" in weak.text

    done = client.post(link, data={"new": NEW, "again": NEW})
    again = client.post(link, data={"new": OLD, "again": OLD})

    assert (done.status_code, again.status_code) == (200, 410)
    assert "Your new password is stored" in done.text
    assert done.headers["set-cookie"].startswith(f'{COOKIE}=""')
    assert sign_in(running[1].db, "asha", NEW, address="203.0.113.9").account.id == "asha"
    assert link.rpartition("/")[2] not in running[0].log.read_text()


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://e.example"}]
)
def test_a_form_of_another_site_does_nothing(running, server, link, headers):
    sent = len(server.mails)
    url = running[0].url
    forms = (("/forgotten", {"name": "asha"}), (link, {"new": OLD, "again": OLD}))
    for path, form in forms:
        answer = httpx.post(f"{url}{path}", data=form, headers=headers, timeout=HTTP_SECONDS)
        assert answer.status_code == 403
    assert len(server.mails) == sent
    assert client_sees(url, link) == 200


def client_sees(url: str, path: str) -> int:
    return httpx.get(f"{url}{path}", timeout=HTTP_SECONDS).status_code


def test_too_many_are_told_to_wait(client):
    answers = [client.post("/forgotten", data={"name": "guessed"}) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
