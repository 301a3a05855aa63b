"""The real app as a separate process, and direct access to its school's database."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
from playwright.sync_api import BrowserContext
from pymongo.errors import PyMongoError
from support import HTTP_SECONDS, booked, eventually, open_school

from booking_core import (
    Account,
    Actor,
    AlreadyExists,
    Booking,
    Role,
    Settings,
    add_account,
    connect,
)
from booking_core.sessions import open_session
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.schema.schema import VALIDATORS
from pages.shared.live.address import COOKIE

ROOT = Path(__file__).resolve().parents[2]
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
DEMO_LINK = re.compile(r"Open the demo: http://[^/\s]+/(\S+)")
_KEPT = {"accounts", "sessions", "meta"}
_APP_SETTINGS = ("BOOKING_", "LIVE_", "MAIL_", "MONGODB_", "SCHOOL_", "SMTP_")

# The accounts of every school here; none has a password.
MEERA = Actor("meera", Role.STAFF, "Meera Nair")
JOSEPH = Actor("joseph", Role.STAFF, "Joseph Mathew")
HEAD = Actor("head", Role.PRINCIPAL, "Dr. Anand Rao")
ADMIN = Actor("admin", Role.ADMIN, "Farah Sheikh")
ACCOUNTS = (MEERA, JOSEPH, HEAD, ADMIN)


def _zone_of_school() -> str:
    """A zone where it is past eight when the tests begin.

    They may last two hours: no test presses a cell of today that begins before eleven.
    """
    ahead = 8 - datetime.now(UTC).hour
    ahead += 24 if ahead < -12 else 0
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


ZONE = _zone_of_school()


def today() -> date:
    return datetime.now(ZoneInfo(ZONE)).date()


def tomorrow() -> date:
    return today() + timedelta(days=1)


def settings_for(uri: str, database: str) -> Settings:
    return Settings(mongodb_uri=uri, database=database, time_zone=ZONE, school_name="Test school")


class School:
    """The app's database. A write here reaches the screens as a change from outside."""

    def __init__(self, db: BookingDatabase) -> None:
        self.db = db
        self._tokens: dict[str, str] = {}

    def reset(self) -> None:
        """Restores the small school of ``support`` and its four accounts, without bookings."""
        self.clear()
        open_school(self.db)
        for who in ACCOUNTS:
            with suppress(AlreadyExists):
                add_account(self.db, Account(who.id, who.name, who.role))

    def token(self, account_id: str) -> str:
        """Returns a session token of this account; one session serves all windows of a test run."""
        if account_id not in self._tokens:
            self._tokens[account_id] = open_session(self.db, account_id)
        return self._tokens[account_id]

    def forget_tokens(self) -> None:
        """Forgets the sessions after a sign-out: the next window begins a new session."""
        self._tokens.clear()

    def clear(self) -> None:
        """Removes everything but accounts and their sessions."""
        # First who waits: the app gives them what is free once the bookings are gone.
        self.db["waiting"].delete_many({})
        # And last the notices: the app may be writing those of the bookings that go.
        for name in sorted(VALIDATORS.keys() - _KEPT, key=lambda name: name == "notices"):
            self.db[name].delete_many({})
        changed = {"grounds": 1, "students": 1, "accounts": 1}
        chosen = dict.fromkeys(("policy", "week_a"), "")
        self.db["meta"].delete_many({"_id": {"$in": ["student_columns", "booking_columns"]}})
        self.db["meta"].update_one({"_id": "revision"}, {"$inc": changed, "$unset": chosen})

    def drop(self) -> None:
        """Drops the database, if the server is still running."""
        with suppress(PyMongoError):
            self.db.client.drop_database(self.db.name)
        self.db.client.close()

    def book(self, *, by: Actor = JOSEPH, **request: Any) -> Booking:
        """Books directly in the database; by default for today."""
        request.setdefault("on", today())
        return booked(self.db, by=by, now=datetime.now(UTC), **request)

    @contextmanager
    def recorded(self) -> Iterator[list[dict[str, Any]]]:
        """Records the commands that reach this database in the block; fills the list at its end.

        The server's profiler records them, so no command escapes. The change feed's own reads are
        left out.
        """
        entries: list[dict[str, Any]] = []
        self.db.command("profile", 2)
        try:
            yield entries
        finally:
            self.db.command("profile", 0)
            entries += self.db["system.profile"].find(
                {
                    "op": {"$ne": "getmore"},
                    "command.profile": {"$exists": False},
                    "ns": {"$ne": f"{self.db.name}.system.profile"},
                }
            )
            self.db["system.profile"].drop()


