"""A client that writes without pause and keeps its own record: `python -m tests.hub.loader PORT TOKEN NAME RECORD`.

Each line of the record is written before the next step: `sent N` before a request leaves, `told N STATUS VERSION` when its answer is
read. It ends when the connection breaks. Each write is one version more of the same Observation, and a new resource beside it.
"""

from __future__ import annotations

import http.client
import json
import sys


def body(name: str, number: int) -> bytes:
    """Make write number N: a transaction of a new resource and a new version of another, both carrying N."""
    mark = [{"system": "urn:example:load", "value": f"{name}-{number}"}]
    patient = {"reference": f"Patient/{name}"}
    fresh = {"resourceType": "Basic", "id": f"{name}-{number}", "identifier": mark, "code": {"text": "load"}, "subject": patient}
    again = {"resourceType": "Observation", "id": name, "identifier": mark, "status": "final", "code": {"text": "load"}, "subject": patient}
    entries = [{"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in (fresh, again)]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def main(port: int, token: str, name: str, record: str) -> None:
    """Write until the connection breaks."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with open(record, "a", buffering=1, encoding="ascii") as kept:  # noqa: PTH123  no site packages and no time to lose
        number = 0
        while True:
            number += 1
            sent = body(name, number)
            kept.write(f"sent {number}\n")
            try:
                connection.request("POST", "/fhir", sent, headers)
                answer = connection.getresponse()
                told = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                return
            etag = told["entry"][1]["response"]["etag"] if answer.status == 200 else "-"
            kept.write(f"told {number} {answer.status} {etag}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:5])
