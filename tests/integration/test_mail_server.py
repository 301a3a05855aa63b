"""Sending through a real mail server: encryption, sign-in, and each way in which it can fail."""

from __future__ import annotations

import ssl
import time
from types import SimpleNamespace

import pytest
import trustme
from command_line import run
from smtp_server import PASSWORD, USER, accepts, silent_server, smtp_server
from support import ADMIN, HEAD

from booking_core import InvalidRequest, MailRefused, MailServerFailed, NotAllowed, Settings
from booking_core.mail.composing import Recipient, compose
from booking_core.mail.server import MailServer
from booking_core.mail.trial import send_test_mail
from booking_core.storage.client.database import present


def settings(port, **values):
    options = {"smtp_security": "none", "mail_from": "grounds@school.example"} | values
    return Settings(smtp_host="127.0.0.1", smtp_port=port, **options)


def mail(to="meera@school.example", name="Meera"):
    at = present(SimpleNamespace())
    return compose(
        settings(25), Recipient(name, to), id="1", at=at, subject="Hello", lines=[], why="Why."
    )


@pytest.fixture
def trusted(monkeypatch, tmp_path):
    """A context of TLS for a server on this computer whose certificates are trusted."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_several_mails_go_through_one_connection():
    with smtp_server() as server, MailServer(settings(server.port)) as ours:
        ours.send(mail())
        ours.send(mail("ravi@school.example"))

        assert server.recipients == ["meera@school.example", "ravi@school.example"]
        assert server.connections == 1


def test_a_password_goes_over_verified_tls_only(trusted):
    with smtp_server(
        tls_context=trusted, auth_required=True, authenticator=accepts, auth_require_tls=True
    ) as server:
        options = {"smtp_security": "starttls", "smtp_user": USER, "smtp_password": PASSWORD}
        with MailServer(settings(server.port, **options)) as ours:
            ours.send(mail())
        with (
            pytest.raises(MailServerFailed) as refused,
            MailServer(settings(server.port, **options | {"smtp_password": "other"})) as ours,
        ):
            ours.send(mail())

    assert server.recipients == ["meera@school.example"]
    assert "refuses SMTP_USER and SMTP_PASSWORD" in refused.value.answer


def test_a_server_with_tls_from_the_first_byte_takes_mail(trusted):
    with smtp_server(ssl_context=trusted) as server:
        tls = settings(server.port, smtp_security="tls")
        with MailServer(tls) as ours:
            ours.send(mail())

    assert server.recipients == ["meera@school.example"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(trusted, monkeypatch, security):
    monkeypatch.delenv("SSL_CERT_FILE")
    options = {"tls_context": trusted} if security == "starttls" else {"ssl_context": trusted}
    with smtp_server(**options) as server, pytest.raises(MailServerFailed) as refused:
        MailServer(settings(server.port, smtp_security=security)).send(mail())

    assert "certificate is not trusted" in refused.value.answer
    assert server.mails == []


def test_without_starttls_nothing_is_sent():
    with smtp_server() as server, pytest.raises(MailServerFailed) as refused:
        MailServer(settings(server.port, smtp_security="starttls")).send(mail())

    assert "offers no encryption by STARTTLS" in refused.value.answer
    assert server.mails == []


@pytest.mark.parametrize(
    ("answer", "for_good"), [("550 No such user", True), ("450 Try again later", False)]
)
def test_a_refused_recipient_does_not_end_the_connection(answer, for_good):
    with smtp_server() as server, MailServer(settings(server.port)) as ours:
        server.answers["gone@school.example"] = answer
        with pytest.raises(MailRefused) as refused:
            ours.send(mail("gone@school.example"))
        ours.send(mail())

        assert (refused.value.answer, refused.value.for_good) == (answer, for_good)
        assert "gone@" not in str(refused.value)
        assert server.recipients == ["meera@school.example"]
        assert server.connections == 1


def test_an_answer_after_the_content_is_of_that_mail():
    with smtp_server() as server, MailServer(settings(server.port)) as ours:
        server.after_data = "554 Looks like spam"
        with pytest.raises(MailRefused) as refused:
            ours.send(mail())

    assert refused.value.for_good


def test_a_server_that_ends_the_connection_fails_as_a_whole():
    with smtp_server() as server:
        server.answers["meera@school.example"] = "421 Too busy"
        with pytest.raises(MailServerFailed) as refused:
            MailServer(settings(server.port)).send(mail())

    assert refused.value.answer == "421 Too busy"
    assert not refused.value.may_be_taken


def test_a_server_that_is_down_is_named_so():
    with smtp_server() as server:
        port = server.port
    with pytest.raises(MailServerFailed) as refused:
        MailServer(settings(port)).send(mail())

    assert refused.value.answer == "it cannot be reached (connection refused)"
    assert not refused.value.may_be_taken


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_an_unknown_name_is_named_so(host):
    unknown = Settings(smtp_host=host, smtp_security="none", mail_from="a@b.example")
    with pytest.raises(MailServerFailed) as refused:
        MailServer(unknown).send(mail())

    assert refused.value.answer == "its name, SMTP_HOST, is unknown"


@pytest.mark.parametrize("said", [b"", b"2"])
def test_a_server_that_hangs_or_trickles_is_left(said):
    """Each byte in time would start the wait for an answer anew."""
    with silent_server(said) as port:
        begun = time.monotonic()
        with pytest.raises(MailServerFailed) as refused:
            MailServer(settings(port), seconds=0.5).send(mail())

    assert time.monotonic() - begun < 5
    assert "did not answer in time" in refused.value.answer


def test_a_test_mail_is_sent_at_once_and_by_an_admin_only(make_db):
    with smtp_server() as server:
        db = make_db(
            school=False,
            smtp_host="127.0.0.1",
            smtp_port=server.port,
            smtp_security="none",
            mail_from="grounds@school.example",
        )
        assert send_test_mail(db, "meera@school.example", by=ADMIN).startswith("The mail server")
        with pytest.raises(NotAllowed):
            send_test_mail(db, "meera@school.example", by=HEAD)
        for wrong in ("", "meera", "a b@school.example", "a@school.example\r\nBcc: b@c.example"):
            with pytest.raises(InvalidRequest) as refused:
                send_test_mail(db, wrong, by=ADMIN)
            assert refused.value.field == "email"

    [sent] = server.mails
    assert "Mail works." in sent.get_body(("plain",)).get_content()


def test_without_a_mail_server_a_test_mail_says_so(make_db):
    with pytest.raises(InvalidRequest) as refused:
        send_test_mail(make_db(school=False), "meera@school.example", by=ADMIN)

    assert refused.value.field in ("SMTP_HOST", "MAIL_FROM")


def test_the_command_line_tries_the_mail_server(mongod_uri, db):
    with smtp_server() as server:
        server.answers["gone@school.example"] = "550 No such user"
        known = {
            "MONGODB_URI": mongod_uri,
            "MONGODB_DATABASE": db.name,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(server.port),
            "SMTP_SECURITY": "none",
            "MAIL_FROM": "grounds@school.example",
        }
        fine = run("mail", "test", "meera@school.example", **known)
        refused = run("mail", "test", "gone@school.example", **known)

    assert (fine.returncode, fine.stdout) == (0, "The mail server has taken the mail.\n")
    assert refused.returncode == 1
    assert "The mail server did not take the mail: 550 No such user." in refused.stderr
    assert server.recipients == ["meera@school.example"]
