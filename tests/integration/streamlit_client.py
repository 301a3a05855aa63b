"""A client of Streamlit's own WebSocket, without a browser."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect as open_socket

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer

from pages.shared.live.address import COOKIE

# Names that only signed-in users may see.
SECRETS = ("Student 1", "Meera Nair", "Joseph Mathew", "Anand Rao", "Farah Sheikh")


def messages_sent(
    app: AppServer, token: str | None, page: str, headers: Mapping[str, str] | None = None
) -> str:
    """Returns all messages that Streamlit sends to a client that requests ``page``, as text."""
    cookie = {"Cookie": f"{COOKIE}={token}"} if token else {}
    headers = cookie | dict(headers or {})
    url = app.url.replace("http", "ws", 1) + "/_stcore/stream"
    message, texts = BackMsg(), []
    message.rerun_script.page_name = page
    # On Bookings staff begin with their own.
    message.rerun_script.query_string = "whose=everybody"
    with open_socket(
        url, subprotocols=["streamlit"], additional_headers=headers, max_size=None
    ) as socket:
        for _ in range(2):  # the first run may switch to another page
            socket.send(message.SerializeToString())
            while True:
                answer = ForwardMsg.FromString(socket.recv(timeout=20))
                texts.append(str(answer))
                if answer.WhichOneof("type") == "script_finished":
                    break
    return "".join(texts)


def is_redirected(sent: str) -> bool:
    """Whether the messages hold the redirect to sign-in and nothing else of a screen."""
    return "leave" in sent and not any(secret in sent for secret in (*SECRETS, "day_grid"))
