"""The mail server of the school, and its answers in words.

Certificates are verified. One conversation has a limit: a server that hangs, or answers a byte at a
time, is left.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from types import TracebackType

from booking_core.domain.errors import InvalidRequest, MailRefused, MailServerFailed
from booking_core.settings import Settings

_ANSWER_SECONDS = 10.0  # for one answer of the server
MAIL_SECONDS = 30.0  # for all that one mail needs, the connection included
_MOST = 300  # characters of an answer


class MailServer:
    """A connection to the mail server, opened for the first mail; a context manager.

    Raises InvalidRequest without SMTP_HOST.
    """

    def __init__(self, settings: Settings, seconds: float = MAIL_SECONDS) -> None:
        if settings.smtp_host is None:
            raise InvalidRequest("SMTP_HOST", "is not set, so there is no mail")
        self._settings, self._seconds = settings, seconds
        self._host: str = settings.smtp_host
        self._client: smtplib.SMTP | None = None
        self._took_too_long = False

    def __enter__(self) -> MailServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException), self._limited(self._client):
                self._client.quit()
            self._leave()

    def send(self, message: EmailMessage) -> str:
        """Sends ``message`` to its one recipient; what the server answered.

        Raises MailRefused, MailServerFailed.
        """
        is_connected = False
        try:
            if self._client is None:
                self._client = self._connect()
            is_connected = True
            with self._limited(self._client):
                return self._send(self._client, message)
        except (OSError, smtplib.SMTPException) as exc:
            self._leave()
            failed = TimeoutError() if self._took_too_long else exc
            # An answer with a code says that the mail was not taken.
            is_answered = isinstance(exc, smtplib.SMTPResponseException)
            may_be_taken = is_connected and not is_answered
            raise MailServerFailed(_failure(failed), may_be_taken=may_be_taken) from exc

    def _send(self, client: smtplib.SMTP, message: EmailMessage) -> str:
        try:
            client.send_message(message)
        except smtplib.SMTPRecipientsRefused as exc:
            [(code, answer)] = exc.recipients.values()
            if code == 421:  # the server ends the connection
                raise smtplib.SMTPResponseException(code, answer) from exc
            raise MailRefused(_words(code, answer, message), for_good=code >= 500) from exc
        except smtplib.SMTPDataError as exc:
            if exc.smtp_code == 421:
                raise
            words = _words(exc.smtp_code, exc.smtp_error, message)
            raise MailRefused(words, for_good=exc.smtp_code >= 500) from exc
        except smtplib.SMTPNotSupportedError as exc:
            raise MailRefused(
                "it takes no address with letters beyond a to z", for_good=True
            ) from exc
        return "The mail server has taken the mail"

    def _connect(self) -> smtplib.SMTP:
        settings, safe = self._settings, ssl.create_default_context()
        client = (
            smtplib.SMTP_SSL(timeout=_ANSWER_SECONDS, context=safe)
            if settings.smtp_security == "tls"
            else smtplib.SMTP(timeout=_ANSWER_SECONDS)
        )
        try:
            with self._limited(client):
                # Certificates are compared with this name. The constructor sets it and connects
                # too, out of the reach of the limit.
                client._host = self._host  # type: ignore[attr-defined]
                try:
                    code, answer = client.connect(self._host, settings.mail_port)
                except UnicodeError as exc:  # of a name that no server can have
                    raise socket.gaierror(socket.EAI_NONAME, "no such name") from exc
                if code != 220:
                    raise smtplib.SMTPConnectError(code, answer)
                if settings.smtp_security == "starttls":
                    client.starttls(context=safe)
                if settings.smtp_user is not None and settings.smtp_password is not None:
                    client.login(settings.smtp_user, settings.smtp_password)
        except BaseException:
            client.close()
            raise
        return client

    @contextlib.contextmanager
    def _limited(self, client: smtplib.SMTP) -> Iterator[None]:
        """Ends the connection of ``client`` when the block takes too long, also while it waits."""

        def end() -> None:
            self._took_too_long = True
            if (open_socket := getattr(client, "sock", None)) is not None:
                with contextlib.suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)

        limit = threading.Timer(self._seconds, end)
        limit.daemon = True
        limit.start()
        try:
            yield
        finally:
            limit.cancel()

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _failure(exc: Exception) -> str:
    """What failed, as the end of a sentence."""
    match exc:
        case smtplib.SMTPAuthenticationError():
            return f"it refuses SMTP_USER and SMTP_PASSWORD ({_words(*exc.args)})"
        case smtplib.SMTPSenderRefused():
            return f"it refuses MAIL_FROM as the sender ({_words(exc.smtp_code, exc.smtp_error)})"
        case smtplib.SMTPResponseException():
            return _words(exc.smtp_code, exc.smtp_error)
        case smtplib.SMTPNotSupportedError():
            return "it offers no encryption by STARTTLS, or no sign-in; see SMTP_SECURITY"
        case smtplib.SMTPServerDisconnected():
            return "it has ended the connection"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({exc.verify_message})"
        case ssl.SSLError():
            return "it does not speak TLS at this port; see SMTP_SECURITY and SMTP_PORT"
        case TimeoutError():
            return "it did not answer in time"
        case socket.gaierror():
            return "its name, SMTP_HOST, is unknown"
        case OSError():
            return f"it cannot be reached ({(exc.strerror or 'no connection').lower()})"
    return "it does not speak SMTP"


def _words(code: int, answer: bytes | str, message: EmailMessage | None = None) -> str:
    """Code and text of an answer, on one line, without the address of the reader of ``message``.

    The words are stored, and an erasure of the account would not find the address in them.
    """
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    for reader in () if message is None else message["To"].addresses:
        text = re.sub(re.escape(reader.addr_spec), "the address", text, flags=re.IGNORECASE)
    printable = "".join(char if char.isprintable() else " " for char in f"{code} {text}")
    return " ".join(printable.split())[:_MOST].rstrip(". ")
