"""A real mail server that keeps what it gets, and is out of order for a share of it."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from mishaps import Fault, Mishap, Mishaps

REFUSALS = {Fault.TOO_MANY: "451 4.7.1 Too many, try later", Fault.ERROR: "451 4.3.0 Something went wrong"}
# Longer than any client waits, which ends the wait.
SILENCE_SECONDS = 60


@dataclass(slots=True)
class SentMail:
    """`answered_at` is None where nobody was told that it was taken. Seconds since 1970."""

    sender: str
    recipient: str
    taken_at: float
    mishap: Mishap | None
    answered_at: float | None = None


@dataclass
class MailStandIn:
    port: int
    mishaps: Mishaps
    answer_seconds: float = 0.0
    sent: list[SentMail] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """For the environment of the worker."""
        return {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(self.port), "EMAIL_SECURITY": "none"}

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - the library's
        """What is taken is taken at once, and answered later."""
        mishap = self.mishaps.draw()
        assert envelope.mail_from is not None
        mail = SentMail(envelope.mail_from, envelope.rcpt_tos[0], time.time(), mishap)
        if mishap is None or mishap.is_taken:
            self.sent.append(mail)
        await asyncio.sleep(self.answer_seconds)
        if mishap is None:
            mail.answered_at = time.time()
            return "250 kept"
        if mishap.fault is Fault.CLOSED:
            server.transport.abort()
        if mishap.fault not in REFUSALS:
            await asyncio.sleep(SILENCE_SECONDS)
        return REFUSALS.get(mishap.fault, "421 closing")


@contextmanager
def open_mail_stand_in(mishaps: Mishaps, answer_seconds: float) -> Iterator[MailStandIn]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stand_in = MailStandIn(port, mishaps, answer_seconds)
    controller = Controller(stand_in, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield stand_in
    finally:
        controller.stop()
