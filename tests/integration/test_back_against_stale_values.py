"""Back of the browser decides what a screen shows, whatever older values arrive after it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import ADMIN, HEAD, AppServer, running_app, tomorrow

from booking_core import Actor, Ground, save_ground
from pages.book import draft
from pages.bookings import view
from pages.shared.live.address import COOKIE

# Address of a tab of Approvals -> what the tab says while it is empty.
TABS = {
    "": "Nothing is waiting",
    "tab=upcoming": "Nothing approved lies ahead",
    "tab=decided": "Nothing was decided lately",
}


# Screen, who opens it, and the addresses of the values of its fields.
FIELDS = {
    "book": (
        HEAD,
        [
            "view=week&ground=ground-1",
            "view=school",
            f"date={tomorrow()}",
            "free=14%3A00",
            "game=Cricket",
        ],
    ),
    "bookings": (
        HEAD,
        [
            "search=Student+1",
            "whose=mine",
            "when=past",
            "order=asked",
            f"from={tomorrow()}&to={tomorrow()}",
            "ground=ground-2",
            "status=approved",
            "class=2-A",
        ],
    ),
    "approvals": (HEAD, ["tab=upcoming", "tab=decided"]),
    "admin": (ADMIN, ["section=year", "section=audit"]),
}


@pytest.fixture(scope="module")
def app(mongod_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as (running, school):
        for n in range(4, 10):  # with so many, Book has a choice of games
            save_ground(school.db, Ground(f"ground-{n}", f"Ground {n}", ("Cricket", "Hockey")))
        yield running


@pytest.fixture
def open_screen(app: AppServer) -> Iterator[Callable[[str, Actor], Screen]]:
    with contextlib.ExitStack() as sockets:

        def open_one(page: str, who: Actor) -> Screen:
            url = app.url.replace("http", "ws", 1) + "/_stcore/stream"
            cookie = {"Cookie": f"{COOKIE}={app.token(who.id)}"}
            socket = open_socket(
                url, subprotocols=["streamlit"], additional_headers=cookie, max_size=None
            )
            return Screen(sockets.enter_context(socket), page)

        yield open_one


class Screen:
    """A screen as a browser has it: its address, its fields, and the live part with its text."""

    def __init__(self, socket: ClientConnection, page: str) -> None:
        self._socket, self._name = socket, page
        self._page = self._part = self.text = ""
        self._fields: dict[str, WidgetState] = {}
        self.address: str | None = None

    def ask(self, address: str, *, is_back: bool = False, is_live: bool = False) -> None:
        """Requests a run, as a browser at ``address`` does; a live update runs the live part."""
        message = BackMsg()
        asked = message.rerun_script
        asked.page_script_hash, asked.page_name = self._page, "" if self._page else self._name
        asked.query_string, asked.is_history_navigation = address, is_back
        asked.fragment_id = self._part if is_live else ""
        asked.widget_states.widgets.extend(self._fields.values())
        self._socket.send(message.SerializeToString())

    def open(self, page: str) -> None:
        """Requests a run of another screen, whose address has no parameters."""
        self._name, self._page, self.address = page, "", None
        self._fields.clear()
        self.ask("")

    def wait_for(self, address: str) -> None:
        """Reads messages until the screen shows the tab of ``address``, and its run is over."""
        while True:
            kind = self._read()
            is_shown = (self.address, self.text) == (address, TABS[address])
            if kind == "script_finished" and is_shown:
                return

    def wait_for_run(self) -> None:
        """Reads messages until a run begins."""
        while self._receive().WhichOneof("type") != "new_session":
            pass

    def wait_for_end(self, *, has_arrived: bool = True) -> None:
        """Reads messages until a run is over; if not ``has_arrived``, the screen stays as it is."""
        while not _ends_a_run(message := self._receive()):
            if has_arrived:
                self._draw(message)

    def _read(self) -> str | None:
        message = self._receive()
        self._draw(message)
        return message.WhichOneof("type")

    def _receive(self) -> ForwardMsg:
        return ForwardMsg.FromString(self._socket.recv(timeout=10))

    def _draw(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.address = message.page_info_changed.query_string
        elif kind == "delta":
            element = message.delta.new_element
            if (field := _state_of(element)) is not None:
                self._fields[field.id] = field
            if element.HasField("button_group"):
                self._part = message.delta.fragment_id
            for text in TABS.values():
                if text in element.markdown.body:
                    self.text = text


def _ends_a_run(message: ForwardMsg) -> bool:
    is_end = message.WhichOneof("type") == "script_finished"
    return is_end and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY


def _state_of(element: Element) -> WidgetState | None:
    """The value that a browser sends for a field; None for another element."""
    kind = element.WhichOneof("type")
    if kind not in ("button_group", "selectbox", "text_input", "date_input"):
        return None
    field = getattr(element, kind)
    state = WidgetState(id=field.id)
    if kind == "button_group":
        state.string_array_value.data.extend(field.raw_values)
    elif kind == "date_input":
        state.string_array_value.data.extend(field.value)
    elif kind == "text_input":
        state.string_value = field.value
    elif field.raw_value:
        state.string_value = field.raw_value
    return state


def test_every_parameter_of_an_address_that_has_a_field_is_tried_below() -> None:
    tried = {name: parse_qs("&".join(addresses)).keys() for name, (_, addresses) in FIELDS.items()}

    # The pick of a slot, also of one to wait for, has no field.
    assert tried["book"] | {"from", "to", "wait"} == set(draft.PARAMETERS)
    assert tried["bookings"] | {"page"} == set(view.PARAMETERS)


@pytest.mark.parametrize(
    ("name", "before", "asked"),
    [
        (name, *pair)
        for name, (_, addresses) in FIELDS.items()
        for address in addresses
        for pair in (("", address), (address, ""))
    ],
)
def test_no_field_is_set_back_by_a_request_that_the_browser_sends_before_it_has_the_answer_to_back(
    open_screen: Callable[[str, Actor], Screen], name: str, before: str, asked: str
) -> None:
    screen = open_screen(name, FIELDS[name][0])
    screen.ask(before)
    screen.wait_for_end()
    assert (screen.address or "") == before  # a screen without parameters sends none

    screen.ask(asked, is_back=True)
    screen.wait_for_end(has_arrived=False)
    screen.ask(before)  # with the fields of before
    screen.wait_for_end()

    assert screen.address == asked


@pytest.mark.parametrize("name", list(FIELDS))
def test_a_screen_that_has_had_no_parameters_sends_no_empty_address(
    open_screen: Callable[[str, Actor], Screen], name: str
) -> None:
    """After a quick Back, an empty address would take the place of the one that is shown then."""
    who, [address, *_] = FIELDS[name]
    screen = open_screen(name, who)

    for _ in range(2):
        screen.ask("")
        screen.wait_for_end()
        assert screen.address is None
    screen.ask(address, is_back=True)
    screen.wait_for_end()
    assert screen.address == address
    other = "bookings" if name == "book" else "book"
    screen.open(other)
    screen.wait_for_end()
    assert screen.address is None


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("is_begun", [True, False])
def test_back_wins_over_a_request_that_the_browser_sends_before_it_knows_the_answer(
    open_screen: Callable[[str, Actor], Screen], is_begun: bool, is_live: bool
) -> None:
    screen = open_screen("approvals", HEAD)
    screen.ask("tab=decided")
    screen.wait_for("tab=decided")

    for address in [*TABS, *reversed(TABS)] * 2:
        screen.address = None  # an earlier message may have changed it meanwhile
        screen.ask(address, is_back=True)
        if is_begun:
            screen.wait_for_run()
        screen.ask(address, is_live=is_live)
        screen.wait_for(address)
