"""A real mail server for tests: it keeps what it takes, and refuses what it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

USER, PASSWORD = "school", "secret word"


class SmtpServer:
    """Mails in the order of their arrival. ``answers``: address -> the answer to RCPT.

    ``after_data`` answers DATA in the place of "250 OK". With ``loses_answer`` a mail is taken, and
    the connection ends before its answer.
    """

    def __init__(self, port: int = 0, **options: Any) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.answers: dict[str, str] = {}
        self.after_data = "250 OK"
        self.loses_answer = False
        self._runs = False
        self._controller = _OnFreePort(self, hostname="127.0.0.1", port=port, **options)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def start(self) -> None:
        self._controller.start()
        self._runs = True

    def stop(self) -> None:
        """Also a second time."""
        if self._runs:
            self._runs = False
            self._controller.stop()

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if answer := self.answers.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):
        if self.after_data.startswith("250"):
            parsed = BytesParser(policy=default).parsebytes(envelope.content)
            self.mails.append(parsed)
            self.recipients += envelope.rcpt_tos
        if self.loses_answer:
            server.transport.close()
        return self.after_data


class _OnFreePort(Controller):
    def __init__(self, server: SmtpServer, **options: Any) -> None:
        if options["port"] == 0:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                options["port"] = free.getsockname()[1]
        super().__init__(server, **options)


def accepts(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    """An authenticator that knows USER with PASSWORD."""
    return AuthResult(
        success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False
    )


@contextlib.contextmanager
def smtp_server(**options: Any) -> Iterator[SmtpServer]:
    server = SmtpServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def silent_server(say: bytes = b"", every: float = 0.05) -> Iterator[int]:
    """The port of a server that accepts connections and never finishes a line.

    It sends ``say`` again and again, or nothing.
    """
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        opened: list[socket.socket] = []

        def serve() -> None:
            while not ended.wait(every):
                with contextlib.suppress(TimeoutError, BlockingIOError):
                    opened.append(listening.accept()[0])
                for one in opened:
                    with contextlib.suppress(OSError):
                        one.send(say)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            thread.join()
            for one in opened:
                one.close()
