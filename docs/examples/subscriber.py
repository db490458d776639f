"""Follow what one organization may hear, and go on where it stopped: python subscriber.py BASE TOKEN [FILE]."""

import json
import sys
import time
from pathlib import Path

import httpx

base, token = sys.argv[1:3]
memory = Path(sys.argv[3] if len(sys.argv) > 3 else "last-event-id")  # the last number that was dealt with


def follow():
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": memory.read_text() if memory.exists() else "0"}
    with httpx.stream("GET", f"{base}/events", headers=headers, timeout=30) as answer:  # a comment line comes every 10 s
        answer.raise_for_status()
        got = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name:
                got[name] = value
            elif "id" in got:  # an empty line ends an event
                if "data" in got:  # a number without data was withdrawn meanwhile: nothing may be said of it
                    told = json.loads(got["data"])
                    print(told["id"], told["data"]["event"], told["data"]["resource"]["reference"], flush=True)
                memory.write_text(got["id"])
                got = {}


while True:
    try:
        follow()
    except httpx.TransportError:
        time.sleep(2)  # the hub is not there: try again, from the number in the file
