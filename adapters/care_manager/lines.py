"""Lines of 2表 → needs, goals and services: numbers carried down, repeated and empty cells read as the print image means them.

Reading rules of 標準仕様 4.1 別紙 データレイアウトの例 (care-manager facts §1.5.4): lines are sorted by 課題ＮＯ, 援助目標ＮＯ, 援助内容ＮＯ; a cell may be
written once and left empty on the lines below, or repeated; another 短期目標 under the same 援助目標ＮＯ is a further short-term goal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from adapters.wire.csv_ja import Row


@dataclass(frozen=True, slots=True)
class Need:
    """A need (課題)."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Aim:
    """A goal (目標): `long` (長期) or `short` (短期). `above` is the long-term goal that a short-term one leads to."""

    term: Literal["long", "short"]
    key: str
    text: str
    period: str
    need: Need | None
    above: Aim | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A line with a service (サービス内容) and what it serves."""

    key: str
    row: Row
    need: Need | None
    aim: Aim | None


@dataclass(frozen=True, slots=True)
class Table:
    """All of 2表 of one plan, each thing once and in the order of the form."""

    needs: list[Need] = field(default_factory=list)
    long: list[Aim] = field(default_factory=list)
    short: list[Aim] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    need: int
    goal: int
    line: int
    row: Row


_SERVICE = ("サービス内容", "サービス種別", "サービス事業者コード", "サービス事業所名", "頻度", "実施期間")


def read_lines(rows: Iterable[Row]) -> Table:
    """Read the lines of one plan. Keys are made of the numbers: need `1`, goal `1.1`, service `1.1.2`; further texts get `-2`, `-3`."""
    table = Table()
    keys = _Keys()
    needs: dict[tuple[str, str], Need] = {}
    aims: dict[tuple[str, str, str], Aim] = {}
    need: Need | None = None
    above: Aim | None = None
    aim: Aim | None = None
    before = (0, 0)
    for line in sorted(_numbered(rows), key=lambda n: (n.need, n.goal, n.line)):
        row, number, place = line.row, f"{line.need}", f"{line.need}.{line.goal}"
        if line.need != before[0]:
            need = None
        if (line.need, line.goal) != before:
            above = aim = None
        if text := row["課題"]:
            if (number, text) not in needs:
                needs[number, text] = Need(keys.next("need", number), text)
                table.needs.append(needs[number, text])
            need = needs[number, text]
        if text := row["長期目標"]:
            if ("long", place, text) not in aims:
                aims["long", place, text] = Aim("long", keys.next("long", place), text, row["長期期間"], need)
                table.long.append(aims["long", place, text])
            above = aims["long", place, text]
        if text := row["短期目標"]:
            if ("short", place, text) not in aims:
                aims["short", place, text] = Aim("short", keys.next("short", place), text, row["短期期間"], need, above)
                table.short.append(aims["short", place, text])
            aim = aims["short", place, text]
        if any(row[name] for name in _SERVICE):
            table.services.append(Service(keys.next("service", f"{place}.{line.line}"), row, need, aim or above))
        before = (line.need, line.goal)
    return table


class _Keys:
    """Counts what stands under each number."""

    def __init__(self) -> None:
        self._times: Counter[tuple[str, str]] = Counter()

    def next(self, kind: str, number: str) -> str:
        """Give the number, or `1-2`, `1-3` for the second and third thing under it."""
        self._times[kind, number] += 1
        times = self._times[kind, number]
        return number if times == 1 else f"{number}-{times}"


def _numbered(rows: Iterable[Row]) -> Iterator[_Line]:
    """Give each row its three numbers; one that is left empty is the one above, or the next where other words stand beside it."""
    need = goal = line = 0
    need_text = goal_text = ""
    for row in rows:
        number = _next(row["課題ＮＯ"], row["課題"], need, need_text)
        if number != need:
            need, goal, need_text, goal_text = number, 0, "", ""
        number = _next(row["援助目標ＮＯ"], row["長期目標"], goal, goal_text)
        if number != goal:
            goal, line, goal_text = number, 0, ""
        need_text, goal_text = row["課題"] or need_text, row["長期目標"] or goal_text
        line = int(row["援助内容ＮＯ"]) if row["援助内容ＮＯ"] else line + 1
        yield _Line(need, goal, line, row)


def _next(cell: str, told: str, current: int, current_text: str) -> int:
    if cell:
        return int(cell)
    return current if current and told in {"", current_text} else current + 1
