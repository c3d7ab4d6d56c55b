"""Set-up of the log: one line an event, as text or as JSON. Never a payload or a query."""

import logging
from typing import Literal

from shared_config.log_formats import JsonFormatter, TextFormatter

# These write payloads and queries at DEBUG, and httpx every address at INFO.
TALKATIVE = ("sse_starlette", "aiomysql", "asyncio", "httpx", "httpcore")


def configure(log_format: Literal["text", "json"], *, debug: bool = False) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    # No line names them, and to find them is a fifth of what a line costs (as the documentation of `logging` has it).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
