"""Undocumented functions of Streamlit that the dashboard calls behave as it expects."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit import config, net_util, runtime
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.backend_operation_handler import DeferredFileHandler
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server.starlette import (
    starlette_routes,
    starlette_server,
    starlette_websocket,
)
from uvicorn.config import WS_PROTOCOLS
from uvicorn.importer import import_from_string
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from pages.shared.live import streamlit_internals

ALLOWED = "https://grounds.example.org"
ROOT = Path(__file__).parents[2]
PRINT = "from pages.shared.live.streamlit_internals import auth_section; print(auth_section())"


@pytest.mark.parametrize(
    ("secrets", "section"),
    [
        (None, "{}"),
        ("SCHOOL_NAME = 'Hill'\n", "{}"),
        ("[auth]\nclient_id = 'grounds'\n", "{'client_id': 'grounds'}"),
    ],
)
def test_the_section_auth_is_read_without_an_error_where_there_is_none(tmp_path, secrets, section):
    if secrets is not None:
        (tmp_path / ".streamlit").mkdir()
        (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets, encoding="utf-8")
    environment = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}

    shown = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.strip() == section


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("http://localhost:8501", True),
        (ALLOWED, True),
        ("https://elsewhere.example.org", False),
    ],
)
def test_origins_are_this_host_and_those_of_the_configuration(monkeypatch, origin, is_allowed):
    options = {"server.enableCORS": True, "server.corsAllowedOrigins": [ALLOWED]}
    others = config.get_option
    monkeypatch.setattr(
        config, "get_option", lambda name: options[name] if name in options else others(name)
    )
    monkeypatch.setattr(net_util, "get_external_ip", lambda: "192.0.2.1")

    assert streamlit_internals.is_url_from_allowed_origins(origin) is is_allowed


def test_an_uploaded_file_is_found_and_dropped_by_its_ids(monkeypatch):
    files = MemoryUploadedFileManager("/_stcore/upload_file")
    instance = SimpleNamespace(uploaded_file_mgr=files)
    monkeypatch.setattr(streamlit_internals, "get_instance", lambda: instance)
    files.add_file("session", UploadedFileRec("file", "a.csv", "text/csv", b"x"))

    assert isinstance(runtime.Runtime.uploaded_file_mgr, property)
    assert streamlit_internals.is_uploaded("session", "file")
    assert not streamlit_internals.is_uploaded("other", "file")
    streamlit_internals.drop_upload("session", "file")
    assert not streamlit_internals.is_uploaded("session", "file")


def test_files_are_uploaded_to_the_route_that_is_guarded():
    files = MemoryUploadedFileManager("/unused")

    for route in starlette_routes.create_upload_routes(None, files, None):
        assert route.path == streamlit_internals.UPLOAD_ROUTE + "/{session_id}/{file_id}"


def test_screens_connect_to_the_route_whose_places_are_counted():
    [route] = starlette_websocket.create_websocket_routes(None, None)

    assert route.path == streamlit_internals.STREAM_ROUTE


def test_a_download_that_a_button_makes_is_reported_with_the_headers_of_its_screen(monkeypatch):
    made, headers = [], [("cookie", "a=b"), ("host", "grounds.example.org")]
    context = SimpleNamespace(client_context=SimpleNamespace(headers=headers))
    files = MediaFileManager(MemoryMediaFileStorage("/media"))
    instance = SimpleNamespace(media_file_mgr=files, get_client={"dontcare": context}.get)
    monkeypatch.setattr(streamlit_internals, "get_instance", lambda: instance)
    monkeypatch.setattr(MediaFileManager, "execute_deferred", MediaFileManager.execute_deferred)
    streamlit_internals.report_downloads(lambda file_id, shown: made.append((file_id, shown)))
    asked = files.add_deferred(lambda: b"1,2", "text/csv", "here", "a.csv")

    address = DeferredFileHandler(lambda: files)._get_media_file_mgr().execute_deferred(asked)

    [(file_id, shown)] = made
    assert (address, shown) == (f"/media/{file_id}.csv", dict(headers))
    assert streamlit_internals.is_download_kept(file_id)
    assert not streamlit_internals.is_download_kept("other")
    assert inspect.signature(runtime.Runtime.get_client).parameters.keys() == {"self", "session_id"}


def test_requests_for_a_run_say_whether_back_caused_them_and_name_screen_and_address():
    names = inspect.signature(AppSession.request_rerun).parameters
    fields = {field.name for field in BackMsg().rerun_script.DESCRIPTOR.fields}

    assert len(names) == 2
    assert {"is_history_navigation", "page_script_hash", "query_string"} <= fields


def test_the_server_keeps_fragments_where_they_are_limited():
    chosen = WS_PROTOCOLS[starlette_server._get_websocket_protocol()]

    assert import_from_string(chosen) is WebSocketsSansIOProtocol


def test_the_heartbeat_of_the_live_client_is_that_of_streamlit_and_is_answered():
    script = (ROOT / "pages/shared/components/assets/live_client.js").read_text(encoding="utf-8")
    [numbers] = re.findall(r"STREAM_HEARTBEAT = new Uint8Array\(\[([\d, ]+)\]\)", script)
    message = BackMsg.FromString(bytes(int(number) for number in numbers.split(",")))

    assert message == BackMsg(app_heartbeat=True)
    assert f'STREAM_ROUTE = "{streamlit_internals.STREAM_ROUTE}"' in script
    assert "heartbeat_ack = True" in inspect.getsource(AppSession)


FINISHED = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
INTERRUPTED = ForwardMsg.FINISHED_EARLY_FOR_RERUN


def of_fragment(fragment_id: str, place: int) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.append(place)
    message.delta.fragment_id = fragment_id
    message.delta.new_element.markdown.body = "text"
    return message


@pytest.mark.parametrize(
    ("begins", "said"),
    [(["other"], FINISHED), (["same"], INTERRUPTED), (["other", "same"], INTERRUPTED)],
)
@pytest.mark.parametrize("sent", [0, 1], ids=["nothing sent", "elements sent"])
def test_a_run_that_has_finished_is_said_to_be_interrupted_only_if_elements_were_dropped(
    monkeypatch, begins, said, sent
):
    """Without it the browser keeps elements that a fragment does not draw any more."""
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)
    streamlit_internals.keep_finished_runs()
    queue = ForwardMsgQueue()
    elements = [of_fragment("same", 0), of_fragment("same", 1)]
    for message in elements[2 * sent :]:
        queue.enqueue(message)
    queue.enqueue(ForwardMsg(script_finished=FINISHED))

    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=begins)

    [finished] = [m for m in queue._queue if m.WhichOneof("type") == "script_finished"]
    # Where all elements were sent, there is nothing to drop.
    assert finished.script_finished == (FINISHED if sent else said)


def test_streamlit_still_changes_the_end_of_a_run_when_another_begins():
    """Else ``keep_finished_runs`` is needed no more."""
    queue = ForwardMsgQueue()
    queue.enqueue(ForwardMsg(script_finished=FINISHED))

    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["other"])

    assert [m.script_finished for m in queue._queue] == [INTERRUPTED]