def insert_commands(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the recorded attempts to store a booking, which are upserts."""
    writes = [e for e in entries if e["op"] == "update" and e["ns"].endswith(".bookings")]
    return [e for e in writes if e["command"].get("upsert")]


def is_of_no_screen(entry: dict[str, Any]) -> bool:
    """Whether a recorded command is one of the app itself: its search, once a minute, for requests
    that lapse or for erasures to finish, or what it does for the waiting list and for notices after
    each change, and once a minute."""
    command = entry["command"]
    condition = command.get("filter", {})
    lapses = condition.get("status") == "Pending" and "$lte" in str(condition.get("date"))
    waits = command.get("find") == "waiting" and condition.get("date") is None
    waits |= command.get("find") == "waiting" and "$gte" in str(condition.get("date"))
    told = condition.get("_id") == "notices" or "updated_at" in condition
    told |= command.get("q", {}).get("_id") == "notices"
    return lapses or "due" in condition or waits or told


class AppServer:
    """``streamlit run app.py`` on a free port; its log is a file.

    ``school`` is its database if the test controls it; the demo accounts enter an embedded one.
    """

    by_port: dict[int, AppServer] = {}

    def __init__(
        self,
        home: Path,
        environment: dict[str, str],
        school: School | None = None,
        secrets: str = "",
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        base = environment.get("STREAMLIT_SERVER_BASE_URL_PATH", "")
        self.url = f"http://127.0.0.1:{self.port}/{base}".rstrip("/")
        self.log = home / "app.log"
        self.school, self._is_demo = school, "MONGODB_URI" not in environment
        self.by_port[self.port] = self
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_APP_SETTINGS)}
        self._environment = kept | {"HOME": str(home), "SCHOOL_TIME_ZONE": ZONE} | environment
        if secrets:  # with the app's own address in it
            (home / ".streamlit").mkdir(exist_ok=True)
            text = secrets.format(app=self.url)
            (home / ".streamlit" / "secrets.toml").write_text(text, encoding="utf-8")
        self.start()

    def start(self) -> None:
        """Starts the app; returns when it answers."""
        self._demo_cookies: dict[str, str] = {}
        with self.log.open("ab") as log:
            self._log_begins = log.tell()
            streamlit = (sys.executable, "-m", "streamlit")
            self._process = subprocess.Popen(
                [*streamlit, "run", "app.py", "--server.port", str(self.port)],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            eventually(self._answers, within=60)
        except BaseException:
            self.close()
            raise

    def token(self, account_id: str) -> str | None:
        """Returns a session token of this account; None while nobody can sign in."""
        if self.school is not None:
            return self.school.token(account_id)
        if not self._is_demo:
            return None
        with httpx.Client(timeout=HTTP_SECONDS, headers=SAME_ORIGIN) as browser:
            if not self._demo_cookies:
                browser.get(self.demo_link())
                self._demo_cookies = dict(browser.cookies)
            browser.cookies.update(self._demo_cookies)
            answer = browser.post(f"{self.url}/signin/demo", data={"account": account_id})
        return answer.cookies[COOKIE]

    def demo_link(self) -> str:
        """Returns the newest link to the demo on the console, with the host of ``url``."""

        def newest() -> str:
            shown = self.log.read_bytes()[self._log_begins :].decode()
            return (DEMO_LINK.findall(shown) or [""])[-1]

        return f"http://127.0.0.1:{self.port}/{eventually(newest)}"

    def kill(self) -> None:
        """Kills the process as ``kill -9`` does."""
        self._process.kill()
        self._process.wait(10)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Suspends the server inside the block."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def sign_in_browser(context: BrowserContext, url: str, who: str = MEERA.name) -> None:
    """Signs a browser in at the app of ``url``, with the account whose name contains ``who``."""
    parts = urlsplit(url)
    [account_id] = [account.id for account in ACCOUNTS if who in account.name]
    token = AppServer.by_port[parts.port or 0].token(account_id)
    if token is not None:
        address = f"{parts.scheme}://{parts.netloc}"
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])


@contextmanager
def running_app(
    home: Path, uri: str, *, secrets: str = "", **environment: str
) -> Iterator[tuple[AppServer, School]]:
    """Runs an app on a separate school; removes both afterwards."""
    database = f"browser_{uuid4().hex[:12]}"
    school = School(connect(settings_for(uri, database)))
    school.reset()
    ours = {"MONGODB_URI": uri, "MONGODB_DATABASE": database, "SCHOOL_NAME": "Test school"}
    app = AppServer(home, ours | environment, school, secrets)
    try:
        yield app, school
    finally:
        app.close()
        school.drop()
