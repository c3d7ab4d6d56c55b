"""A stand-in for Twilio's API, over real HTTP: for tests and benchmarks.

    POST /2010-04-01/Accounts/<sid>/Messages.json   as https://www.twilio.com/docs/messaging/api/message-resource has it

It keeps what it took. It can be slow, and out of order for a share of the requests.
"""

import asyncio
import base64
import itertools
import json
import random
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl

ACCOUNT = "AC00000000000000000000000000000000"
SECRET = "made up for tests alone"  # noqa: S105
NUMBER = "+15005550006"


@dataclass(frozen=True, slots=True)
class SentSms:
    sid: str
    recipient: str
    body: str
    status_callback: str = ""


@dataclass
class TwilioStandIn:
    """`failing`: the share of requests that get a 500. `refused`: numbers that are answered 21610, unsubscribed."""

    answer_seconds: float = 0.0
    failing: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    sent: list[SentSms] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    port: int = 0

    def __enter__(self) -> Self:
        self._numbers = itertools.count(1)
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._is_up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ends.set)
        self._thread.join(10)

    @property
    def settings(self) -> dict[str, str]:
        """For the environment of django-rest and its worker."""
        return {
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": SECRET,
            "TWILIO_FROM": NUMBER,
            "TWILIO_BASE_URL": f"http://127.0.0.1:{self.port}",
        }

    async def _run(self) -> None:
        self._loop, self._ends, self._writers = asyncio.get_running_loop(), asyncio.Event(), set[asyncio.StreamWriter]()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._is_up.set()
        await self._ends.wait()
        server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.split("\r\n")
                headers = {name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await asyncio.sleep(self.answer_seconds)
                status, answer = self._answer(first, headers, body.decode())
                text = json.dumps(answer)
                kind = f"Content-Type: application/json\r\nContent-Length: {len(text)}"
                writer.write(f"HTTP/1.1 {status} .\r\n{kind}\r\n\r\n{text}".encode())
                await writer.drain()
        writer.close()
        self._writers.discard(writer)

    def _answer(self, first: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, object]]:
        if not first.startswith(f"POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json "):
            return 404, _problem(404, 20404, "The requested resource was not found")
        if headers.get("authorization") != _basic(ACCOUNT, SECRET):
            return 401, _problem(401, 20003, "Authenticate")
        if self.chance.random() < self.failing:
            return 500, _problem(500, 20500, "Internal Server Error")
        form = dict(parse_qsl(body))
        if form["To"] in self.refused:
            return 400, _problem(400, 21610, "Attempt to send to unsubscribed recipient")
        sms = SentSms(f"SM{next(self._numbers):032x}", form["To"], form["Body"], form.get("StatusCallback", ""))
        self.sent.append(sms)
        return 201, {"sid": sms.sid, "status": "queued", "to": sms.recipient, "from": form["From"], "body": sms.body}


def _problem(status: int, code: int, message: str) -> dict[str, object]:
    return {"code": code, "message": message, "status": status}


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
