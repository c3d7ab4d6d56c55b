"""A curve's figures as a table in Markdown."""

from collections.abc import Sequence

from benchmarks.growth.curve import Column, Curve
from benchmarks.growth.plot import Series


def markdown(curve: Curve, sizes: Sequence[int], series: Series) -> str:
    """Each cell has one value for each version, before and now."""
    heads = [curve.size_title, *(_head(column) for column in curve.columns)]
    rows = [
        [
            f"{size:,}",
            *(" → ".join(_value(series[version], size, column) for version in series) for column in curve.columns),
        ]
        for size in sizes
    ]
    lines = [heads, ["---:"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(column: Column) -> str:
    return column.title if column.goal is None else f"{column.title} (≤ {column.goal:g})"


def _value(points: dict[int, dict[str, float | None]], size: int, column: Column) -> str:
    value = points.get(size, {}).get(column.name)
    return "–" if value is None else readable(value)


def readable(value: float) -> str:
    """Three digits that count, no more."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}" if abs(value) < 1 else f"{value:.2f}"
