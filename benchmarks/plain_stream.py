"""The usual way to stream, to compare with: sse-starlette's response, and a queue for each connection.

    python -m benchmarks.plain_stream PORT

`GET /stream` follows; `POST /publish` tells everybody its body.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

queues: set[asyncio.Queue[str]] = set()


async def follow(request: Request) -> Response:
    async def events() -> AsyncIterator[ServerSentEvent]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        queues.add(queue)
        try:
            yield ServerSentEvent(data="{}", event="snapshot")
            while True:
                yield ServerSentEvent(data=await queue.get(), event="change")
        finally:
            queues.discard(queue)

    return EventSourceResponse(events(), ping=15)


async def publish(request: Request) -> Response:
    data = (await request.body()).decode()
    for queue in queues:
        queue.put_nowait(data)
    return Response(status_code=204)


app = Starlette(routes=[Route("/stream", follow), Route("/publish", publish, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
