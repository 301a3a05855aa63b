"""Ten minutes in place of weeks: ``make soak`` ends with 1 after a leak, a hang or stale data.

One booking a second, viewers that open and close, a wall display in a browser, two midnights.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import sys
import tempfile
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import sleep

import psutil
from playwright.sync_api import CDPSession, Page, sync_playwright

from booking_core import Actor, BookingRequest, Conflict, Role, RuleBroken, book, cancel
from booking_core.embedded import server as mongod
from booking_core.storage.client.database import BookingDatabase
from scripts.browser import FLAGS

from .crowd import Crowd
from .measure import clock, median, say
from .screens import GROUNDS, HOURS, app, create_screens, session_token

VIEWERS, MOST = 10, 20
WARM = 60  # seconds after which no number may grow any more
GROWTH = 0.05  # of memory, between the end of the first minute and the end
GAME = "Football"
_STAFF = Actor("meera", Role.STAFF, "Meera Nair")
_TO_MIDNIGHT = 100.0  # seconds before each midnight at which the app's clock is set


class Soak:
    """One run with its events and measurements."""

    def __init__(self, db: BookingDatabase, environment: dict[str, str], seconds: float) -> None:
        self.db, self.environment, self.seconds = db, environment, seconds
        zone = db.booking_settings.zone
        # Both midnights are later than the database's own clock.
        evening = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        self.midnights = [evening + timedelta(days=n) for n in (1, 2)]
        self.held: list[str] = []
        self.made = self.refused = 0
        self.faults: list[str] = []

    def run(self) -> bool:
        moments = [midnight.timestamp() - _TO_MIDNIGHT for midnight in self.midnights]
        command = ["benchmarks.soak_app", *map(str, (*moments, self.seconds / 2))]
        with (
            app(command, self.environment) as (port, process),
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(
                executable_path=os.environ["CHROMIUM"],
                args=FLAGS,
            )
            page = browser.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
            page.goto(f"http://127.0.0.1:{port}/wall")
            page.wait_for_function("window.groundBookingHeartbeat?.by === 'push'", timeout=60_000)
            heap = page.context.new_cdp_session(page)
            heap.send("HeapProfiler.enable")
            # A session of the second evening is valid on both evenings of the app's clock.
            crowd = Crowd(
                port,
                session_token(self.db, datetime.fromtimestamp(moments[1], UTC)),
                "book",
                "",
                15,
            )
            try:
                return self._go(crowd, page, heap, process, port)
            finally:
                crowd.close()
                browser.close()

    def _go(
        self, crowd: Crowd, page: Page, heap: CDPSession, process: psutil.Process, port: int
    ) -> bool:
        begun, dice, slots = (
            clock(),
            random.Random(1),
            itertools.cycle(itertools.product(range(GROUNDS), HOURS)),
        )
        memory: list[tuple[float, float]] = []
        held: list[float] = []
        days: list[str] = []
        crowd.grow(MOST)  # the largest number of viewers is in the first minute
        for second in itertools.count(1):
            if (at := clock() - begun) > self.seconds:
                break
            self._change(next(slots))
            if second % 10 == 5:
                crowd.shrink(dice.randint(VIEWERS // 2, VIEWERS))
                crowd.grow(dice.randint(VIEWERS, MOST))
            day = page.locator("header .date").inner_text()
            if day not in days:
                say(f"{at:4.0f} s: the wall shows {day}")
                days.append(day)
            if second % 10 == 0:
                heap.send("HeapProfiler.collectGarbage")
                used = float(heap.send("Runtime.getHeapUsage")["usedSize"])
                memory.append((at, process.memory_info().rss))
                say(
                    f"{at:4.0f} s: server {memory[-1][1] / 2**20:.0f} MB, "
                    f"wall {used / 2**20:.1f} MB, {len(crowd.viewers)} viewers, {self.made} booked"
                )
            if second == min(WARM, int(self.seconds / 2)):
                held.append(_held(heap))
            sleep(max(0.0, begun + second - clock()))
        crowd.shrink(VIEWERS)
        crowd.grow(VIEWERS)
        held.append(_held(heap))
        return self._judge(memory, held, days, page, process, port)

    def _change(self, slot: tuple[int, int]) -> None:
        """Makes a booking on the day that the app takes for today, or on the next."""
        ground, hour = slot
        day = (self.midnights[0] + timedelta(days=self.made % 2)).date()
        request = BookingRequest(
            f"ground-{ground}",
            day,
            time(hour),
            time(hour + 1),
            f"S{self.made % 120:03d}",
            "Football",
        )
        try:
            self.held.append(book(self.db, request, by=_STAFF).id)
            self.made += 1
        except (Conflict, RuleBroken):
            self.refused += 1
        if len(self.held) > 60:
            with contextlib.suppress(Conflict):  # requests lapse at midnight
                cancel(self.db, self.held.pop(0), by=_STAFF)

    def _judge(
        self,
        memory: list[tuple[float, float]],
        held: list[float],
        days: list[str],
        page: Page,
        process: psutil.Process,
        port: int,
    ) -> bool:
        start = [m for at, m in memory if 50 <= at <= 90] or [memory[0][1]]
        end = [m for _, m in memory[-4:]]
        rows = []
        for name, before, after in (
            ("server", median(start), median(end)),
            ("wall's page", held[0], held[-1]),
        ):
            grown = after / before - 1
            rows.append((f"memory of the {name}", f"{grown:+.1%}", grown <= GROWTH))
        rows.append(("days on the wall", ", ".join(days), len(days) == 1 + len(self.midnights)))
        # A session and a live connection for each viewer and for the wall.
        expected = 2 * (VIEWERS + 1)
        deadline = clock() + 30
        while (found := _connections(process, port)) != expected and clock() < deadline:
            sleep(0.5)
        rows.append(("connections at the end", f"{found} of {expected}", found == expected))
        live = page.evaluate("window.groundBookingHeartbeat.live") is True
        rows.append(("the wall is live", str(live), live))
        rows.append(("bookings made", str(self.made), self.made > self.seconds * 0.7))
        for name, value, holds in rows:
            print(f"{name:28} {value:44} {'holds' if holds else 'MISSED'}")
        return all(holds for _, _, holds in rows)


def _held(heap: CDPSession) -> float:
    """Returns the bytes of the page's heap: objects of its scripts and of the browser for them.

    Compiled code is excluded: the engine compiles and discards code that runs often, and that is no
    growth of the page.
    """
    chunks: list[str] = []

    def keep(event: dict[str, str]) -> None:
        chunks.append(event["chunk"])

    heap.on("HeapProfiler.addHeapSnapshotChunk", keep)
    heap.send("HeapProfiler.collectGarbage")
    heap.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    heap.remove_listener("HeapProfiler.addHeapSnapshotChunk", keep)
    snapshot = json.loads("".join(chunks))
    nodes, meta = snapshot["nodes"], snapshot["snapshot"]["meta"]
    fields = meta["node_fields"]
    code = meta["node_types"][fields.index("type")].index("code")
    kinds = nodes[fields.index("type") :: len(fields)]
    sizes = nodes[fields.index("self_size") :: len(fields)]
    return float(sum(size for kind, size in zip(kinds, sizes, strict=True) if kind != code))


def _connections(process: psutil.Process, port: int) -> int:
    return sum(
        link.status == psutil.CONN_ESTABLISHED and link.laddr.port == port
        for link in process.net_connections("tcp")
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    seconds = parser.parse_args().seconds
    with (
        tempfile.TemporaryDirectory(prefix="ground-booking-soak-") as directory,
        mongod.start(Path(directory)) as server,
    ):
        db, environment = create_screens(server.uri)
        return 0 if Soak(db, environment, seconds).run() else 1


if __name__ == "__main__":
    sys.exit(main())
