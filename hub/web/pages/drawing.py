"""What the 急変時 (sudden change) page draws: the course of a sign over the usual range, and how small the A4 sheet must be set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hub.views.emergency_shapes import EmergencyPage, Vital
from hub.views.shapes import Line

SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 160, 44, 5
_DENSE = (54, 60, 80)
"""From how many estimated lines on paper the A4 sheet is set smaller, step by step (measured with Chromium's print)."""


@dataclass(frozen=True, slots=True)
class Spark:
    """A drawn course of one sign: SVG numbers in a box of 160 × 44, time from left to right in scale, now at the right edge."""

    line: str
    dot: tuple[float, float]
    band: tuple[float, float] | None
    """Top and height of the usual range."""
    begins: str
    """`30日前`."""
    words: str
    """The same for those who do not see it."""


def spark(vital: Vital) -> Spark | None:
    """Draw a sign's points over its usual range; None when there are no points."""
    points = [(max(h, 0.0), v) for h, v in vital.points if math.isfinite(h) and math.isfinite(v)]
    if not points:
        return None
    usual = [x for x in (vital.low, vital.high) if x is not None]
    values = [v for _, v in points]
    low, high = min(*values, *usual, values[0]), max(*values, *usual, values[0])
    spread, longest = (high - low) or 1.0, max(h for h, _ in points) or 1.0

    def x(hours: float) -> float:
        return round(SPARK_EDGE + (1 - hours / longest) * (SPARK_WIDTH - 2 * SPARK_EDGE), 1)

    def y(value: float) -> float:
        return round(SPARK_EDGE + (high - value) / spread * (SPARK_HEIGHT - 2 * SPARK_EDGE), 1)

    band = None
    if vital.low is not None and vital.high is not None:
        band = (y(vital.high), max(round(y(vital.low) - y(vital.high), 1), 1.0))
    begins = _ago(longest if len(points) > 1 else points[0][0])
    words = (
        f"{vital.name}の推移：{begins}から{len(points)}回、最小 {min(values):g}、最大 {max(values):g}、最新 {values[-1]:g}。{vital.usual}"
    )
    line = " ".join(f"{x(h)},{y(v)}" for h, v in points)
    return Spark(line, (x(points[-1][0]), y(values[-1])), band, begins, words)


def _ago(hours: float) -> str:
    return f"{round(hours / 24)}日前" if hours >= 36 else f"{round(hours)}時間前" if hours >= 1 else "1時間以内"


def direction(vital: Vital) -> str:
    """Say on which side of the usual range the newest value lies: `高い`, `低い`, or empty."""
    if not vital.outside or not vital.points:
        return ""
    newest = vital.points[-1][1]
    return "高い" if vital.high is not None and newest > vital.high else "低い" if vital.low is not None and newest < vital.low else ""


def density(model: EmergencyPage) -> int:
    """Say how small the A4 sheet must be set (0 to 3) to hold everything on one page, from the length of what it says."""
    needed = lines_on_paper(model)
    return sum(needed > limit for limit in _DENSE)


def lines_on_paper(model: EmergencyPage) -> float:
    """Estimate how many lines the sheet needs: the tallest of its three upper cards, the signs, and three columns below."""
    wanted = model.wishes
    texts = (wanted.words, wanted.conditions + wanted.confirm, wanted.present)
    middle = sum(math.ceil(len(t) / 26) for t in texts) + 1.5 * len(wanted.wishes) + 3
    calls = sum(2.3 + math.ceil((len(c.who) + len(c.source) + len(c.when)) / 24) for c in model.calls) + 3
    top = max(_rows(model.alerts, 22), middle, calls)
    parts = (model.problems, model.drugs, model.allergies, model.devices, model.usual_self, model.home, model.visits, model.matters)
    below = sum(_rows(part, 24) for part in parts) + sum(_rows(d.sides, 24) for d in model.differing)
    return top + below / 3 + (14 if model.vitals else 4)


def _rows(lines: Sequence[Line], width: int) -> float:
    """Estimate the lines of one card that is so many characters wide, its heading among them."""
    said = sum(1.25 * math.ceil((len(x.text) + len(x.when) + len(x.source) + 3) / width) for x in lines)
    return said + sum(0.9 * math.ceil(len(x.detail) / width) for x in lines) + 2.2
