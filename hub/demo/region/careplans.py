"""Care plans as files of ケアプランデータ連携標準仕様 4.1: 利用者補足情報, 居宅サービス計画 第1表 and 第2表, one set a receiver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hub.demo.region.clock import JST, Clock, stamp
from hub.demo.region.people import INSURER, Case
from hub.demo.region.tables import office, tree

VERSION = "202407"
_MANAGER_TYPE = "43"
_TYPES = {"visiting-nurse": "13", "home-help": "11"}
_LIMITS = {"21": "16765", "22": "19705", "23": "27048", "24": "30938", "25": "36217"}
_COLUMNS = {"UPHOSOKU": 63, "UP1KYO": 28, "UP2KYO": 22}
_FREE = {
    "UPHOSOKU": {5, 6, 10, 11},
    "UP1KYO": {6, 7, 8, 9, 11, 12, 22, 23, 24, 26},
    "UP2KYO": {7, 9, 10, 11, 12, 14, 16, 18, 19, 20},
}
"""Numbers of the items that are free text, which alone are quoted (別紙 CSVファイルレイアウト定義書)."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """One file: its name and its bytes in MS932."""

    name: str
    data: bytes


def plan_files(cases: Iterable[Case], alias: str, clock: Clock) -> Iterator[PlanFile]:
    """Give the files that an office sends: for each receiver a set of three with one running number, users in their order."""
    mine = [case for case in cases if case.part("plan") and case.part("plan")["office"] == alias]
    for number, to in enumerate(sorted({case.part("plan")["to"] for case in mine})):
        chosen = [case for case in mine if case.part("plan")["to"] == to]
        made = max(clock.day(case.part("plan")["made"]) for case in chosen)
        sent = datetime(made.year, made.month, made.day, 17, 30, tzinfo=JST) + timedelta(minutes=number)
        yield from files_of(chosen, alias, to, sent, clock)


def files_of(cases: list[Case], alias: str, to: str, sent: datetime, clock: Clock) -> Iterator[PlanFile]:
    """Give one set: UPHOSOKU, UP1KYO, UP2KYO of the same persons."""
    ends = f"{office(alias)['code']}_{_MANAGER_TYPE}_{office(to)['code']}_{_TYPES[office(to)['kind']]}_{stamp(sent)}.CSV"
    rows = {
        "UPHOSOKU": [_supplement(case, clock) for case in cases],
        "UP1KYO": [_first_table(case, clock) for case in cases],
        "UP2KYO": [line for case in cases for line in _second_table(case, clock)],
    }
    for kind, lines in rows.items():
        middle = "_000000" if kind == "UPHOSOKU" else ""
        yield PlanFile(f"{kind}{middle}_{ends}", "".join(_record(kind, line) for line in lines).encode("cp932"))


def _record(kind: str, fields: Mapping[int, str]) -> str:
    """Write one record: free text in quotation marks, a quotation mark doubled, CRLF after each record and inside free text."""
    cells = []
    for i in range(1, _COLUMNS[kind] + 1):
        cell = fields.get(i, "").replace("\n", "\r\n")
        cells.append('"' + cell.replace('"', '""') + '"' if i in _FREE[kind] and cell else cell)
    return ",".join(cells) + "\r\n"


def _day(day: date | None) -> str:
    return day.strftime("%Y%m%d") if day else ""


def _supplement(case: Case, clock: Clock) -> dict[int, str]:
    person, plan = case.person, case.part("plan")
    return {
        1: VERSION, 2: INSURER, 3: person.insured, 4: _day(clock.day(plan["made"])),
        5: f"{person.family_kana}　{person.given_kana}", 6: f"{person.family}　{person.given}",
        7: {"male": "1", "female": "2"}[person.sex], 8: _day(person.birth), 9: person.postal, 10: person.address, 12: person.phone,
        13: _certified(case), 14: _day(person.level_from), 15: _day(person.level_until), 16: "2", 18: person.level, 19: _LIMITS[person.level],
        56: "0", 60: office(plan["office"])["code"], 61: office(plan["office"])["code"], 63: "000000",
    }  # fmt: skip


def _first_table(case: Case, clock: Clock) -> dict[int, str]:
    person, plan = case.person, case.part("plan")
    row = office(plan["office"])
    return {
        1: VERSION, 2: INSURER, 3: person.insured, 4: _day(clock.day(plan["made"])), 5: person.postal, 6: person.address,
        8: plan["manager"].replace(" ", "　"), 9: row["name"], 10: row["postal"], 11: row["address"], 13: row["code"],
        14: _day(clock.day(plan["made"])), 15: _day(clock.day(plan["first"])), 16: plan["kind"], 17: "2", 18: _certified(case),
        19: _day(person.level_from), 20: _day(person.level_until), 21: person.level, 22: plan["intent"], 23: plan["opinion"], 24: plan["policy"],
        25: plan.get("alone", ""), 27: row["code"],
    }  # fmt: skip


def _certified(case: Case) -> str:
    assert case.person.level_from is not None
    return _day(case.person.level_from - timedelta(days=14))


def _second_table(case: Case, clock: Clock) -> Iterator[dict[int, str]]:
    person, plan = case.person, case.part("plan")
    made = clock.day(plan["made"])
    long, short = (_era(made, made + timedelta(days=days)) for days in (364, 182))
    inner: dict[int, int] = {}
    for line in plan["lines"]:
        inner[line["need"]] = inner.get(line["need"], 0) + 1
        outside = bool(line.get("uninsured"))
        row = office(line["provider"])
        told = line.get("needs", "")
        yield {
            1: VERSION, 2: INSURER, 3: person.insured, 4: _day(made), 5: _day(made), 6: str(line["need"]), 7: told, 8: str(line["goal"]),
            9: line.get("long", ""), 10: line.get("short", ""), 11: long if told else "", 12: short if told else "",
            13: str(inner[line["need"]]), 14: line["service"], 15: "N" if outside else "Y", 16: line["type"],
            17: "" if outside else row["code"], 18: row["name"], 19: line["often"], 20: short, 21: office(plan["office"])["code"],
        }  # fmt: skip


def _era(start: date, end: date) -> str:
    """Write a period as the forms do: `R8.10.1～R9.3.31`."""
    first: int = tree("eras")["R"]
    return "～".join(f"R{day.year - first + 1}.{day.month}.{day.day}" for day in (start, end))
