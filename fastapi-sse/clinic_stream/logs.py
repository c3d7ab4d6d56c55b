"""Set-up of the log: one line an event, as text or as JSON. Never a payload or a query."""

import logging
from typing import Literal

from shared_config.log_formats import JsonFormatter, TextFormatter

# These write payloads and queries at DEBUG, and httpx every address at INFO.
TALKATIVE = ("sse_starlette", "aiomysql", "asyncio", "httpx", "httpcore")


def configure(log_format: Literal["text", "json"], *, debug: bool = False) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
