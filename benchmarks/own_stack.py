"""The stack that a benchmark runs on: a database of its own, as durable as a real one, gone when it is over."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.measuring import Client
from tools.private_server import Accounts, PrivateServer, environment_of
from tools.processes import ToolError, free_port
from tools.run_stack import Stack


@contextmanager
def own_stack(
    settings: Mapping[str, str], *, kept_in: Path | None = None, ports: tuple[int, int] | None = None
) -> Iterator[Stack]:
    """Migrated, with the database running and nothing else, and with django set up in this process. A folder that it is
    kept in stays, and is used again. `ports`: of API and stream, where the settings name them."""
    folder = kept_in or Path(tempfile.mkdtemp(prefix="chairside-bench-"))
    server = PrivateServer(folder / "db", free_port(), Accounts.fresh())
    api_port, stream_port = ports or (free_port(), free_port())
    stack = Stack(
        environment={**os.environ, **environment_of(server), **settings},
        folder=folder,
        api_port=api_port,
        stream_port=stream_port,
        server=server,
    )
    try:
        server.start()
        stack.prepare()
        set_up_django(stack)
        yield stack
    finally:
        stack.stop()
        if kept_in is None:
            shutil.rmtree(folder, ignore_errors=True)


def set_up_django(stack: Stack) -> None:
    os.environ.update(stack.environment)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    logging.disable(logging.INFO)


def start_api(stack: Stack) -> None:
    stack.api.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if Client(stack.api_port).ask("GET", "/readyz", None)[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise ToolError(f"django-rest does not answer; its log ends with:\n{stack.api.log_tail()}")


def progress_on(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)
