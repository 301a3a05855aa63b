"""A proxy in front of mongod that cuts the connection before an answer, or delays answers."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from server_processes import connection_to

_HEADER = struct.Struct("<iiii")  # length, request, answered request, kind of message
_MESSAGE = 2013  # OP_MSG: flags (4), section kind 0 (1), then one BSON document


class Proxy:
    """Forwards to ``uri``; ``cut(command)`` arms it.

    The server receives and executes the command; its answer is dropped and the connection closed.
    With ``for_good`` nothing is forwarded afterwards. ``delay`` is the delay of each answer (s).
    """

    def __init__(self, uri: str) -> None:
        self._login, _, server = urlsplit(uri).netloc.rpartition("@")
        self._server = unquote(server)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._command: bytes | None = None
        self._for_good = self._dead = False
        self.cuts = 0
        self.delay = 0.0
        self._spawn(self._accept)

    @property
    def uri(self) -> str:
        port = self._listener.getsockname()[1]
        return f"mongodb://{self._login}@127.0.0.1:{port}/?directConnection=true&authSource=admin"

    def cut(self, command: str, *, for_good: bool = False) -> None:
        with self._lock:
            self._command, self._for_good = command.encode(), for_good

    def close(self) -> None:
        self._dead = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            while thread.is_alive():
                self._disconnect()
                thread.join(0.05)

    def _spawn(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _disconnect(self) -> None:
        with self._lock:
            lines = list(self._open)
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._dead:
                    client.close()
                    continue
                server = connection_to(self._server)
                with self._lock:
                    self._open |= {client, server}
                doomed: set[int] = set()
                self._spawn(self._forward, client, server, doomed, True)
                self._spawn(self._forward, server, client, doomed, False)

    def _forward(
        self, source: socket.socket, target: socket.socket, doomed: set[int], asks: bool
    ) -> None:
        with contextlib.suppress(OSError):
            for message in _messages(source):
                _, request, answered, _ = _HEADER.unpack_from(message)
                if asks and self._is_armed_for(message):
                    doomed.add(request)
                if not asks and answered in doomed:
                    self.cuts += 1
                    break
                if not asks and self.delay:
                    time.sleep(self.delay)
                target.sendall(message)
        for line in (source, target):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        source.close()
        with self._lock:
            self._open.discard(source)

    def _is_armed_for(self, message: bytes) -> bool:
        with self._lock:
            if self._command is None or _command(message) != self._command:
                return False
            self._command = None
            self._dead = self._for_good
            return True


def _messages(line: socket.socket) -> Iterator[bytes]:
    while head := _exactly(line, _HEADER.size):
        length = _HEADER.unpack(head)[0]
        yield head + _exactly(line, length - _HEADER.size)


def _exactly(line: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = line.recv(count - len(received))
        if not part:
            return b""
        received += part
    return received


def _command(message: bytes) -> bytes:
    """The name of the command: the first key of the BSON document of section kind 0."""
    if _HEADER.unpack_from(message)[3] != _MESSAGE:
        return b""
    first_key = _HEADER.size + 4 + 1 + 4 + 1
    return message[first_key : message.index(b"\0", first_key)]
