"""Measure one curve of the version that this process runs, one JSON line for each size.

python -m growth.measure NAME FILE SECONDS SIZE…
"""

import importlib
import json
import sys
from pathlib import Path

from benchmarks.growth.curve import Curve, Settings


def curve_of(name: str) -> Curve:
    module = importlib.import_module(f"benchmarks.growth.curves.{name}")
    curve: Curve = module.CURVE
    return curve


def main(name: str, file: str, seconds: str, *sizes: str) -> None:
    numbers = [int(size) for size in sizes]
    with Path(file).open("a") as lines:
        for size, point in zip(numbers, curve_of(name).measure(numbers, Settings(float(seconds))), strict=False):
            lines.write(json.dumps({"size": size, **point}) + "\n")
            lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
