"""One who gives and takes back consents, person after person: `python -m tests.faults.revoker PORTS TOKEN PERSONS FILE`.

`PERSONS` is a file of JSON: name of the person → the Consent active, and inactive. For each it writes a line: person, what it said, the moment
before it was sent, the moment at which the answer was there (nanoseconds of the machine's own clock), status. It ends when `FILE.stop` is there.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path


def main(ports: list[int], token: str, persons: Path, kept: Path) -> None:
    """Give and take back."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=120) for port in ports]
    bodies: dict[str, dict[str, str]] = json.loads(persons.read_text(encoding="utf-8"))
    active = dict.fromkeys(bodies, True)
    chance, stop = random.Random(token + kept.name), kept.with_name(kept.name + ".stop")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json", "Prefer": "return=minimal"}
    with kept.open("w", encoding="ascii", buffering=1) as out:
        while not stop.exists():
            person = chance.choice(list(bodies))
            said = "inactive" if active[person] else "active"
            connection = chance.choice(connections)
            sent = time.monotonic_ns()
            tree = {**json.loads(bodies[person][said]), "dateTime": datetime.now(UTC).isoformat()}  # given again, it is signed again
            place, body = f"/fhir/Consent/{person}", json.dumps(tree).encode()
            try:
                connection.request("PUT", place, body, headers)
                answer = connection.getresponse()
            except (
                http.client.RemoteDisconnected,
                ConnectionError,
            ):  # a connection that lay idle was closed; the same word twice is one word
                connection.close()
                connection.request("PUT", place, body, headers)
                answer = connection.getresponse()
            answer.read()
            out.write(f"{person} {said} {sent} {time.monotonic_ns()} {answer.status}\n")
            if answer.status == 200:
                active[person] = not active[person]
            time.sleep(chance.random() * 0.01)


if __name__ == "__main__":
    main([int(p) for p in sys.argv[1].split(",")], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
