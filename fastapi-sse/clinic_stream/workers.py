"""Several processes of the service on one port: one of them watches over the others.

Each worker listens by itself with SO_REUSEPORT, so the kernel deals newcomers out evenly, and reads the database by
itself: two workers ask twice as much as one, however many are connected.
"""

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from shared_config import StreamSettings

from clinic_stream.peers import Peers

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
# A worker that ends by itself is started again, but one that cannot start does not keep the machine busy.
PAUSE_SECONDS = 1.0
WORKER = "CHAIRSIDE_STREAM_WORKER"
WORKERS = "CHAIRSIDE_STREAM_WORKERS"
FOLDER = "CHAIRSIDE_STREAM_PEERS"
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(slots=True)
class Workers:
    count: int
    folder: Path
    _processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _is_stopping: bool = False

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for worker in range(self.count):
            self._start(worker)
        while self._processes:
            time.sleep(LOOK_SECONDS)
            for worker, process in list(self._processes.items()):
                if process.poll() is not None:
                    self._replace(worker, process.returncode)
        return 0

    def _start(self, worker: int) -> None:
        (self.folder / f"{worker}.sock").unlink(missing_ok=True)
        environment = {**os.environ, WORKER: str(worker), WORKERS: str(self.count), FOLDER: str(self.folder)}
        self._processes[worker] = subprocess.Popen([sys.executable, "-m", "clinic_stream"], env=environment)

    def _replace(self, worker: int, exit_code: int) -> None:
        del self._processes[worker]
        if not self._is_stopping:
            logger.error("worker %d ended with %d: it is started again", worker, exit_code)
            time.sleep(PAUSE_SECONDS)
        if not self._is_stopping:  # A stop may have come during the pause: nothing would end a worker started now.
            self._start(worker)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True
        for process in self._processes.values():
            process.send_signal(number)


def run_workers(count: int, settings: StreamSettings) -> int:
    """Run until all have ended. Raises OSError when somebody else has the port."""
    with socket.socket() as probe:
        # With SO_REUSEPORT alone a second service could listen beside this one unnoticed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((settings.stream_host, settings.fastapi_port))
    with tempfile.TemporaryDirectory(prefix="chairside-stream-") as folder:
        return Workers(count, Path(folder)).run()


def is_worker() -> bool:
    return WORKER in os.environ


def peers_of_this_worker() -> Peers:
    if not is_worker():
        return Peers()
    return Peers(Path(os.environ[FOLDER]), int(os.environ[WORKER]), int(os.environ[WORKERS]))


def end_with_the_parent() -> None:
    """Nobody would stop a worker whose parent was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def shared_port(settings: StreamSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.stream_host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((settings.stream_host, settings.fastapi_port))
    return listener
