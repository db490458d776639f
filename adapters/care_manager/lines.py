"""Lines of 2表 → needs, goals and services: numbers carried down, repeated and empty cells read as the print image means them.

Reading rules of 標準仕様 4.1 別紙 データレイアウトの例 (care-manager facts §1.5.4): lines are sorted by 課題ＮＯ, 援助目標ＮＯ, 援助内容ＮＯ; a cell may be
written once and left empty on the lines below, or repeated; another 短期目標 under the same 援助目標ＮＯ is a further short-term goal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

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
        if row["課題"]:
            need = _same(table.needs, number, row["課題"]) or _kept(table.needs, Need(_key(table.needs, number), row["課題"]))
        if row["長期目標"]:
            above = _same(table.long, place, row["長期目標"]) or _kept(
                table.long, Aim("long", _key(table.long, place), row["長期目標"], row["長期期間"], need)
            )
        if row["短期目標"]:
            aim = _same(table.short, place, row["短期目標"]) or _kept(
                table.short, Aim("short", _key(table.short, place), row["短期目標"], row["短期期間"], need, above)
            )
        if any(row[name] for name in _SERVICE):
            table.services.append(Service(_key(table.services, f"{place}.{line.line}"), row, need, aim or above))
        before = (line.need, line.goal)
    return table


_One = TypeVar("_One", Need, Aim)


def _same(known: list[_One], number: str, text: str) -> _One | None:
    """Find what stood under this number with these words: a repeated cell opens nothing."""
    return next((one for one in known if one.text == text and one.key.partition("-")[0] == number), None)


def _kept(known: list[_One], one: _One) -> _One:
    known.append(one)
    return one


def _key(known: Sequence[Need | Aim | Service], number: str) -> str:
    """Give the number, or `1-2`, `1-3` where other words stand under the same number."""
    times = sum(one.key.partition("-")[0] == number for one in known)
    return f"{number}-{times + 1}" if times else number


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
