"""Costs by size, as tables and plots.

    python -m benchmarks.growth [--only NAME …] [--sizes N …] [--seconds S] [--against COMMIT] [--write]

Each curve is measured in a process of its own. With `--against`, another version of this repository is measured first,
by this version's benchmarks; it has to have them as a package. `--write` puts the plots and tables where
`benchmarks/growth/README.md` shows them.
"""

import argparse
import json
import pkgutil
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from benchmarks.growth import curves
from benchmarks.growth.curve import Curve
from benchmarks.growth.measure import curve_of
from benchmarks.growth.plot import Series, plot
from benchmarks.growth.table import markdown
from benchmarks.versions import python_of, worktree_of
from tools import ROOT

FIGURES = Path(__file__).parent / "figures"
STOP_SECONDS = 30
NAMES = sorted(module.name for module in pkgutil.iter_modules(curves.__path__))


def main() -> int:
    parser = argparse.ArgumentParser(prog="growth", description="Measure how costs grow with size.")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--sizes", type=int, nargs="+", help="instead of each curve's own")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to look at each size")
    parser.add_argument("--against", default="", help="a commit to measure as well")
    parser.add_argument("--write", action="store_true", help="write plots and tables into benchmarks/growth/figures")
    chosen = parser.parse_args()
    console = Console(width=140)
    with versions(chosen.against) as folders:
        results = [measured_everywhere(name, folders, chosen, console) for name in chosen.only]
    return 0 if all(results) else 1


@contextmanager
def versions(against: str) -> Iterator[dict[str, Path]]:
    """The folders to measure, by the name of their series."""
    if not against:
        yield {"now": ROOT}
        return
    with worktree_of(against) as former:
        take_benchmarks_of_this_version(former)
        yield {"before": former, "now": ROOT}


def take_benchmarks_of_this_version(folder: Path) -> None:
    shutil.rmtree(folder / "benchmarks")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")


def measured_everywhere(name: str, folders: dict[str, Path], chosen: argparse.Namespace, console: Console) -> bool:
    """Whether every size could be measured in this version."""
    curve = curve_of(name)
    sizes = tuple(chosen.sizes or curve.sizes)
    series: Series = {}
    for version, folder in folders.items():
        console.print(f"[bold]{curve.title}[/bold], {version} …")
        series[version] = measured(name, curve, folder, sizes, chosen.seconds)
    table = markdown(curve, sizes, series)
    console.print(table, markup=False, highlight=False, soft_wrap=True)
    if chosen.write:
        FIGURES.mkdir(exist_ok=True)
        (FIGURES / f"{name}.md").write_text(f"{table}\n")
        (FIGURES / f"{name}.svg").write_text(plot(curve, sizes, series))
    return len(series["now"]) == len(sizes)


def measured(
    name: str, curve: Curve, folder: Path, sizes: tuple[int, ...], seconds: float
) -> dict[int, dict[str, float | None]]:
    """The points by size; those that were not reached in time are missing."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as lines:
        command = [
            python_of(folder),
            "-m",
            "benchmarks.growth.measure",
            name,
            lines.name,
            str(seconds),
            *map(str, sizes),
        ]
        with subprocess.Popen(command, cwd=folder) as process:
            try:
                process.wait(curve.limit_seconds)
            except subprocess.TimeoutExpired:
                _end(process)
        points = [json.loads(line) for line in lines]
    return {point.pop("size"): point for point in points}


def _end(process: "subprocess.Popen[bytes]") -> None:
    """As Ctrl-C would, so that it ends what it has started."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main())
