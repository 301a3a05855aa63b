"""Values of components are input: a client can send others than the buttons on its screen do."""

from __future__ import annotations

import contextlib
import json
import sys
import time as clock
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, School, running_app, tomorrow

from pages.shared.live.address import COOKIE

MARKS = "e" + "\u0301\u0323" * 60_000
WRONG = [MARKS, 5, True, None, [], {}, {"a": {}}]


@pytest.fixture(scope="module")
def running(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as both:
        yield both


class Screen:
    """A screen as Streamlit's WebSocket sends it, and a client that answers what it likes."""

    def __init__(self, socket: ClientConnection, page: str, query: str = "") -> None:
        self._socket, self._page, self._query = socket, page, query
        self.drawn = ""
        self._run()
        self._run()  # the first run may switch to another page

    def _run(self, id: str = "", value: str = "") -> None:
        message = BackMsg()
        message.rerun_script.page_name = self._page
        message.rerun_script.query_string = self._query
        if id:
            states = message.rerun_script.widget_states.widgets
            states.add(id=id, json_value="{}")
            states.add(id=_make_trigger_id(id, "events"), json_trigger_value=value)
        self._socket.send(message.SerializeToString())
        self.deltas = []
        while True:
            answer = ForwardMsg.FromString(self._socket.recv(timeout=20))
            if answer.WhichOneof("type") == "delta":
                self.deltas.append(answer.delta)
            if answer.WhichOneof("type") == "script_finished" and answer.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
            ):
                return

    def send(self, component: str, event: str, value: object) -> None:
        """Runs the screen with ``value`` as that of a press in the component."""
        protos = [d.new_element.bidi_component for d in self.deltas]
        id = next(p.id for p in protos if p.component_name.endswith(component))
        payload = json.dumps([{"event": event, "value": value}])
        self._run(id, payload)

    @property
    def text(self) -> str:
        return "".join(map(str, self.deltas))

    @property
    def has_failed(self) -> bool:
        return any(d.new_element.WhichOneof("type") == "exception" for d in self.deltas)


@contextlib.contextmanager
def open_screen(running: tuple[AppServer, School], page: str, query: str = "") -> Iterator[Screen]:
    app, school = running
    url = app.url.replace("http", "ws", 1) + "/_stcore/stream"
    with open_socket(
        url,
        subprotocols=["streamlit"],
        additional_headers={"Cookie": f"{COOKIE}={school.token('joseph')}"},
        max_size=None,
    ) as socket:
        yield Screen(socket, page, query)


@pytest.fixture(scope="module")
def listed(running: tuple[AppServer, School]) -> str:
    return running[1].book(student=1, start=14, on=tomorrow()).id


@pytest.mark.parametrize(
    "value",
    [
        *WRONG,
        {"action": "details"},
        {"action": "details", "ids": []},
        {"action": "details", "ids": [{}]},
        {"action": "details", "ids": MARKS},
        {"action": "details", "ids": [MARKS]},
        {"action": "details", "ids": ["of-another-list"]},
        {"action": MARKS, "ids": ["LISTED"]},
        {"action": ["details"], "ids": ["LISTED"]},
        {"action": "details", "ids": ["LISTED"] * 2},
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_a_value_that_no_button_of_the_list_sends_is_dropped(running, listed, value):
    if isinstance(value, dict) and "ids" in value:
        value = json.loads(json.dumps(value).replace("LISTED", listed))
    with open_screen(running, "bookings") as screen:
        before = screen.text.count("dialog")
        began = clock.perf_counter()

        screen.send("list", "act", value)

        assert clock.perf_counter() - began < 3
        assert not screen.has_failed
        assert screen.text.count("dialog") == before


def test_a_press_of_a_button_on_the_list_opens_its_dialog(running, listed):
    with open_screen(running, "bookings") as screen:
        screen.send("list", "act", {"action": "details", "ids": [listed]})

        assert "dialog" in screen.text


WRONG_CELLS = [
    *WRONG,
    {"ground": "ground-1"},
    {"ground": "ground-1", "start": "14:00"},
    {"ground": ["ground-1"], "date": f"{tomorrow()}", "start": "14:00"},
    {"ground": MARKS, "date": f"{tomorrow()}", "start": "14:00"},
    {"ground": "ground-of-nobody", "date": f"{tomorrow()}", "start": "14:00"},
    {"ground": "ground-1", "date": f"{tomorrow()}", "start": MARKS},
    {"ground": "ground-1", "date": f"{tomorrow()}", "start": "14"},
    {"ground": "ground-1", "date": f"{tomorrow()}", "start": "14:00+01:00"},
    {"ground": "ground-1", "date": MARKS, "start": "14:00"},
    {"ground": "ground-1", "date": "2020-01-01", "start": "14:00"},
    {"ground": "ground-of-nobody", "date": "2020-01-01", "start": ""},
]


@pytest.mark.parametrize("value", WRONG_CELLS, ids=lambda value: ascii(value)[:50])
def test_a_cell_that_is_not_of_the_board_is_not_picked(running, value):
    with open_screen(running, "book", f"date={tomorrow()}") as screen:
        screen.send("day_grid", "pick", value)

        assert not screen.has_failed
        assert '"picked":null' in screen.text.replace("\\", "")


def test_a_cell_of_the_board_is_picked(running):
    with open_screen(running, "book", f"date={tomorrow()}") as screen:
        screen.send(
            "day_grid", "pick", {"ground": "ground-1", "date": f"{tomorrow()}", "start": "15:00"}
        )

        assert '"picked":{"ground":"ground-1"' in screen.text.replace("\\", "")


@pytest.mark.parametrize(
    "value", [*WRONG, "", MARKS, "2020-01-01", "9999-12-31"], ids=lambda value: ascii(value)[:50]
)
def test_a_day_that_is_not_of_the_strip_is_not_shown(running, value):
    with open_screen(running, "book", f"date={tomorrow()}") as screen:
        screen.send("day_strip", "pick", value)

        assert not screen.has_failed
        assert f'"chosen": "{tomorrow()}"' in screen.text.replace("\\", "")


@pytest.mark.parametrize("value", WRONG_CELLS, ids=lambda value: ascii(value)[:50])
def test_a_press_beside_the_cells_of_the_school_does_no_harm(running, value):
    with open_screen(running, "book", f"view=school&date={tomorrow()}") as screen:
        screen.send("school_grid", "pick", value)

        assert not screen.has_failed
        assert MARKS not in screen.text
        assert "inset_slot" not in screen.text  # no slot is picked
