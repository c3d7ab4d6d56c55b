"""Replicas of this service behind one gateway: each has its own connections, and answers for those alone.

A request about connections comes to whichever replica the gateway chose. That one asks all of them, with the token that
the request came with: each checks it again, so a replica has no more rights than the client.
"""

import asyncio
import ssl
from collections.abc import Sequence
from socket import SOCK_STREAM

import httpx
from fastapi import Request
from starlette.responses import Response

from clinic_stream import errors

# Marks a request from another replica, which is not passed on again.
FROM_REPLICA = "X-From-Replica"
TIMEOUT_SECONDS = 2.0
# Replicas speak plain HTTP. By default httpx reads the system's certificates for each client: 20 ms of CPU.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NO_ANSWER = 503
NOT_FOUND = 404


class Replicas:
    """`addresses`: host and port of each replica, this one among them; a name may stand for several. Empty if this
    one is alone."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        self._addresses = addresses

    async def ask_all(self, request: Request) -> list[httpx.Response]:
        """Answers of all replicas to the same request. Empty if this one is alone, or was asked by another replica.

        A replica that refuses the connection has none, and is left out; one that does not answer in time is a 503.
        """
        if not self._addresses or FROM_REPLICA in request.headers:
            return []
        headers = {FROM_REPLICA: "1"}
        if token := request.headers.get("Authorization"):
            headers["Authorization"] = token
        async with httpx.AsyncClient(
            headers=headers, timeout=TIMEOUT_SECONDS, verify=NO_CERTIFICATES, trust_env=False
        ) as client:
            asked = (_ask(client, request, address) for address in self._addresses)
            return [answer for answers in await asyncio.gather(*asked) for answer in answers]

    async def pass_on(self, request: Request) -> Response:
        """Answer of the replica that has the connection. Raises Problem: 404 if none has it, 503 if one of them cannot
        be asked."""
        answers = [answer for answer in await self.ask_all(request) if answer.status_code != NOT_FOUND]
        if not answers:
            raise errors.not_found()
        best = min(answers, key=lambda answer: answer.status_code)
        if best.status_code == NO_ANSWER:
            raise errors.unavailable("A replica of the stream does not answer.")
        return Response(best.content, best.status_code, media_type="application/json")


async def _ask(client: httpx.AsyncClient, request: Request, address: str) -> list[httpx.Response]:
    """Answers of each replica at this address."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            found = await loop.getaddrinfo(host.strip("[]"), int(port), type=SOCK_STREAM)
    except (OSError, TimeoutError):
        return [httpx.Response(NO_ANSWER)]
    numbers = sorted({place[4][0] for place in found})
    answers = await asyncio.gather(*(_ask_one(client, request, str(number), int(port)) for number in numbers))
    return [answer for answer in answers if answer is not None]


async def _ask_one(client: httpx.AsyncClient, request: Request, number: str, port: int) -> httpx.Response | None:
    url = httpx.URL(scheme="http", host=number, port=port, raw_path=request.scope["raw_path"])
    try:
        return await client.request(request.method, url)
    except httpx.ConnectError:
        return None
    except httpx.HTTPError:
        return httpx.Response(NO_ANSWER)
