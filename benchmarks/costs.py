"""What a process has used, and on which core it runs. Read from /proc, so Linux only."""

import os
import resource
import time
from pathlib import Path

OPEN_FILES = 20_000


def cpu_seconds(process_id: int) -> float:
    """All of its threads, in user and kernel mode, to the nanosecond: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime((~process_id << 3) | 2)


def resident_bytes(process_id: int) -> int:
    pages = Path(f"/proc/{process_id}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def server_core() -> int:
    return sorted(os.sched_getaffinity(os.getppid()))[0]


def client_core() -> int:
    """The last one. With one core alone, both are the same."""
    return sorted(os.sched_getaffinity(os.getppid()))[-1]


def pin(process_id: int, core: int) -> None:
    """All of its threads; those that it starts later, too."""
    for thread in Path(f"/proc/{process_id}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def allow_open_files() -> None:
    """For this process and those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def child_of(process_id: int) -> int | None:
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    return int(children[0]) if children else None
