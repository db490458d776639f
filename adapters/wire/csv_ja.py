"""CSV bytes → rows by a layout table: charset, quotes, header, number of columns, and each cell against its column.

RFC 4180, read tolerantly in the line ends (CRLF, LF, CR) and strictly in the quotes. A row keeps its own bytes, so that a file of many
persons can be cut. Nothing here knows FHIR, and no refusal repeats a cell.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from adapters.wire.csv_layout import Charset, Column, Layout, fault
from schemas.errors import Issue, Malformed, MissingValue, TooLong

MAX_BYTES = 20_000_000
MAX_LINES = 400_000
MAX_LINE = 1_000_000
MAX_ROWS = 20_000
FEW = 5
"""Issues named of one row."""
GETA = "〓"
"""Stands for a character of the sender's own (外字), as printers have always set it."""

_BOM = b"\xef\xbb\xbf"
_SHOWN = {"utf-8": "UTF-8", "cp932": "Shift_JIS (MS932)"}
_GAIJI = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
_SAMPLE = 100_000
"""Bytes on each side of a fault by which damaged UTF-8 is told from CP932."""
_BLANKS = " \t\r\n\u3000"


# ── sheets and rows ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Row:
    """One record. Cells are trimmed; an empty one is "". `line` is its first physical line in the file, from 1."""

    line: int
    raw: bytes
    cells: tuple[str, ...]
    index: Mapping[str, int]
    issues: tuple[Issue, ...] = ()
    warnings: tuple[Issue, ...] = ()

    def __getitem__(self, column: str) -> str:
        """Give a cell by its column's name; "" where the row is too short or the file has no such column."""
        at = self.index[column]
        return self.cells[at] if at < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that could be read as rows, right ones and wrong ones. `head` is its header line as it came, empty without one."""

    layout: Layout
    charset: Charset
    head: bytes
    rows: tuple[Row, ...]
    warnings: tuple[Issue, ...] = ()

    def cut(self, rows: Iterable[Row]) -> bytes:
        """Give a file of these rows alone: the header line and their bytes, in the order of the file."""
        return self.head + b"".join(row.raw for row in sorted(rows, key=lambda row: row.line))

    def place(self, row: Row, column: str) -> str:
        """Name a cell: `row 12, visit_date`; by its number too where the file has no header."""
        return _place(self.layout, row.line, self.layout.columns[self.layout.index[column]])


def by_person(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    """Group rows by the person they speak of, in the order in which the persons first stand in the file."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def first_cells(data: bytes) -> tuple[str, ...]:
    """Give the cells of the first line, as far as they can be told; for recognising a file, never raises."""
    lines = data[:4096].removeprefix(_BOM).splitlines()[:1]
    return tuple(cell.strip(_BLANKS + '"') for line in lines for cell in line.decode("cp932", errors="replace").split(","))


def read_sheet(data: bytes, layout: Layout, *, heads: Callable[[Sequence[str]], bool] | None = None) -> Sheet:
    """Read a file. `heads` says of a layout without a header whether a first row is one all the same, to be passed over.

    Raises TooLong, Malformed or MissingValue when the file as a whole cannot be read; what is wrong in a row stands in the row.
    """
    charset = _limited(data, layout)
    index: Mapping[str, int] = layout.index
    columns: tuple[Column | None, ...] = layout.columns
    head = b""
    warnings: tuple[Issue, ...] = ()
    rows: list[Row] = []
    for line, raw, cells in _records(data, charset):
        if not any(cells):
            continue
        if layout.header and not head:
            columns, warnings = _header(cells, layout, line)
            index = {column.name: at for at, column in enumerate(columns) if column} | {
                column.name: len(columns) for column in layout.columns if column not in columns
            }
            head = raw if raw.endswith((b"\n", b"\r")) else raw + b"\r\n"
        elif not rows and not head and heads is not None and heads(cells):
            head = raw
        elif len(rows) >= MAX_ROWS:
            raise TooLong("HUB-2019", where=f"row {line}", limit=str(MAX_ROWS))
        else:
            rows.append(_row(Row(line, raw, cells, index), columns, layout))
    if not rows:
        raise Malformed("HUB-2005", where="row 1")
    return Sheet(layout, charset, head, tuple(rows), warnings)


def _row(row: Row, columns: Sequence[Column | None], layout: Layout) -> Row:
    if len(row.cells) != len(columns):
        issue = Issue("HUB-2010", f"row {row.line}", {"found": str(len(row.cells)), "expected": str(len(columns))}, Malformed.issue)
        return replace(row, cells=row.cells[: len(columns)], issues=(issue,))
    cells = list(row.cells)
    issues: list[Issue] = []
    warnings: list[Issue] = []
    for at, column in enumerate(columns):
        if column is None:
            continue
        where = _place(layout, row.line, column)
        if _GAIJI.search(cells[at]):
            cells[at] = _GAIJI.sub(GETA, cells[at])
            warnings.append(Issue("HUB-2018", where, {}, "value", "warning"))
        if (wrong := fault(cells[at], column)) is not None and len(issues) < FEW:
            issues.append(replace(wrong, where=where))
    return replace(row, cells=tuple(cells), issues=tuple(issues), warnings=tuple(warnings))


