"""One of many clients that want the same thing at the same moment: `python -m tests.faults.racer PORT TOKEN NUMBER`.

It reads the number of a round from its input, sends one conditional create, and writes what became of it: round, status, address, tries. What
the hub could not record (500) it sends again, as a client does. It ends with its input. Standard library alone: 32 of them start in a moment.
"""

from __future__ import annotations

import http.client
import json
import sys

SYSTEM = "urn:example:race"


def main(port: int, token: str, number: int) -> None:
    """Race."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    print("ready", flush=True)
    for line in sys.stdin:
        round_ = int(line)
        tree = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": str(round_)}], "birthDate": f"19{number:02}-01-01"}
        headers = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json", "If-None-Exist": f"identifier={SYSTEM}|{round_}",
            "Prefer": "return=minimal",
        }  # fmt: skip
        sent = json.dumps(tree).encode()
        tries, status = 0, 500
        while status == 500:
            connection.request("POST", "/fhir/Patient", sent, headers)
            answer = connection.getresponse()
            answer.read()
            tries, status = tries + 1, answer.status
        print(round_, status, answer.headers.get("Location", "-"), tries, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
