"""Requests of this process that wait for a practitioner's row.

Claims of one practitioner are made one after another, and each that waits holds a thread. The last of a long queue
would wait for seconds, and readers would find no thread. So in a server's process a queue has a length, and a further
request is told at once to come again. Elsewhere, as in the worker, nobody else needs the thread.
"""

import threading
from collections import Counter
from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager

from clinic.common.errors import TryAgain


class _Limit:
    max_waiting: int | None = None


_waiting: Counter[Hashable] = Counter()
_counting = threading.Lock()


def limit_queues(max_waiting: int | None) -> None:
    """For this process; None: no limit."""
    _Limit.max_waiting = max_waiting


@contextmanager
def waiting_for(owners: Collection[Hashable]) -> Iterator[None]:
    """Around the statement that locks. Raises TryAgain where too many wait for one of these already."""
    with _counting:
        if _Limit.max_waiting is not None and any(_waiting[owner] >= _Limit.max_waiting for owner in owners):
            raise TryAgain
        _waiting.update(owners)
    try:
        yield
    finally:
        with _counting:
            _waiting.subtract(owners)
            for owner in owners:
                if not _waiting[owner]:
                    del _waiting[owner]