def _place(layout: Layout, line: int, column: Column) -> str:
    return f"row {line}, {column.name}" if layout.header else f"row {line}, column {column.number} {column.name}"


def _header(cells: Sequence[str], layout: Layout, line: int) -> tuple[tuple[Column | None, ...], tuple[Issue, ...]]:
    """Match the header's names to the layout; columns of the sender's own are passed over, and said."""
    names = {column.name: column for column in layout.columns}
    found = [names.get(cell) for cell in cells]
    required = [column.name for column in layout.columns if column.required]
    if sum(column is not None for column in found) < 2:
        raise Malformed("HUB-2006", where=f"row {line}", columns=", ".join(required))
    for at, column in enumerate(found):
        if column is not None and column in found[:at]:
            raise Malformed("HUB-2008", where=f"row {line}, column {at + 1}")
    if missing := [name for name in required if names[name] not in found]:
        raise MissingValue("HUB-2007", where=f"row {line}", columns=", ".join(missing))
    warnings = tuple(
        Issue("HUB-2009", f"row {line}, column {at + 1}", {"near": _near(cells[at], names)}, "informational", "warning")
        for at, column in enumerate(found) if column is None
    )  # fmt: skip
    return tuple(found), warnings[:FEW]


def _near(cell: str, names: Iterable[str]) -> str:
    return next(iter(get_close_matches(cell[:64], list(names), n=1)), "-")


# ── bytes and lines ──────────────────────────────────────────────────────────────────────────────────────────────────


def _limited(data: bytes, layout: Layout) -> Charset:
    if len(data) > MAX_BYTES:
        raise TooLong("HUB-2000", where="file", limit=str(MAX_BYTES))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise Malformed("HUB-2003", where="file")
    if data.count(b"\n") + data.count(b"\r") > 2 * MAX_LINES:
        raise TooLong("HUB-2019", where="file", limit=str(MAX_ROWS))
    return _charset(data, layout.charsets)


def _charset(data: bytes, allowed: tuple[Charset, ...]) -> Charset:
    """Tell the charset, or refuse: nothing is guessed where the bytes could be two kinds of text, and damaged UTF-8 is not read as CP932."""
    wanted = " / ".join(_SHOWN[charset] for charset in allowed)
    if data.isascii():
        if b"\x1b" in data:
            raise Malformed("HUB-2001", where="file", charset=wanted, byte=str(data.index(b"\x1b") + 1))
        return allowed[0]
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
    else:
        if "utf-8" not in allowed:
            raise Malformed("HUB-2002", where="file")
        return "utf-8"
    if (
        "cp932" in allowed
        and not data.startswith(_BOM)
        and not _is_damaged_utf8(data[max(0, at - _SAMPLE) : at + _SAMPLE])
        and not _is_euc(data)
    ):
        try:
            data.decode("cp932")
        except UnicodeDecodeError as error:
            at = error.start
        else:
            return "cp932"
    raise Malformed("HUB-2001", where="file", charset=wanted, byte=str(at + 1))


def _is_damaged_utf8(data: bytes) -> bool:
    """Say of the bytes around the first fault whether most of what is not ASCII is right UTF-8 of three bytes; in CP932 almost none is."""
    text = data.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    return sum(1 for c in text if c >= "\u0800") - bad > 2 * bad


def _is_euc(data: bytes) -> bool:
    """Say whether all of it is EUC-JP: kanji in CP932 use lead bytes that EUC-JP does not have."""
    try:
        data.decode("euc_jp")
    except UnicodeDecodeError:
        return False
    return True


def _records(data: bytes, charset: Charset) -> Iterator[tuple[int, bytes, tuple[str, ...]]]:
    """Give (first line, bytes, trimmed cells) of each record; a record with line breaks in quotes has several lines.

    No trail byte of CP932 or UTF-8 is a line end, a comma or a quotation mark, so that bytes may be cut before they are decoded.
    """
    raws = data.splitlines(keepends=True)
    reader = csv.reader(_decoded(raws, charset), strict=True)
    done = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Malformed("HUB-2004", where=f"row {done + 1}") from error
        yield done + 1, b"".join(raws[done : reader.line_num]), tuple(_trimmed(cell) for cell in cells)
        done = reader.line_num


def _decoded(raws: list[bytes], charset: Charset) -> Iterator[str]:
    for at, raw in enumerate(raws):
        if len(raw) > MAX_LINE:
            raise TooLong("HUB-2016", where=f"row {at + 1}", limit=str(MAX_LINE))
        yield (raw if at else raw.removeprefix(_BOM)).decode(charset)


def _trimmed(cell: str) -> str:
    """Drop blanks at both ends, full-width ones too; line ends inside a text become one kind."""
    return cell.strip(_BLANKS).replace("\r\n", "\n").replace("\r", "\n")
