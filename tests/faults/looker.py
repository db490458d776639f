"""One who reads, searches, looks at views and hears, without end: `python -m tests.faults.looker PORTS TOKEN MARKS FILE`.

`MARKS` is a file of JSON: name of the person → how its stay and its Patient are read. For each answer, and of a stream for each event, it writes
a line: request, door, the moment before it was sent, the moment at which the bytes were there, how many were asked about, and of whom something
was in them. It ends when `FILE.stop` is there.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

DOORS = ("read", "search", "summary", "board", "lines", "stream")


def main(ports: list[int], token: str, marks: Path, kept: Path) -> None:
    """Look."""
    connections = {port: http.client.HTTPConnection("127.0.0.1", port, timeout=120) for port in ports}
    persons: dict[str, dict[str, str]] = json.loads(marks.read_text(encoding="utf-8"))
    names = list(persons)
    chance, stop = random.Random(kept.name), kept.with_name(kept.name + ".stop")
    number = 0
    with kept.open("w", encoding="ascii", buffering=1) as out:
        while not stop.exists():
            number += 1
            door, port, person = chance.choice(DOORS), chance.choice(ports), persons[chance.choice(names)]
            request = f"{kept.stem}-{number}"
            headers = {"Authorization": f"Bearer {token}", "X-Request-Id": request}
            sent = time.monotonic_ns()
            if door == "stream":
                blocks = streamed(port, headers, len(names))
                found = [(text, time.monotonic_ns(), 1) for text in blocks]
            else:
                found = [(*answered(connections[port], door, person, headers), asked(door, len(names)))]
            for text, received, count in found:
                seen = ",".join(name for name, marked in persons.items() if marked["stay"].encode() in text) or "-"
                out.write(f"{request} {door} {sent} {received} {count} {seen}\n")


def asked(door: str, persons: int) -> int:
    """Give of how many persons a door tells at once."""
    return persons if door in {"board", "lines"} else 1


def answered(connection: http.client.HTTPConnection, door: str, person: dict[str, str], headers: dict[str, str]) -> tuple[bytes, int]:
    """Ask one question; give the answer, and when it was there."""
    path = {
        "read": f"/fhir/Encounter/{person['stay']}",
        "search": f"/fhir/Encounter?patient=Patient/{person['patient']}",
        "summary": f"/fhir/Patient/{person['own']}/$summary",
        "board": "/fhir/$board",
        "lines": "/events?after=0&limit=1000",
    }[door]
    more = {"Accept": "application/x-ndjson"} if door == "lines" else {}
    try:
        connection.request("GET", path, headers=headers | more)
        answer = connection.getresponse()
    except (http.client.RemoteDisconnected, ConnectionError):  # a connection that lay idle was closed: nothing was answered
        connection.close()
        connection.request("GET", path, headers=headers | more)
        answer = connection.getresponse()
    text = answer.read()
    if answer.status not in {200, 404}:
        raise SystemExit(f"{door}: {answer.status} {text[:300]!r}")
    return text, time.monotonic_ns()


def streamed(port: int, headers: dict[str, str], events: int) -> Iterator[bytes]:
    """Open a stream from its first number and take as many events as there are."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", "/events", headers={**headers, "Accept": "text/event-stream", "Last-Event-ID": "0"})
        answer = connection.getresponse()
        block = b""
        while events:
            line = answer.readline()
            block += line
            if line in {b"\n", b""}:
                if b"id:" in block:
                    events -= 1
                    yield block
                block = b""
            if not line:
                return
    finally:
        connection.close()


if __name__ == "__main__":
    main([int(p) for p in sys.argv[1].split(",")], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
