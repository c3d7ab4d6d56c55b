"""A curve: one cost, measured at several sizes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

# The values of one size, by the names of the columns. None or missing: could not be measured.
Point = Mapping[str, float | None]


@dataclass(frozen=True)
class Column:
    """`goal`: the most that is acceptable at the largest size."""

    name: str
    title: str
    goal: float | None = None


@dataclass(frozen=True)
class Settings:
    """`seconds`: how long to look at each size, where a curve looks for a while."""

    seconds: float


Measure = Callable[[Sequence[int], Settings], Iterator[Point]]


@dataclass(frozen=True)
class Curve:
    """`measure` yields one point for each size, in order; it runs in a process of its own, of the version that is
    measured, and is ended after `limit_seconds`: points yielded until then count. It uses only what all versions have:
    addresses, tables, commands, and functions that have not changed."""

    title: str
    size_title: str
    sizes: tuple[int, ...]
    columns: tuple[Column, ...]
    measure: Measure
    limit_seconds: float = 900.0
