"""The other workers of this machine: each has its own connections, and answers for them on a socket in one folder.

A request that concerns a connection comes to whichever worker the kernel chose. That one passes it on, with the token
it came with: the other checks it again, so the folder gives nobody a right.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.responses import Response

SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Peers:
    """With no folder, there is one worker."""

    folder: Path | None = None
    worker: int = 0
    workers: int = 1

    @property
    def socket_path(self) -> Path | None:
        return self._socket_of(self.worker) if self.folder else None

    async def pass_on(self, request: Request, connection_id: str) -> Response | None:
        """The answer of the worker whose connection it is; None when that is this one, or nobody."""
        worker, _, _ = connection_id.partition("-")
        if self._is_passed_on(request) or not worker.isdecimal() or int(worker) == self.worker:
            return None
        answer = await self._ask(self._socket_of(int(worker)), request)
        return None if answer is None else Response(answer.body, answer.status, media_type="application/json")

    async def ask_all(self, request: Request, statuses: frozenset[int] = frozenset({200})) -> list[bytes]:
        """What the others answer to the same request, with one of these statuses; none, if this one was passed on by
        one of them."""
        if self._is_passed_on(request):
            return []
        answers = await asyncio.gather(*(self._ask(socket_path, request) for socket_path in self._others()))
        return [answer.body for answer in answers if answer is not None and answer.status in statuses]

    def _is_passed_on(self, request: Request) -> bool:
        return self.folder is None or request.client is None  # Only those sockets have no address.

    def _socket_of(self, worker: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{worker}.sock"

    def _others(self) -> list[Path]:
        assert self.folder is not None
        return [path for path in sorted(self.folder.glob("*.sock")) if path != self.socket_path]

    async def _ask(self, socket_path: Path, request: Request) -> "Answer | None":
        """None when that worker is not there: it is starting, or has just ended."""
        # The answer to a HEAD is counted from the bodies of the others.
        method = "GET" if request.method == "HEAD" else request.method
        lines = [f"{method} {request.url.path} HTTP/1.1", "Host: peer", "Connection: close"]
        if token := request.headers.get("Authorization"):
            lines.append(f"Authorization: {token}")
        try:
            async with asyncio.timeout(SECONDS):
                reader, writer = await asyncio.open_unix_connection(socket_path)
                try:
                    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
                    return _read_answer(await reader.read())
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


def _read_answer(text: bytes) -> Answer | None:
    head, found, body = text.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), body) if found else None
