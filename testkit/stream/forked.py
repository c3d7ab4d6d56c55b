"""The stream service as a process forked from one that has imported it: a start costs 50 ms of CPU instead of 600.

It runs the entry point with an environment, a folder and a log of its own. `test_operations` starts it by its command
line.
"""

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path


@functools.cache
def _server() -> ForkServerContext:
    """Started once. It says nothing of a module that it does not find."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clinic_stream.__main__", "testkit.stream.forked", "uvloop"])
    forkserver.ensure_running()
    return context


class ForkedService:
    """The process as a test sees it."""

    def __init__(
        self, environment: Mapping[str, str], folder: Path, log_path: Path, *, uvicorn_version: str | None = None
    ) -> None:
        """`uvicorn_version`: what uvicorn says of itself in this process."""
        self._process: ForkServerProcess = _server().Process(
            target=_serve, args=(dict(environment), folder, log_path, uvicorn_version), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, or None as long as it runs; negative: the signal that ended it."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> int:
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("clinic_stream", seconds or 0)
        return code


def _serve(environment: dict[str, str], folder: Path, log_path: Path, uvicorn_version: str | None) -> None:
    import uvicorn
    from clinic_stream.__main__ import main

    with log_path.open("ab") as log:
        for stream in (1, 2):  # standard output and errors
            os.dup2(log.fileno(), stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    warnings.resetwarnings()
    warnings.simplefilter("error")
    # Told, not raised: raised while the event loop closes, it would keep the loop from closing.
    warnings.simplefilter("default", ResourceWarning)
    sys.argv = ["clinic_stream"]
    uvicorn.__version__ = uvicorn_version or uvicorn.__version__
    sys.exit(main([]))
