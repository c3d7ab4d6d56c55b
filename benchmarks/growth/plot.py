"""A curve as an SVG picture: one panel for each column, one line for each version, the goal dashed."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.growth.curve import Column, Curve

# By version, then by size: the values by their columns' names.
Series = dict[str, dict[int, dict[str, float | None]]]

WIDTH, HEIGHT, COLUMNS = 300, 210, 3
LEFT, TOP, RIGHT, BOTTOM = 52, 40, 14, 38
COLORS = {"before": "#b45309", "now": "#0f766e"}
GOAL_COLOR = "#6b7280"
LOG_FROM = 30.0  # A panel whose values differ by more than this has a logarithmic axis.


def plot(curve: Curve, sizes: Sequence[int], series: Series) -> str:
    columns = min(COLUMNS, len(curve.columns))
    rows = -(-len(curve.columns) // columns)
    width, height = columns * WIDTH, rows * HEIGHT + 34
    panels = "".join(
        f'<g transform="translate({index % columns * WIDTH},{34 + index // columns * HEIGHT})">'
        f"{_panel(curve, column, sizes, series)}</g>"
        for index, column in enumerate(curve.columns)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="system-ui, sans-serif" font-size="11" fill="#1f2937">'
        f'<title>{escape(curve.title)}</title><rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="12" y="22" font-size="14" font-weight="600">{escape(curve.title)}</text>'
        f"{_legend(series, width)}{panels}</svg>\n"
    )


def _legend(series: Series, width: int) -> str:
    x = width - 70 * len(series)
    return "".join(
        f'<g transform="translate({x + 70 * index},18)"><circle r="4" fill="{COLORS[version]}"/>'
        f'<text x="9" y="4">{version}</text></g>'
        for index, version in enumerate(series)
    )


class Axis:
    """Values to places. Logarithmic where they differ by much."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, is_log: bool) -> None:
        self._is_log = is_log
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        self._low, high = self._scaled(low if is_log else 0.0), self._scaled(high)
        self._span = (high - self._low) or 1.0
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        return self._start + (self._scaled(value) - self._low) / self._span * (self._end - self._start)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-3)) if self._is_log else value


def _panel(curve: Curve, column: Column, sizes: Sequence[int], series: Series) -> str:
    lines = {version: list(_known(points, sizes, column)) for version, points in series.items()}
    values = [value for line in lines.values() for _, value in line] + ([column.goal] if column.goal else [])
    positive = [value for value in values if value > 0]
    is_log = bool(positive) and max(positive) / min(positive) > LOG_FROM
    down = Axis(positive if is_log else values, HEIGHT - BOTTOM, TOP, is_log=is_log)
    across = Axis([max(1, size) for size in sizes], LEFT, WIDTH - RIGHT, is_log=True)
    return "".join(
        (
            f'<text x="{LEFT}" y="{TOP - 14}" font-weight="600">{escape(column.title)}</text>',
            f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#9ca3af"/>',
            *_ticks_down(values, down),
            *_ticks_across(sizes, across),
            _centred((LEFT + WIDTH) / 2, HEIGHT - 6, curve.size_title),
            *(_goal(column.goal, down) if column.goal else ()),
            *(_line(version, line, across, down) for version, line in lines.items() if line),
        )
    )


def _known(
    points: dict[int, dict[str, float | None]], sizes: Sequence[int], column: Column
) -> Iterator[tuple[int, float]]:
    for size in sizes:
        value = points.get(size, {}).get(column.name)
        if value is not None:
            yield size, value


def _ticks_down(values: Sequence[float], down: Axis) -> Iterator[str]:
    for value in sorted({min(values), max(values)} if values else set()):
        yield f'<text x="{LEFT - 5}" y="{down.place(value) + 4:.1f}" text-anchor="end">{value:,.3g}</text>'


def _ticks_across(sizes: Sequence[int], across: Axis) -> Iterator[str]:
    for size in sizes:
        text = f"{size // 1_000_000}M" if size >= 1_000_000 else f"{size // 1000}k" if size >= 1000 else f"{size}"
        yield _centred(across.place(max(1, size)), HEIGHT - BOTTOM + 14, text)


def _centred(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.0f}" text-anchor="middle">{escape(text)}</text>'


def _goal(goal: float, down: Axis) -> Iterator[str]:
    y = down.place(goal)
    yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GOAL_COLOR}" stroke-dasharray="4 4"/>'
    yield f'<text x="{WIDTH - RIGHT}" y="{y - 4:.1f}" text-anchor="end" fill="{GOAL_COLOR}">goal</text>'


def _line(version: str, line: Sequence[tuple[int, float]], across: Axis, down: Axis) -> str:
    places = [(across.place(max(1, size)), down.place(value)) for size, value in line]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
    color = COLORS[version]
    return f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/><g fill="{color}">{dots}</g>'
