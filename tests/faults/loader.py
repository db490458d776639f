"""A client that writes without pause and keeps its own record: `python -m tests.faults.loader PORTS TOKEN NAME RECORD [--on]`.

Each line of the record is written before the next step: `sent N` before a request leaves, `told N STATUS VERSION-OR-RULE` when its answer is
read. Each write is one version more of the same Observation, and a new resource beside it; each fifth is an admission too. It ends when the
connection breaks. With `--on` it goes on with the next number, at the next of the ports, until a file named RECORD.stop is there: what broke
off is never sent again. Standard library alone: many of them start in a moment.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from datetime import datetime, timedelta, timezone

ADMISSION = 5
"""Each so many-th write is an admission too."""
BEGIN = datetime(1950, 1, 1, tzinfo=timezone(timedelta(hours=9)))
PAUSE = 0.05


def admitted(name: str, number: int) -> str:
    """Give the moment of the admission that write number N of a client (`r1c0`: round, client) tells of: no two are the same."""
    turn, _, client = name[1:].partition("c")
    moment = BEGIN + timedelta(seconds=(int(turn) * 16 + int(client)) * 100_000 + number)
    return moment.isoformat()


def body(name: str, number: int) -> bytes:
    """Make write number N: a transaction of a new resource and a new version of another, both carrying N."""
    mark = [{"system": "urn:example:load", "value": f"{name}-{number}"}]
    patient = {"reference": f"Patient/{name}"}
    made = [
        {"resourceType": "Basic", "id": f"{name}-{number}", "identifier": mark, "code": {"text": "load"}, "subject": patient},
        {"resourceType": "Observation", "id": name, "identifier": mark, "status": "final", "code": {"text": "load"}, "subject": patient},
    ]
    if number % ADMISSION == 0:
        inpatient = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
        stay = {"resourceType": "Encounter", "id": f"{name}-{number}", "status": "in-progress", "class": inpatient, "subject": patient}
        made.append({**stay, "period": {"start": admitted(name, number)}})
    entries = [{"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in made]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def main(ports: list[int], token: str, name: str, record: str, *, on: bool) -> None:
    """Write until the connection breaks, or until told to stop."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    turn = 0
    connection = http.client.HTTPConnection("127.0.0.1", ports[0], timeout=120)
    with open(record, "a", buffering=1, encoding="ascii") as kept:  # noqa: PTH123  no site packages and no time to lose
        number = 0
        while not os.path.exists(f"{record}.stop"):  # noqa: PTH110
            number += 1
            sent = body(name, number)
            kept.write(f"sent {number}\n")
            try:
                connection.request("POST", "/fhir", sent, headers)
                answer = connection.getresponse()
                told = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError) as broken:
                if not on:
                    return
                if isinstance(broken, ConnectionRefusedError):
                    kept.write(f"told {number} 0 refused\n")
                connection.close()
                turn += 1
                connection = http.client.HTTPConnection("127.0.0.1", ports[turn % len(ports)], timeout=120)
                time.sleep(PAUSE)
                continue
            if answer.status == 200:
                kept.write(f"told {number} 200 {told['entry'][1]['response']['etag']}\n")
                continue
            kept.write(f"told {number} {answer.status} {told['issue'][0]['details']['coding'][0]['code']}\n")
            time.sleep(PAUSE)


if __name__ == "__main__":
    main([int(p) for p in sys.argv[1].split(",")], *sys.argv[2:5], on="--on" in sys.argv[5:])
