"""CPU time, memory and core of a process."""

import os
import resource
import time

import psutil

OPEN_FILES = 20_000


def cpu_seconds(process_id: int) -> float:
    """All of its threads, in user and kernel mode, to the nanosecond: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime((~process_id << 3) | 2)


def resident_bytes(process_id: int) -> int:
    return int(psutil.Process(process_id).memory_info().rss)


def server_core() -> int:
    return sorted(os.sched_getaffinity(os.getppid()))[0]


def client_core() -> int:
    """The last one. With one core alone, both are the same."""
    return sorted(os.sched_getaffinity(os.getppid()))[-1]


def pin(process_id: int, core: int) -> None:
    """All of its threads; those that it starts later, too."""
    for thread in psutil.Process(process_id).threads():
        os.sched_setaffinity(thread.id, {core})


def allow_open_files() -> None:
    """For this process and those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def child_of(process_id: int) -> int | None:
    children = psutil.Process(process_id).children()
    return children[0].pid if children else None
