"""Tables that leave as files, row by row: CSV for spreadsheets, NDJSON for programs. Memory is that of one batch."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

import orjson
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import Response, StreamingResponse

_BEGINS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for the beginning of a formula."""
_MEDIA = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


def safe(cell: str) -> str:
    """Give a cell that no spreadsheet takes for a formula: with an apostrophe before it."""
    return f"'{cell}" if cell.startswith(_BEGINS) else cell


def stream(name: str, form: str, columns: Sequence[str], batches: Iterable[Iterable[Mapping[str, str]]]) -> Response:
    """Give a file of rows as it is made. `form` = csv or ndjson. CSV: RFC 4180, UTF-8 with BOM, as spreadsheets expect."""
    parts = _csv(columns, batches) if form == "csv" else _lines(columns, batches)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
    return StreamingResponse(_apart(parts), media_type=_MEDIA[form], headers=headers)


async def _apart(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    async for part in iterate_in_threadpool(parts):
        yield part


def _csv(columns: Sequence[str], batches: Iterable[Iterable[Mapping[str, str]]]) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    begin = "\ufeff"
    for batch in batches:
        writer.writerows([safe(row[name]) for name in columns] for row in batch)
        yield (begin + out.getvalue()).encode()
        begin = ""
        out.seek(0)
        out.truncate()
    if left := begin + out.getvalue():
        yield left.encode()


def _lines(columns: Sequence[str], batches: Iterable[Iterable[Mapping[str, str]]]) -> Iterator[bytes]:
    for batch in batches:
        yield b"".join(orjson.dumps({name: row[name] for name in columns}) + b"\n" for row in batch)
