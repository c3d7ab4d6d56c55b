"""A stand-in for Twilio's API, over real HTTP: for tests and benchmarks.

    POST /2010-04-01/Accounts/<sid>/Messages.json   as https://www.twilio.com/docs/messaging/api/message-resource has it

It keeps what it took. It can be slow, and out of order for a share of the requests.

    python -m testkit.stand_ins.twilio [--answer-seconds 0.005]

says its settings as a line of JSON, and ends with its input.
"""

import argparse
import asyncio
import base64
import itertools
import json
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl

from testkit.stand_ins.mishaps import Fault, Mishap, Mishaps

ACCOUNT = "AC00000000000000000000000000000000"
SECRET = "made up for tests alone"
NUMBER = "+15005550006"


@dataclass(slots=True)
class SentSms:
    """`answered_at` is None where nobody was told that it was taken. Seconds since 1970."""

    sid: str
    sender: str
    recipient: str
    body: str
    status_callback: str
    taken_at: float
    mishap: Mishap | None
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    first_line: str
    headers: dict[str, str]
    form: dict[str, str]

    @property
    def path(self) -> str:
        return self.first_line.split(" ")[1]


@dataclass
class TwilioStandIn:
    """`refused`: numbers that are answered 21610, unsubscribed. `answer`: status and body of every answer, if given.
    `asked`: the forms of all requests, and their paths; `sent`: the messages that were taken."""

    answer_seconds: float = 0.0
    mishaps: Mishaps = field(default_factory=Mishaps)
    sent: list[SentSms] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    answer: tuple[int, dict[str, object]] | None = None
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
            while await self._serve_one(reader, writer):
                pass
        writer.close()
        self._writers.discard(writer)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open. What is taken is taken at once, and answered later."""
        request = await _read(reader)
        self.asked.append(request.form | {"path": request.path})
        refusal = self.answer or self._refusal_of(request)
        mishap = self.mishaps.draw() if refusal is None else None
        sms = self._take(request.form, mishap) if refusal is None and (mishap is None or mishap.is_taken) else None
        await asyncio.sleep(self.answer_seconds)
        if mishap is not None and mishap.fault in (Fault.CLOSED, Fault.SILENT):
            if mishap.fault is Fault.SILENT:
                await reader.read()  # Until the client has had enough.
            return False
        if mishap is not None:
            refusal = _problem(int(mishap.fault), 20000 + int(mishap.fault), "Something went wrong")
        status, answer = refusal or (201, _created(sms))
        text = json.dumps(answer)
        kind = f"Content-Type: application/json\r\nContent-Length: {len(text)}"
        writer.write(f"HTTP/1.1 {status} .\r\n{kind}\r\n\r\n{text}".encode())
        if sms is not None and mishap is None:
            sms.answered_at = time.time()
        await writer.drain()
        return True

    def _refusal_of(self, request: Request) -> tuple[int, dict[str, object]] | None:
        if not request.first_line.startswith(f"POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json "):
            return _problem(404, 20404, "The requested resource was not found")
        if request.headers.get("authorization") != _basic(ACCOUNT, SECRET):
            return _problem(401, 20003, "Authenticate")
        if request.form["To"] in self.refused:
            return _problem(400, 21610, "Attempt to send to unsubscribed recipient")
        return None

    def _take(self, form: dict[str, str], mishap: Mishap | None) -> SentSms:
        sid = f"SM{next(self._numbers):032x}"
        callback = form.get("StatusCallback", "")
        sms = SentSms(sid, form["From"], form["To"], form["Body"], callback, time.time(), mishap)
        self.sent.append(sms)
        return sms


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(first, headers, dict(parse_qsl(body.decode())))


def _created(sms: SentSms | None) -> dict[str, object]:
    assert sms is not None
    return {"sid": sms.sid, "status": "queued", "to": sms.recipient, "from": sms.sender, "body": sms.body}


def _problem(status: int, code: int, message: str) -> tuple[int, dict[str, object]]:
    return status, {"code": code, "message": message, "status": status}


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Stand in for Twilio until the input ends.")
    parser.add_argument("--answer-seconds", type=float, default=0.0)
    with TwilioStandIn(parser.parse_args().answer_seconds) as stand_in:
        print(json.dumps(stand_in.settings), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
