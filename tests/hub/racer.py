"""One of many clients that want the same thing at the same moment: `python -m tests.hub.racer PORT TOKEN ROUNDS NUMBER`.

It reads a line from its input before each round, sends one conditional create, and writes what became of it: round, status, address. What the
hub could not record (500) it sends again, as a client does. Standard library alone: 32 of them start in a moment.
"""

from __future__ import annotations

import http.client
import json
import sys

SYSTEM = "urn:example:race"


def main(port: int, token: str, rounds: int, number: int) -> None:
    """Race."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    print("ready", flush=True)
    for round_ in range(rounds):
        tree = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": str(round_)}], "birthDate": f"19{number:02}-01-01"}
        headers = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json", "If-None-Exist": f"identifier={SYSTEM}|{round_}",
            "Prefer": "return=minimal",
        }  # fmt: skip
        sent = json.dumps(tree).encode()
        sys.stdin.readline()
        tries, status = 0, 500
        while status == 500:
            connection.request("POST", "/fhir/Patient", sent, headers)
            answer = connection.getresponse()
            answer.read()
            tries, status = tries + 1, answer.status
        print(round_, status, answer.headers.get("Location", "-"), tries, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
