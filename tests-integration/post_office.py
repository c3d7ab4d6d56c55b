"""A real mail server that keeps what it gets."""

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope


class PostOffice:
    def __init__(self, port: int) -> None:
        self.port = port
        self._mails: list[tuple[str, EmailMessage]] = []

    @property
    def settings(self) -> dict[str, str]:
        """What django-rest needs in order to send its mails here."""
        return {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(self.port), "EMAIL_SECURITY": "none"}

    def delivered_to(self, address: str) -> list[EmailMessage]:
        return [mail for recipient, mail in self._mails if recipient == address]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - the library's
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        self._mails += [(recipient, mail) for recipient in envelope.rcpt_tos]
        return "250 kept"


@contextmanager
def open_post_office() -> Iterator[PostOffice]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    office = PostOffice(port)
    controller = Controller(office, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()
