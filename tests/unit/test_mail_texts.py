"""The mails as composed: headers of one line, escaped markup, links to PUBLIC_URL alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import default

import pytest

from booking_core import MailRefused, Settings
from booking_core.mail.composing import MailLine, Recipient, compose, one_line

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
LINE = MailLine("Your booking", "Ground 1", "was approved by Head.")


def settings(**values):
    return Settings(smtp_host="mail.school.example", mail_from="grounds@school.example", **values)


def sent(message):
    """The mail as its recipient reads it."""
    return BytesParser(policy=default).parsebytes(message.as_bytes())


def composed(to=None, lines=(LINE,), subject="Approved", **values):
    return sent(
        compose(
            settings(**values),
            to or Recipient("Meera", "meera@school.example"),
            id="1f",
            at=AT,
            subject=subject,
            lines=lines,
            link=("bookings", "Open your bookings"),
            why="You get this because you booked.",
        )
    )


def bodies(message):
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


def test_a_mail_says_the_same_as_text_and_as_html():
    message = composed(public_url="https://grounds.school.example/app/")

    for body in bodies(message):
        for said in ("Hello Meera,", "Ground 1", "approved by Head", "Open your bookings"):
            assert said in body
        assert "https://grounds.school.example/app/bookings" in body
        assert "https://grounds.school.example/app/mail" in body
    assert message["Message-ID"] == "<1f@school.example>"
    assert message["List-Unsubscribe"] == "<https://grounds.school.example/app/mail>"
    assert message["Auto-Submitted"] == "auto-generated"


def test_nothing_of_a_mail_is_loaded_from_anywhere():
    text = bodies(composed(public_url="https://grounds.school.example"))[1]

    assert not any(word in text for word in ("<img", "src=", "url(", "<script", "@import"))


def test_without_a_public_address_a_mail_has_no_link():
    message = composed()

    assert not any("http" in body or "Open your bookings" in body for body in bodies(message))
    assert message["List-Unsubscribe"] == "<mailto:grounds@school.example?subject=unsubscribe>"


@pytest.mark.parametrize(
    "name",
    [
        "Meera\r\nBcc: thief@evil.example",
        "Meera\nSubject: other",
        "Meera\u2028Bcc: thief@evil.example",
        "Meera\x85Bcc: thief@evil.example",
        "Meera\x00",
        "M" * 5000,
        "👩‍🏫 Meera 🏏" * 50,
        "\u202eareeM",
        "מירה כהן",
        '"Meera" <thief@evil.example>, other',
    ],
)
def test_a_name_adds_no_header_and_no_recipient(name):
    message = composed(Recipient(name, "meera@school.example"), subject=name)

    assert "Bcc" not in message
    assert [one.addr_spec for one in message["To"].addresses] == ["meera@school.example"]
    assert [one.addr_spec for one in message["From"].addresses] == ["grounds@school.example"]
    assert len(message["Subject"]) <= 120
    assert not any(mark in message["Subject"] for mark in "\r\n\u202e\u2028\x85\x00")


def test_emoji_and_other_scripts_stay_in_a_header():
    assert one_line("👩‍🏫 Meera  मीरा") == "👩‍🏫 Meera मीरा"


def test_markup_in_a_name_is_text():
    text, html = bodies(
        composed(
            Recipient("<b>Meera</b>", "meera@school.example"),
            lines=[MailLine("", "<img src=x>", '<a href="//evil.example">')],
            subject="<script>",
            school_name="A & B <i>",
        )
    )

    assert "<img src=x>" in text
    assert "&lt;img src=x&gt;" in html
    assert not any(one in html for one in ("<img", "<i>", "<script", "<a href", "<b>Meera"))


@pytest.mark.parametrize(
    "email", ["a..b@school.example", "me,era@school.example", "<a@b.c", "@@b.c"]
)
def test_an_address_that_no_mail_can_name_is_refused_for_good(email):
    with pytest.raises(MailRefused) as refused:
        composed(Recipient("Meera", email))

    assert refused.value.for_good
