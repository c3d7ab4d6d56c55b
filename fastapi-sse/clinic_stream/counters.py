"""Counters of one process. Plain numbers: they are counted on the way of every frame."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

# Seconds; the poll interval is 15 ms.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(slots=True)
class Histogram:
    """A histogram: how many lay at or under each bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.total += seconds
        for number, bound in enumerate(BUCKETS):
            if seconds <= bound:
                self.counts[number] += 1
                return
        self.counts[-1] += 1


@dataclass(slots=True)
class Counters:
    opened: Counter[str] = field(default_factory=Counter)  # By what is streamed.
    closed: Counter[str] = field(default_factory=Counter)  # By reason.
    turned_away: Counter[str] = field(default_factory=Counter)  # By the limit that was reached.
    resumes: Counter[str] = field(default_factory=Counter)  # By what a reader was told who came back.
    auth_failures: Counter[str] = field(default_factory=Counter)  # By reason.
    opened_late: int = 0  # Told to be stale first, because the content took long to load.
    frames: int = 0
    bytes: int = 0
    coalesced: int = 0  # Versions that a reader never saw, because a newer one was there when it could read on.
    late_heads: int = 0  # Found by the scan alone, as they committed long after they took their number.
    drift: int = 0
    sweeps: int = 0
    failed_sweeps: int = 0
    lost_histories: int = 0  # Clinics whose numbers have come to mean other events: commits were lost.
    # By method, route template and status.
    requests: defaultdict[tuple[str, str, int], Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    commit_to_send: Histogram = field(default_factory=Histogram)
    polls: Histogram = field(default_factory=Histogram)
