"""A worker process ends with its master, also if the master was killed: an orphan would hold the port, and answer."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int) -> None:
    """The kernel sends SIGTERM when the parent ends. Elsewhere than on Linux gunicorn's own check has to do."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:  # It ended before the kernel knew.
        os.kill(os.getpid(), signal.SIGTERM)
