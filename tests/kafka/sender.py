"""A foreign sender: `python -m tests.kafka.sender SERVERS TOPIC PEOPLE RECORD PAUSE`, until SIGTERM; writes down each record that the broker took.

Each is a Bundle that creates one resource under an id of the hub: taken twice, it would be there twice.
"""

from __future__ import annotations

import json
import signal
import sys
import threading

from kafka import KafkaProducer


def a_bundle(number: int, people: int) -> bytes:
    """Make the Bundle of a number."""
    mark = [{"system": "urn:example:load", "value": str(number)}]
    made = {"resourceType": "Basic", "identifier": mark, "code": {"text": "load"}, "subject": {"reference": f"Patient/p{number % people}"}}
    entry = {"resource": made, "request": {"method": "POST", "url": "Basic"}}
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}).encode()


def main(servers: str, topic: str, people: int, record: str, pause: float) -> None:
    """Send one after the other, each until the broker has it."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", delivery_timeout_ms=120_000, reconnect_backoff_max_ms=500)
    headers = [("content-type", b"application/fhir+json")]
    with open(record, "a", buffering=1, encoding="ascii") as kept:  # noqa: PTH123  a line at a time
        number = 0
        while not stop.is_set():
            producer.send(topic, value=a_bundle(number, people), key=b"%d" % (number % people), headers=headers).get(timeout=120)
            kept.write(f"{number}\n")
            number += 1
            stop.wait(pause)
    producer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
