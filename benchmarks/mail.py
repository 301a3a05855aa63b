"""What mail costs ``book()``, and how long a thousand notices take to be sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from aiosmtpd.controller import Controller

from booking_core import (
    Account,
    Actor,
    Role,
    add_account,
    approve,
    book,
    send_mails,
    write_notices,
)
from booking_core.storage.client.database import BookingDatabase
from pages.shared.text.mails import WRITING

from . import school
from .measure import Result, clock, in_turn, median, say

NOTICES, READERS = 1000, 50
HEAD = Actor("head", Role.PRINCIPAL, "Head")
LATER = timedelta(minutes=1)  # after the pause in which a change can be undone


class _Taken:
    """A mail server that takes every mail."""

    def __init__(self) -> None:
        self.count = 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:
        self.count += 1
        return "250 OK"


def measurements(uri: str) -> Iterator[Result]:
    taken = _Taken()
    server = Controller(taken, hostname="127.0.0.1", port=taken.port)
    server.start()
    try:
        mailed = school.create_school(
            uri,
            "mailed",
            smtp_host="127.0.0.1",
            smtp_port=taken.port,
            smtp_security="none",
            mail_from="grounds@school.example",
        )
        yield _cost(mailed, school.create_school(uri, "unmailed"))
        yield _drained(mailed, taken)
    finally:
        server.stop()


@contextmanager
def _sending(db: BookingDatabase) -> Iterator[None]:
    """Writes notices and sends mails of ``db`` in a thread, as the application does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.2):
            write_notices(db, now=school.NOW)
            send_mails(db, WRITING, now=school.NOW + LATER)

    worker = threading.Thread(target=work, name="mail")
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def _cost(mailed: BookingDatabase, unmailed: BookingDatabase) -> Result:
    say("book() with and without mail, 500 each ...")
    requests = [iter(school.requests()) for _ in range(2)]

    def books(db: BookingDatabase, number: int) -> None:
        request = next(requests[number])
        book(db, request, by=school.STAFF_MEMBER, submission_id=uuid4(), now=school.NOW)

    with _sending(mailed):
        ours, bare = in_turn(
            lambda: books(mailed, 0), lambda: books(unmailed, 1), times=500, warm=50
        )
    return Result(
        "book() with a mail server, p50, against one without",
        median(ours),
        median(bare),
        "ms",
        at_most=1.15,
    )


def _drained(db: BookingDatabase, taken: _Taken) -> Result:
    say(f"{NOTICES:,} notices to {READERS} accounts ...")
    readers = [
        Actor(f"reader{number}", Role.STAFF, f"Reader {number}") for number in range(READERS)
    ]
    for one in (*readers, HEAD):
        add_account(db, Account(one.id, one.name, one.role, f"{one.id}@school.example"))
    write_notices(db, now=school.NOW)
    requests = school.requests()
    for _ in range(600):  # those of the measurement before
        next(requests)
    for number in range(NOTICES):
        by = readers[number % READERS]
        made = book(db, next(requests), by=by, submission_id=uuid4(), now=school.NOW)
        approve(db, made.id, by=HEAD, now=school.NOW)
    begun = clock()
    written = write_notices(db, now=school.NOW)
    told = clock()
    send_mails(db, WRITING, now=school.NOW + LATER)
    if written != NOTICES or taken.count < READERS:
        raise RuntimeError(f"{written} notices were written, and {taken.count} mails sent")
    return Result(
        f"{NOTICES:,} notices to {READERS} accounts, written and sent",
        clock() - begun,
        None,
        "s",
        parts={"written": told - begun},
    )
