"""A real mail server that keeps what it gets. It can be slow, and out of order for a share of the mails."""

import asyncio
import email
import email.policy
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from testkit.stand_ins.mishaps import Fault, Mishap, Mishaps

REFUSALS = {Fault.TOO_MANY: "451 4.7.1 Too many, try later", Fault.ERROR: "451 4.3.0 Something went wrong"}
# Longer than any client waits, which ends the wait.
SILENCE_SECONDS = 60


@dataclass(slots=True)
class SentMail:
    """`answered_at` is None where nobody was told that it was taken. Seconds since 1970."""

    sender: str
    recipient: str
    content: bytes
    taken_at: float
    mishap: Mishap | None
    answered_at: float | None = None


@dataclass
class MailStandIn:
    """`recipient_answer`: the answer to each recipient of a mail, before the mail itself."""

    port: int
    mishaps: Mishaps = field(default_factory=Mishaps)
    answer_seconds: float = 0.0
    recipient_answer: str = "250 OK"
    sent: list[SentMail] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """For the environment of django-rest and its worker."""
        return {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(self.port), "EMAIL_SECURITY": "none"}

    def delivered_to(self, address: str) -> list[EmailMessage]:
        mails = [mail for mail in list(self.sent) if mail.recipient == address]
        return [email.message_from_bytes(mail.content, policy=email.policy.default) for mail in mails]

    async def handle_RCPT(  # noqa: N802 - the library's
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.recipient_answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - the library's
        """A mail is taken at once and answered later."""
        mishap = self.mishaps.draw()
        mails = _mails_in(envelope, mishap)
        if mishap is None or mishap.is_taken:
            self.sent += mails
        await asyncio.sleep(self.answer_seconds)
        if mishap is None:
            for mail in mails:
                mail.answered_at = time.time()
            return "250 kept"
        if mishap.fault is Fault.CLOSED:
            server.transport.abort()
        if mishap.fault not in REFUSALS:
            await asyncio.sleep(SILENCE_SECONDS)
        return REFUSALS.get(mishap.fault, "421 closing")


def _mails_in(envelope: Envelope, mishap: Mishap | None) -> list[SentMail]:
    """One for each recipient."""
    assert envelope.mail_from is not None
    assert isinstance(envelope.content, bytes)
    now = time.time()
    return [SentMail(envelope.mail_from, to, envelope.content, now, mishap) for to in envelope.rcpt_tos]


@contextmanager
def open_mail_stand_in(mishaps: Mishaps | None = None, answer_seconds: float = 0.0) -> Iterator[MailStandIn]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stand_in = MailStandIn(port, mishaps or Mishaps(), answer_seconds)
    controller = Controller(stand_in, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield stand_in
    finally:
        controller.stop()
