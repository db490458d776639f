"""Server-sent events as a browser reads them (HTML standard, §9.2.6): id, event, data; a comment is nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson


@dataclass(frozen=True, slots=True)
class Told:
    """One block of the stream; `data` None = a number without content."""

    id: int
    event: str
    data: dict[str, Any] | None


@contextmanager
def stream(client: httpx.Client, *, last: int | None = None, query: str = "") -> Iterator[Iterator[Told]]:
    """Open the stream; give its blocks as they come. Waiting ends by the client's own time limit."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(last)} if last is not None else {})
    with client.stream("GET", f"/events{query}", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield blocks(answer.iter_lines())


def blocks(lines: Iterator[str]) -> Iterator[Told]:
    """Read lines into blocks that carry a number."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            continue
        if "id" in fields:
            yield Told(int(fields["id"]), fields.get("event", ""), orjson.loads(fields["data"]) if "data" in fields else None)
        fields = {}
