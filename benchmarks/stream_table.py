"""The figures of the stream's benchmark, as a table."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import percentile
from benchmarks.readers import Opened

COLUMNS = (
    "bytes sent",
    "CPU µs a delivery",
    "KB each",
    "p50 ms",
    "p99 ms",
    "last ms",
    "opened/s",
    "CPU µs to open",
)
ROUND_SECONDS = 30.0  # After which who has not heard will not.
OURS, USUAL, FASTEST = "chairside", "sse-starlette, a queue each", "nginx, nchan"


@dataclass(frozen=True)
class Result:
    name: str
    connections: int
    opened: Opened
    open_cpu_us: float
    kilobytes: float
    asked_bytes: int
    frame_bytes: int
    wire_bytes: int
    delivery_cpu_us: float
    times_ms: list[float]
    last_ms: float
    unheard: int

    @property
    def shortfall(self) -> str:
        if self.opened.count < self.connections:
            return f"opened {self.opened.count:,} in {self.opened.seconds:.0f} s"
        return f"{self.unheard:,} not delivered in {ROUND_SECONDS:.0f} s" if self.unheard else ""


def show(results: list[Result], console: Console) -> None:
    for connections in dict.fromkeys(one.connections for one in results):
        of_number = [one for one in results if one.connections == connections]
        for asked in dict.fromkeys(one.asked_bytes for one in of_number):
            _show_table([one for one in of_number if one.asked_bytes == asked], console)


def _show_table(results: list[Result], console: Console) -> None:
    first = results[0]
    table = Table(
        "",
        *COLUMNS,
        "",
        title=f"{first.connections:,} connections, events of {first.frame_bytes:,} bytes",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in table.columns[1:-1]:
        column.justify = "right"
    for one in results:
        table.add_row(
            one.name,
            f"{one.wire_bytes:,}",
            f"{one.delivery_cpu_us:.1f}",
            f"{one.kilobytes:.1f}",
            *(f"{percentile(one.times_ms, percent):.0f}" if len(one.times_ms) > 1 else "" for percent in (50, 99)),
            f"{one.last_ms:.0f}",
            f"{one.opened.count / one.opened.seconds:,.0f}",
            f"{one.open_cpu_us:.0f}",
            one.shortfall,
        )
    console.print()
    console.print(table)
    _compare({one.name: one for one in results}, console)


def _compare(results: dict[str, Result], console: Console) -> None:
    if OURS not in results:
        return
    ours, said = results[OURS], []
    if usual := results.get(USUAL):
        said.append(f"{usual.delivery_cpu_us / ours.delivery_cpu_us:.1f} × less CPU than {USUAL} (goal: 3)")
        said.append(f"{usual.kilobytes / ours.kilobytes:.1f} × less memory (goal: 4)")
    if fastest := results.get(FASTEST):
        said.append(f"the last one {fastest.last_ms - ours.last_ms:.0f} ms before {FASTEST}'s")
    if said:
        console.print(f"{OURS}: {'; '.join(said)}", style="dim", markup=False)
