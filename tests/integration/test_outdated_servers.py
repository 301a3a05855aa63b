"""CVE-2025-14847: before any login, a message compressed with zlib reads memory of the server."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from replica_sets import Member
from server_processes import connection_to
from test_doctor import finding

from booking_core.embedded import server as mongod
from booking_core.operations import doctor
from booking_core.storage.client import server_info
from booking_core.storage.client.database import BookingDatabase

OP_MSG, OP_COMPRESSED, ZLIB = 2013, 2012, 2


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with mongod.start(tmp_path / "data") as server:
        yield server.address


def sent(address: str, code: int, body: bytes) -> bytes:
    """What the server answers to a message of a client that has not signed in."""
    with connection_to(address, 5) as client:
        client.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, code) + body)
        try:
            head = client.recv(16)
            size = struct.unpack("<i", head[:4])[0] if head else 0
            answer = b""
            while len(answer) < size - 16 and (part := client.recv(65536)):
                answer += part
        except ConnectionResetError:
            return b""
    return answer


def hello(*compressors: str) -> bytes:
    command = {"hello": 1, "compression": list(compressors), "$db": "admin"}
    return struct.pack("<iB", 0, 0) + bson.encode(command)


def test_a_client_that_asks_the_embedded_server_for_zlib_gets_none(address: str) -> None:
    assert "compression" not in bson.decode(sent(address, OP_MSG, hello("zlib"))[5:])
    both = bson.decode(sent(address, OP_MSG, hello("zlib", "snappy", "zstd"))[5:])
    assert both["compression"] == ["snappy", "zstd"]


def test_a_message_that_is_compressed_with_zlib_unasked_gets_no_answer(address: str) -> None:
    plain = hello()
    # It states a larger size than it has: an answer would quote the memory behind the message.
    body = struct.pack("<iiB", OP_MSG, len(plain) + 4000, ZLIB) + zlib.compress(plain)

    assert sent(address, OP_COMPRESSED, body) == b""
    assert sent(address, OP_MSG, hello())  # it goes on to serve others


@pytest.mark.parametrize(
    ("version", "outdated"),
    [
        ("6.0.5", True), ("6.0.27", False), ("6.3.2", True), ("7.0.27", True), ("7.0.28", False),
        ("8.0.16", True), ("8.0.17", False), ("8.1.0", True), ("8.2.2", True), ("8.2.3", False),
        ("8.2.3-rc1", False), ("8.3.0", False), ("9.0.0", False),
    ],
)  # fmt: skip
def test_each_line_of_releases_has_a_first_version_without_the_fault(
    version: str, outdated: bool
) -> None:
    assert doctor.is_outdated(version) == outdated


def test_the_doctor_says_that_the_embedded_server_is_closed(db: BookingDatabase) -> None:
    found = finding(db, "server")

    assert found.ok
    assert doctor.is_outdated(server_info.version(db)) == ("takes no zlib" in found.detail)


def test_a_server_with_the_defaults_takes_zlib(tmp_path: Path) -> None:
    member = Member(tmp_path / "data")
    try:
        with MongoClient[dict[str, Any]](member.address, directConnection=True) as client:
            assert server_info.offers_zlib(client.school)
    finally:
        member.kill()


def test_the_doctor_names_an_outdated_server_that_takes_zlib(
    db: BookingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_info, "version", lambda db: "6.0.5")
    monkeypatch.setattr(server_info, "offers_zlib", lambda db: True)

    found = finding(db, "server")

    assert not found.ok
    assert "CVE-2025-14847" in found.detail
    assert "6.0.27" in found.remedy
    assert "snappy,zstd" in found.remedy
