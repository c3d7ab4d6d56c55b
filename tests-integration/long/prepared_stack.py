"""A stack with a migrated database of its own, as durable as a real one; of its services none runs yet."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.private_server import Accounts, PrivateServer, environment_of
from tools.processes import free_port
from tools.run_stack import Stack


@contextmanager
def prepared_stack(settings: Mapping[str, str]) -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="chairside-long-"))
    server = PrivateServer(folder / "db", free_port(), Accounts.fresh())
    stack = Stack(
        environment={**os.environ, **environment_of(server), **settings},
        folder=folder,
        api_port=free_port(),
        stream_port=free_port(),
        server=server,
    )
    try:
        server.start()
        stack.prepare()
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
