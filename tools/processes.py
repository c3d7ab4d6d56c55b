"""Processes of this project, and ports with their holders."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

# The time of a process's start is counted from the boot, whose time moves with the clock.
CLOCK_SECONDS = 2.0


class ToolError(Exception):
    """Something a person can put right. The message says what happened and the way on."""


@dataclass(frozen=True)
class Identity:
    """One process and no other: a pid comes round again, a pid with its time of start does not."""

    pid: int
    started_at: float

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """None for a process that has ended, also if its parent has not noticed yet."""
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
                return cls(pid, process.create_time())
        return None

    @classmethod
    def read(cls, record: Path) -> Self | None:
        with suppress(OSError, ValueError):
            pid, started_at = record.read_text().split()
            return cls(int(pid), float(started_at))
        return None

    def write(self, record: Path) -> None:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(f"{self.pid} {self.started_at}\n")

    def is_alive(self) -> bool:
        found = Identity.of(self.pid)
        return found is not None and abs(found.started_at - self.started_at) < CLOCK_SECONDS


def command_of(pid: int) -> str:
    with suppress(psutil.Error):
        return " ".join(psutil.Process(pid).cmdline())
    return ""


def children_of(pid: int) -> list[int]:
    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children()]
    return []


def wait_until_gone(identities: list[Identity], seconds: float) -> list[Identity]:
    """Wait for all of them to end. Returns those that have not."""
    deadline = time.monotonic() + seconds
    left = identities
    while left := [identity for identity in left if identity.is_alive()]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return left


def end_groups(leaders: list[Identity], seconds: float) -> None:
    """End these processes and what they started: politely, and after `seconds` with force."""
    _signal_groups(leaders, signal.SIGTERM)
    _signal_groups(wait_until_gone(leaders, seconds), signal.SIGKILL)
    wait_until_gone(leaders, 2)


def _signal_groups(leaders: list[Identity], number: signal.Signals) -> None:
    for leader in leaders:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, number)


class Child:
    """A long-running process of ours, in a group of its own, with its log in one file and its pid on record."""

    def __init__(
        self, name: str, command: list[str], *, folder: Path, log: Path, record: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.command = command
        self.folder = folder
        self.log = log
        self.record = record
        self.environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            # Its own group: Ctrl-C in the terminal reaches the tool alone, which then ends all in order.
            self._process = subprocess.Popen(
                dying_with_its_parent(self.command),
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if identity := Identity.of(self._process.pid):
            identity.write(self.record)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        if self.is_running and self._process:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def stop(self, seconds: float = 6) -> None:
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(max(seconds, 0.1))
            except subprocess.TimeoutExpired:
                self.kill()
            # A worker of it that outlived its leader.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self.record.unlink(missing_ok=True)

    def kill(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def log_tail(self, lines: int = 25) -> str:
        return log_tail(self.log, lines)


def dying_with_its_parent(command: list[str]) -> list[str]:
    """So that even a tool ended by SIGKILL leaves nothing running."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", *command] if setpriv else command


def log_tail(log: Path, lines: int = 25) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_port_taken(port: int) -> bool:
    # Binding would miss a listener on another address of the machine; connecting would miss a full backlog.
    return bool(_listeners(port))


def port_holder(port: int) -> str:
    """The listener there: "nginx, pid 812", or "a process of another user" where the kernel does not tell us."""
    for pid in _listeners(port):
        with suppress(psutil.Error):
            if pid is not None:
                return f"{psutil.Process(pid).name()}, pid {pid}"
    return "a process of another user"


def _listeners(port: int) -> list[int | None]:
    """A pid for each listener there, None for one of another user."""
    return [
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
    ]


def with_argument(argument: str) -> list[Identity]:
    """The processes that were started with exactly this argument."""
    found = [process.pid for process in psutil.process_iter(["cmdline"]) if argument in (process.info["cmdline"] or ())]
    return [identity for pid in found if (identity := Identity.of(pid))]
