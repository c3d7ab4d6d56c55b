"""The cost of a delivery: the stream against the usual ways, in one run, with the same client, each on its own core.

    python -m benchmarks.stream [--connections 1000 5000 10000] [--bytes 300 30000] [--only chairside plain nchan]

CPU is the server's, in user and kernel mode, without what it uses while nothing happens. Memory is what its resident
size grew by, for each connection. Times are from before the message was published (for ours: written to the database)
until a reader has all of it: of all readers and rounds together, and until the last one of a round, in the median.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.costs import allow_open_files, client_core, cpu_seconds, pin, resident_bytes, server_core
from benchmarks.readers import Readers, without_chunks
from benchmarks.stream_table import ROUND_SECONDS, Result, show
from tools.private_server import environment_of, throw_away_server
from tools.processes import ToolError

ROUNDS = 20
DELIVERIES = 100_000  # So that many connections take fewer rounds.
FEWEST_ROUNDS = 10
BREATH_SECONDS = 0.15
IDLE_SECONDS = 3.0
OPENING_SECONDS = 90.0
SPARE_BYTES = 8  # By which two events of one size may differ, compressed.


def measure(contender: Contender, connections: int, sizes: dict[int, int], progress: Progress) -> Iterator[Result]:
    """`sizes`: what to aim at for each size asked for. Ends after bounded time, whatever the server does."""
    pin(contender.process_id, server_core())
    with Readers(contender.port, lambda: contender.request) as readers:
        readers.open(1, OPENING_SECONDS)
        for size in sizes.values():  # What is loaded or made on first use is no part of what a reader costs.
            _sample(contender, readers, size)
        contender.fit(min(sizes.values()))
        memory, cpu = resident_bytes(contender.process_id), cpu_seconds(contender.process_id)
        task = progress.add_task(f"{contender.name}: opening", total=connections)
        opened = readers.open(connections, OPENING_SECONDS, lambda count: progress.advance(task, count))
        cpu = (cpu_seconds(contender.process_id) - cpu) / max(1, opened.count)
        readers.drain_for(1)
        kilobytes = (resident_bytes(contender.process_id) - memory) / max(1, opened.count) / 1024
        progress.remove_task(task)
        for asked, size in sizes.items():
            wire = _sample(contender, readers, size)
            frame = len(without_chunks(wire))
            delivered = _deliver(contender, readers, len(wire) - SPARE_BYTES, progress)
            yield Result(contender.name, connections, opened, cpu * 1e6, kilobytes, asked, frame, len(wire), *delivered)


def _sample(contender: Contender, readers: Readers, size: int) -> bytes:
    contender.fit(size)
    readers.drain_for(1)
    return readers.sample(contender.publish, ROUND_SECONDS)


def _deliver(
    contender: Contender, readers: Readers, wire_bytes: int, progress: Progress
) -> tuple[float, list[float], float, int]:
    """CPU µs a delivery, all times and the median of the last ones in milliseconds, and how many heard nothing."""
    connections = len(readers)
    before = cpu_seconds(contender.process_id)
    readers.drain_for(IDLE_SECONDS)
    idle_share = (cpu_seconds(contender.process_id) - before) / IDLE_SECONDS
    rounds = max(FEWEST_ROUNDS, min(ROUNDS, DELIVERIES // max(1, connections)))
    task = progress.add_task(f"{contender.name}: {wire_bytes:,} bytes", total=rounds)
    times, lasts, unheard, used = [], [], 0, 0.0
    for _ in range(rounds):
        before, began_at = cpu_seconds(contender.process_id), time.perf_counter()
        heard = readers.hear(contender.publish, wire_bytes, ROUND_SECONDS)
        readers.drain_for(BREATH_SECONDS)
        used += cpu_seconds(contender.process_id) - before - idle_share * (time.perf_counter() - began_at)
        times += heard
        lasts.append(max(heard, default=ROUND_SECONDS))
        unheard += connections - len(heard)
        progress.advance(task)
        if unheard:
            break
    progress.remove_task(task)
    return used / max(1, len(times)) * 1e6, [one * 1e3 for one in times], statistics.median(lasts) * 1e3, unheard


def run(chosen: argparse.Namespace, console: Console) -> list[Result]:
    results: list[Result] = []
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with throw_away_server() as server, Progress(*columns, console=console) as progress:
        os.environ.update(environment_of(server))
        total = progress.add_task("Servers", total=len(chosen.connections) * len(chosen.only))
        for connections in chosen.connections:
            sizes = {size: size for size in chosen.bytes}
            for name in chosen.only:
                with CONTENDERS[name]() as contender:
                    for result in measure(contender, connections, sizes, progress):
                        results.append(result)
                        if name == "chairside":  # The others are told the very same number of bytes.
                            sizes[result.asked_bytes] = result.frame_bytes
                progress.advance(total)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the stream against the usual ways.")
    parser.add_argument("--connections", type=int, nargs="+", default=[1_000, 5_000, 10_000])
    parser.add_argument("--bytes", type=int, nargs="+", default=[300, 30_000], help="of an event")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    chosen = parser.parse_args()
    console = Console(width=140)
    allow_open_files()
    pin(os.getpid(), client_core())  # And so the database; each server is put on the other core.
    try:
        show(run(chosen, console), console)
    except ToolError as problem:
        console.print(str(problem), markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
