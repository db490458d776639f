"""The one or two files of a wire, read as rows: where a fault stands, and how one person's rows are cut out as the same kind of wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from adapters.visiting_nurse.archive import OBSERVATION, VISIT, is_zip, pack, unpack
from adapters.wire.csv_ja import Row, Sheet, first_cells, read_sheet
from adapters.wire.csv_layout import Layout, read_layout
from schemas.errors import Issue, Unsupported


@dataclass(frozen=True, slots=True)
class Sheets:
    """Visits, and measurements where they were sent along (then the wire is a ZIP)."""

    visits: Sheet
    measures: Sheet | None
    zipped: bool

    def in_visits(self, issues: Iterable[Issue]) -> list[Issue]:
        """Place issues in the file of visits: its name is said where there are two."""
        return [replace(issue, where=f"{VISIT} {issue.where}") if self.zipped else issue for issue in issues]

    def in_measures(self, issues: Iterable[Issue]) -> list[Issue]:
        """Place issues in the file of measurements."""
        return [replace(issue, where=f"{OBSERVATION} {issue.where}") for issue in issues]

    def cut(self, rows: Iterable[Row], taken: Iterable[Row] = ()) -> bytes:
        """Give a wire of these visits and measurements alone."""
        if not self.zipped:
            return self.visits.cut(rows)
        parts = {VISIT: (self.visits, list(rows)), OBSERVATION: (self.measures, list(taken))}
        return pack({name: sheet.cut(chosen) for name, (sheet, chosen) in parts.items() if sheet is not None and chosen})


def is_visits(data: bytes) -> bool:
    """Say whether the first line is the header of vn_visit.csv."""
    return {"visit_id", "patient_local_id"} <= set(first_cells(data))


def is_measures(data: bytes) -> bool:
    """Say whether the first line is the header of vn_observation.csv."""
    return {"visit_id", "obs_id"} <= set(first_cells(data))


def read_sheets(data: bytes) -> Sheets:
    """Read a wire: `vn_visit.csv`, or a ZIP with it and `vn_observation.csv`.

    Raises Malformed, MissingValue or TooLong when a file cannot be read as rows, Unsupported for measurements without their visits.
    """
    if is_zip(data):
        contents = unpack(data)
        measures = read_sheet(contents[OBSERVATION], _layout("vn_observation")) if OBSERVATION in contents else None
        return Sheets(read_sheet(contents[VISIT], _layout("vn_visit")), measures, zipped=True)
    if is_measures(data):
        raise Unsupported("HUB-2112", where="file")
    return Sheets(read_sheet(data, _layout("vn_visit")), None, zipped=False)


def _layout(name: str) -> Layout:
    return read_layout("adapters.visiting_nurse", f"data/{name}.csv", "data/codes.csv", header=True, charsets=("utf-8", "cp932"))
