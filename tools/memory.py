"""Memory of this machine, and the share of it that the private database gets."""

import os
from contextlib import suppress
from pathlib import Path

MEGABYTE = 1024 * 1024
LEAST_POOL_MB, MOST_POOL_MB = 128, 8192


def buffer_pool_mb(memory: int) -> int:
    """For rows and indexes in memory: a quarter of the machine's, as the services run beside it."""
    return min(MOST_POOL_MB, max(LEAST_POOL_MB, memory // MEGABYTE // 4))


def memory_bytes() -> int:
    """Of this machine, or what a container may have of it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            return min(machine, int(Path(file).read_text()))
    return machine
