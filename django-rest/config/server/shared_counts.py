"""A folder in which all processes of the server count their requests, so that any of them can answer for all."""

import atexit
import os
import shutil
import tempfile

# By this prometheus_client knows, when it is imported, where to count.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_counts() -> None:
    """Call in the parent of the processes, before any of them imports prometheus_client."""
    if FOLDER in os.environ:
        return
    folder, owner = tempfile.mkdtemp(prefix="chairside-metrics-"), os.getpid()
    os.environ[FOLDER] = folder

    def remove() -> None:
        if os.getpid() == owner:  # The processes inherit this.
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
