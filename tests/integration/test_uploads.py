"""Uploads: who may send a file to the server, and how much it keeps."""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from support import HTTP_SECONDS, eventually
from websockets.sync.client import connect as open_socket

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import ROOT, AppServer, School, running_app

from booking_core.tables.table import UPLOAD
from pages.shared.auth.uploads import FILES
from pages.shared.live.address import COOKIE

MB = 1024 * 1024
BOUNDARY = "f1f2f3"


@pytest.fixture(scope="module")
def running(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as both:
        yield both


class Uploader:
    """A client with an open screen, its Streamlit session and the cookie against forgery."""

    def __init__(self, app: AppServer, session_id: str, token: str | None) -> None:
        self.path = f"/_stcore/upload_file/{session_id}/"
        self.http = httpx.Client(base_url=app.url, timeout=HTTP_SECONDS)
        self.http.get("/_stcore/host-config")
        self.http.get("/_stcore/health")
        self.http.headers["x-xsrftoken"] = self.http.cookies["_streamlit_xsrf"]
        self.http.headers["content-type"] = f"multipart/form-data; boundary={BOUNDARY}"
        if token is not None:
            self.http.cookies.set(COOKIE, token)

    def put(self, file_id: str, size: int, *, chunked: bool = False) -> int:
        """Sends a file of ``size`` bytes; returns the status, or 0 if the server hung up."""
        body = multipart(size)
        content = chunks(body) if chunked else b"".join(body)
        try:
            return self.http.put(self.path + file_id, content=content).status_code
        except httpx.TransportError:
            return 0

    def delete(self, file_id: str) -> int:
        return self.http.delete(self.path + file_id).status_code


def multipart(size: int) -> list[bytes]:
    head = 'Content-Disposition: form-data; name="file"; filename="a.csv"'
    begin = f"--{BOUNDARY}\r\n{head}\r\nContent-Type: text/csv\r\n\r\n".encode()
    return [begin, b"x" * size, f"\r\n--{BOUNDARY}--\r\n".encode()]


def chunks(parts: list[bytes]) -> Iterator[bytes]:
    for part in parts:
        for start in range(0, len(part), 64 * 1024):
            yield part[start : start + 64 * 1024]


@contextlib.contextmanager
def open_screen(app: AppServer, page: str, token: str | None) -> Iterator[Uploader]:
    """A screen whose WebSocket stays open, so that its files are kept."""
    headers = {"Cookie": f"{COOKIE}={token}"} if token else {}
    url = app.url.replace("http", "ws", 1) + "/_stcore/stream"
    message = BackMsg()
    message.rerun_script.page_name = page
    with open_socket(
        url,
        subprotocols=["streamlit"],
        additional_headers=headers,
        max_size=None,
        max_queue=None,
    ) as screen:
        screen.send(message.SerializeToString())
        answer = ForwardMsg()
        while answer.WhichOneof("type") != "new_session":
            answer = ForwardMsg.FromString(screen.recv(timeout=20))
        client = Uploader(app, answer.new_session.initialize.session_id, token)
        try:
            yield client
        finally:
            client.http.close()


def memory_of(app: AppServer) -> int:
    [process] = [
        p
        for p in psutil.process_iter(["cmdline"])
        if str(app.port) in (p.info["cmdline"] or ()) and "streamlit" in p.info["cmdline"]
    ]
    return int(process.memory_info().rss)


def test_the_largest_request_is_a_little_more_than_the_student_list():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))

    assert config["server"]["maxUploadSize"] * MB == UPLOAD.bytes + MB


@pytest.mark.parametrize("who", [None, "made-up-" + "x" * 40, "meera", "head"])
def test_only_a_signed_in_administrator_uploads(running, who):
    app, school = running
    token = school.token(who) if who in ("meera", "head") else who

    with open_screen(app, "wall", token) as visitor:
        assert visitor.put("file-1", 1000) == 403
        assert visitor.delete("file-1") == 403
        assert visitor.http.options("/_stcore/upload_file/a/b").status_code == 403


def test_a_session_that_has_ended_uploads_nothing(running):
    app, school = running
    token = school.token("admin")
    with open_screen(app, "admin", token) as admin:
        assert admin.put("file-1", 1000) == 204
        headers = {"sec-fetch-site": "same-origin", "content-type": ""}
        admin.http.post("/signout", headers=headers)
        school.forget_tokens()
        admin.http.cookies.set(COOKIE, token)

        assert admin.put("file-2", 1000) == 403


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_larger_than_every_screen_takes_is_refused(running, chunked):
    app, school = running
    with open_screen(app, "admin", school.token("admin")) as admin:
        assert admin.put("file-1", 5 * MB) == 204
        assert admin.put("file-2", 30 * MB, chunked=chunked) in (0, 413)


def test_many_file_ids_keep_a_few_files_in_memory(running):
    app, school = running
    with contextlib.ExitStack() as stay:
        screens = [
            stay.enter_context(open_screen(app, "admin", school.token("admin"))) for _ in range(3)
        ]
        for admin in screens:  # warms up what the first uploads allocate once
            assert admin.put("warm", 5 * MB) == 204
        before = memory_of(app)

        for number in range(20):
            for admin in screens:
                assert admin.put(f"file-{number}", 5 * MB - 1) == 204

        assert memory_of(app) - before < (FILES + 8) * 6 * MB  # of 300 MB sent


def test_unfinished_files_are_counted_too(running):
    app, school = running
    with contextlib.ExitStack() as stay:
        admin = stay.enter_context(open_screen(app, "admin", school.token("admin")))
        request = admin.http.build_request("PUT", admin.path + "x", content=b"")
        request.headers["content-length"] = str(5 * MB)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        links = []
        for number in range(30):
            link = stay.enter_context(socket.create_connection(("127.0.0.1", app.port)))
            link.sendall(f"PUT {admin.path}{number} HTTP/1.1\r\n{head}\r\n".encode())
            link.sendall(b"".join(multipart(MB))[:MB])
            links.append(link)

        refused = eventually(lambda: select.select(links, [], [], 1)[0])

        assert b" 413 " in refused[0].recv(4096).split(b"\r\n")[0]
