"""Back of the browser decides what a screen shows, whatever else arrives in the same moment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import HEAD, AppServer, running_app

from pages.shared.live.address import COOKIE

# Address of a tab of Approvals -> what the tab says while it is empty.
TABS = {
    "": "Nothing is waiting",
    "tab=upcoming": "Nothing approved lies ahead",
    "tab=decided": "Nothing was decided lately",
}


@pytest.fixture(scope="module")
def app(mongod_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as (running, _):
        yield running


@pytest.fixture
def screen(app: AppServer) -> Iterator[Screen]:
    url = app.url.replace("http", "ws", 1) + "/_stcore/stream"
    cookie = {"Cookie": f"{COOKIE}={app.token(HEAD.id)}"}
    with open_socket(
        url, subprotocols=["streamlit"], additional_headers=cookie, max_size=None
    ) as socket:
        yield Screen(socket)


class Screen:
    """Approvals as a browser has it: its address, its tab field, its live part and its text."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._page = self._part = self._field = self._choice = self.text = ""
        self.address: str | None = None

    def ask(self, address: str, *, is_back: bool = False, is_live: bool = False) -> None:
        """Requests a run, as a browser at ``address`` does; a live update runs the live part."""
        message = BackMsg()
        asked = message.rerun_script
        asked.page_script_hash, asked.page_name = self._page, "" if self._page else "approvals"
        asked.query_string, asked.is_history_navigation = address, is_back
        asked.fragment_id = self._part if is_live else ""
        if self._field:
            value = WidgetState(id=self._field)
            value.string_array_value.data.append(self._choice)
            asked.widget_states.widgets.append(value)
        self._socket.send(message.SerializeToString())

    def wait_for(self, address: str) -> None:
        """Reads messages until the screen shows the tab of ``address``, and its run is over."""
        while True:
            message = ForwardMsg.FromString(self._socket.recv(timeout=10))
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self._page = message.navigation.page_script_hash
            elif kind == "page_info_changed":
                self.address = message.page_info_changed.query_string
            elif kind == "delta":
                self._draw(message)
            elif kind == "script_finished" and (self.address, self.text) == (
                address,
                TABS[address],
            ):
                return

    def wait_for_run(self) -> None:
        """Reads messages until a run begins."""
        while True:
            message = ForwardMsg.FromString(self._socket.recv(timeout=10))
            if message.WhichOneof("type") == "new_session":
                return

    def _draw(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        if element.HasField("button_group"):
            field = element.button_group
            self._part = message.delta.fragment_id
            if field.set_value:
                self._choice = field.raw_values[0]
            elif field.id != self._field:
                self._choice = field.options[field.default[0]].content
            self._field = field.id
        for text in TABS.values():
            if text in element.markdown.body:
                self.text = text


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("is_begun", [True, False])
def test_back_wins_over_a_request_that_the_browser_sends_before_it_knows_the_answer(
    screen: Screen, is_begun: bool, is_live: bool
) -> None:
    screen.ask("tab=decided")
    screen.wait_for("tab=decided")

    for address in [*TABS, *reversed(TABS)] * 2:
        screen.address = None  # an earlier message may have changed it meanwhile
        screen.ask(address, is_back=True)
        if is_begun:
            screen.wait_for_run()
        screen.ask(address, is_live=is_live)
        screen.wait_for(address)
