"""A figure and its line: `name value unit ratio yardstick`, five words, so that a script can cut it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Figure", "against", "line", "median", "percentile"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `ratio` is the figure divided by its yardstick; NaN where there is none, with the reason as `yardstick`."""

    name: str
    value: float
    unit: str
    ratio: float
    yardstick: str


def against(name: str, value: float, unit: str, yardstick: str, measured: float, ratio: float | None = None) -> Figure:
    """Set a figure against a yardstick that measured so much; `ratio` when it is a median of rounds of its own."""
    return Figure(name, value, unit, value / measured if ratio is None else ratio, f"{yardstick}:{_short(measured)}")


def line(figure: Figure) -> str:
    """Say a figure in one line; `-` is no number."""
    return f"{figure.name:<30} {_short(figure.value):>9} {figure.unit:<11} {_short(figure.ratio):>8} {figure.yardstick}"


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of them does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _short(value: float) -> str:
    if math.isnan(value):
        return "-"
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"
